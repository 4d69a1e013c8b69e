"""What a turn says becomes deliveries: split, numbered, addressed, with keys of their own."""

from collections.abc import Callable
from itertools import count
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from posthouse.gateway.bots import Bot
from posthouse.gateway.outputs import DRAFT_ORDINAL, Outputs, letter_for
from posthouse.gateway.router import split_token
from posthouse.model.action import Ask, Policy, Send, Who
from posthouse.model.address import Chat, ChatKind, Person
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, Kind, State
from posthouse.model.event import Event, ReplyContext
from posthouse.model.message import Content
from posthouse.model.turn import StoredEvent, Turn
from posthouse.testing.null_channel import CAPABILITIES, NullChannel
from tests.house.people import BOT, NOON, ROOM, pressed, said

CHAT = Chat(7, BOT, ROOM, ChatKind.GROUP)
NOTHING: MappingProxyType[str, Any] = MappingProxyType({})


def keys() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):032x}"


def turn(*events: Event) -> Turn:
    stored = tuple(
        StoredEvent(n, event, NOON) for n, event in enumerate(events or (said("hi"),), 1)
    )
    return Turn(
        id=3, chat=CHAT, session="7:m:ann", handler="demo", person=Person("ann"), events=stored
    )


def outputs(of: Turn | None = None, can: Capabilities = CAPABILITIES) -> Outputs:
    return Outputs(of or turn(), Bot(BOT, NullChannel(can), "en"), keys())


def before(ordinal: int, state: State = State.SENT, **changes: Any) -> Delivery:  # noqa: ANN401
    basis = Delivery(
        id=100 + ordinal, bot=BOT, chat=7, origin="turn:3", ordinal=ordinal, part=0, state=state
    )
    return replace(basis, **changes)


def test_each_send_has_the_next_ordinal_and_each_page_the_next_part() -> None:
    made = outputs(can=replace(CAPABILITIES, text_max=40))
    made.send(Send(Content("word " * 20)))
    made.send(Send(Content("end")))
    places = [(d.origin, d.ordinal, d.part) for d in made.deliveries]
    assert places[:2] == [("turn:3", 0, 0), ("turn:3", 0, 1)]
    assert places[-1] == ("turn:3", 1, 0)
    assert len(set(places)) == len(places)
    assert len({d.key for d in made.deliveries}) == len(places)
    assert all(d.body for d in made.deliveries)


def test_a_send_keeps_its_policy() -> None:
    made = outputs()
    made.send(Send(Content("pay"), policy=Policy.AT_MOST_ONCE))
    assert made.deliveries[0].policy is Policy.AT_MOST_ONCE


def test_a_question_has_an_opaque_button_for_every_choice() -> None:
    made = outputs()
    made.ask(Ask(Content("Tea?"), ("yes", "no"), state="s", expires_s=60.0), NOON)
    (question,) = made.questions
    (delivery,) = made.deliveries
    tokens = [choice.token for choice in delivery.content.choices]
    assert [split_token(token) for token in tokens] == [(question.id, 0), (question.id, 1)]
    assert max(len(token.encode()) for token in tokens) <= 24
    assert (question.expires_at, question.labels) == (NOON + 60.0, ("yes", "no"))
    assert (question.state, question.session, question.handler) == ("s", "7:m:ann", "demo")


@pytest.mark.parametrize(
    ("who", "expected"), [(Who.ASKER, "ann"), (Who.ANYONE, ""), ("some-id", "some-id")]
)
def test_who_may_answer(who: str, expected: str) -> None:
    made = outputs()
    made.ask(Ask(Content("Tea?"), who=who), NOON)
    assert made.questions[0].who == expected


def test_the_first_words_settle_the_growing_message() -> None:
    made = outputs()
    made.send(Send(Content("one")))
    made.send(Send(Content("two")))
    made.settle_first(99)
    assert [(d.kind, d.target) for d in made.deliveries] == [(Kind.SETTLE, 99), (Kind.SEND, None)]


def test_a_growing_message_comes_before_everything() -> None:
    draft = outputs().draft(Content("word"))
    assert (draft.kind, draft.ordinal) == (Kind.DRAFT, DRAFT_ORDINAL)


def test_last_words_come_behind_everything_and_are_one_message() -> None:
    made = outputs(can=replace(CAPABILITIES, text_max=40))
    made.send(Send(Content("one")))
    last = made.settle(Content("word " * 100), 99)
    assert (last.kind, last.target, last.ordinal, last.part) == (Kind.SETTLE, 99, 1, 0)


@pytest.mark.parametrize(
    ("earlier", "draft", "ordinal"),
    [
        ((), None, 0),
        ((before(-1, kind=Kind.DRAFT),), 99, 0),
        ((before(-1, State.QUEUED, kind=Kind.DRAFT),), 99, 0),
        ((before(-1, State.FAILED, kind=Kind.DRAFT),), None, 0),
        ((before(-1, kind=Kind.DRAFT, withdraw_wanted=True),), None, 0),
        ((before(-1, kind=Kind.DRAFT), before(0, kind=Kind.SETTLE, target=99)), None, 1),
        ((before(0), before(1)), None, 2),
        ((before(0, origin="turn:2"), before(5, origin="turn:2")), None, 0),
    ],
)
def test_a_turn_goes_on_behind_what_it_said_before_a_crash(
    earlier: tuple[Delivery, ...], draft: int | None, ordinal: int
) -> None:
    made = outputs()
    assert made.go_on_after(earlier) == draft
    made.send(Send(Content("next")))
    assert made.deliveries[0].ordinal == ordinal


def test_an_answer_goes_where_the_newest_message_came_from() -> None:
    context = ReplyContext("token")
    events = (said("1", thread="t1"), replace(said("2", thread="t2"), reply_context=context))
    letter = letter_for(turn(*events), is_quoting=True)
    assert (letter.thread, letter.reply_context) == ("t2", context)
    assert letter.quote_message_id == events[1].message_id
    assert letter_for(turn(*events)).quote_message_id == ""


def test_an_answer_to_a_press_goes_to_its_thread() -> None:
    press = replace(pressed("token00"), thread="t9")
    assert letter_for(turn(press)).thread == "t9"


def test_the_slot_carries_the_first_message_if_it_can() -> None:
    made = outputs(can=replace(CAPABILITIES, slot_s=5.0))
    assert made.slot_body() is None
    made.send(Send(Content("one")))
    made.send(Send(Content("two")))
    body = made.slot_body()
    assert body is not None
    assert b"one" in body
    without = outputs()
    without.send(Send(Content("one")))
    assert without.slot_body() is None
