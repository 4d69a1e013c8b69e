"""Pushes on a whole house: said once, whatever is repeated, cut or killed; edited; taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from posthouse.gateway import pusher
from posthouse.gateway.router import token_of
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.address import ChatMode, SessionKind
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import State
from posthouse.model.errors import StoreClosed
from posthouse.model.message import Content
from posthouse.model.turn import Answer, Turn
from posthouse.testing.null_channel import ARRIVED_UNKNOWN, CAPABILITIES, REFUSED, ScriptedChannel
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import BOT, pressed
from tests.house.scripts import Script

ROOMS = ("room", "lab", "attic")


async def _with_rooms(**choices: object) -> HouseKit:
    """A house that knows chats 1, 2, 3 of one bot."""
    house = await opened(**choices)
    for room in ROOMS:
        await house.chat(room)
    return house


@simulated
async def test_a_push_is_said() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    answer = await script.push(text="build 42 is out", wait="sent")
    assert answer.status == 200
    (line,) = answer.json["targets"]
    assert (line["chat"], line["bot"], line["state"]) == (1, BOT, "sent")
    assert line["message_ids"]
    assert await house.texts() == ("build 42 is out",)
    await house.check()


@simulated
async def test_the_same_key_and_body_is_the_first_answer_again() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    first = await script.push()
    await house.quiet()
    again = await script.push()
    assert (first.status, again.status) == (202, 202)
    assert again.body == first.body
    assert await house.texts() == ("hello",)
    assert first.headers["location"] == "/api/v1/messages/k1"


@simulated
async def test_the_same_key_with_another_body_is_refused() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await script.push()
    for other in (await script.push(text="other"), await script.push(to=2)):
        assert (other.status, other.code) == (422, "key_used")
    await house.quiet()
    assert await house.texts() == ("hello",)
    assert await house.texts("lab") == ()


@simulated
async def test_two_at_once_under_one_key_say_it_once() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    answers = await asyncio.gather(*(script.push(to=[1, 2, 3]) for _ in range(5)))
    assert {answer.status for answer in answers} == {202}
    await house.quiet()
    assert [await house.texts(room) for room in ROOMS] == [("hello",)] * 3


@simulated
async def test_two_tokens_may_use_one_key() -> None:
    house = await _with_rooms()
    one = await Script.allowed(house)
    other = await Script.allowed(house, secret="another")
    await one.push(text="from one")
    assert (await other.push(text="from another")).status == 202
    await house.quiet()
    assert await house.texts() == ("from one", "from another")


@simulated
async def test_many_targets_have_a_line_each() -> None:
    house = await _with_rooms(script=[None, REFUSED])
    script = await Script.allowed(house)
    await house.store.chats.set_tags(3, ("alerts",))
    places = [1, {"bot": BOT, "chat": "lab"}, "tag:alerts", 3]
    answer = await script.push(to=places, wait="sent")
    lines = {line["chat"]: line for line in answer.json["targets"]}
    assert [line["to"] for line in lines.values()] == ["1", "b:lab", "tag:alerts"]
    assert sorted(answer.states) == ["failed", "sent", "sent"]
    (failed,) = [line for line in lines.values() if line["state"] == "failed"]
    assert failed["reason"] == "refused_by_platform"
    assert (failed["zh"], failed["en"]) == ("平台拒绝", "the platform refused it")


@simulated
async def test_a_chat_nobody_has_written_in_can_be_pushed_to() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    answer = await script.push(to={"bot": BOT, "chat": "new", "kind": "private"}, wait="sent")
    assert answer.states == ["sent"]
    chat = await house.store.chats.find(BOT, "new")
    assert chat is not None
    assert chat.kind == "private"


@pytest.mark.parametrize("call", range(1, 12))
def test_killed_anywhere_a_repeat_completes_it(call: int) -> None:
    @simulated
    async def run() -> None:
        house = await _with_rooms()
        script = await Script.allowed(house)
        left = call

        async def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                house.life.is_over = True

        house.troubles = die
        pushing = asyncio.create_task(script.push(to=[1, 2, 3]))
        await house.quiet(1)
        pushing.cancel()
        house.troubles = None
        await house.restart()
        assert (await script.push(to=[1, 2, 3])).status == 202
        await house.quiet()
        assert [await house.texts(room) for room in ROOMS] == [("hello",)] * 3
        await house.check()

    run()


@simulated
async def test_a_store_that_is_busy_says_when_to_come_again() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)

    async def busy(call: str) -> None:
        if call == "put":
            raise StoreClosed

    house.troubles = busy
    answer = await script.push()
    assert (answer.status, answer.code) == (503, "try_later")
    assert int(answer.headers["retry-after"]) > 0
    house.troubles = None
    assert (await script.push(wait="sent")).states == ["sent"]


@simulated
async def test_a_full_store_takes_nothing() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    house.house.inbox.room.is_full = True
    answer = await script.push()
    assert (answer.status, answer.code) == (503, "try_later")
    assert await house.store.pushes.find(1, "k1") is None


@simulated
async def test_waiting_ends_when_nothing_comes_of_it() -> None:
    house = await _with_rooms(script=[ARRIVED_UNKNOWN], can=replace(CAPABILITIES, can_edit=False))
    script = await Script.allowed(house)
    began = house.clock()
    answer = await script.ask(
        "POST",
        "/api/v1/messages?wait=sent&wait_s=0.5",
        {"to": 1, "text": "hello"},
        **{"Idempotency-Key": "k1"},
    )
    assert (answer.status, answer.states) == (202, ["unknown"])
    assert house.clock() - began == pytest.approx(0.5, abs=0.2)
    assert answer.json["targets"][0]["reason"] == "cut"


@simulated
async def test_a_closing_house_answers_who_waits_with_what_it_knows() -> None:
    house = await _with_rooms(script=[ARRIVED_UNKNOWN], can=replace(CAPABILITIES, can_edit=False))
    script = await Script.allowed(house)
    waiting = asyncio.create_task(script.push(wait="sent"))
    await house.quiet(0.1)
    assert not waiting.done()
    began = house.clock()
    await house.close()
    answer = await waiting
    assert (answer.status, answer.states) == (202, ["unknown"])
    assert house.clock() - began < 1


@simulated
async def test_so_many_wait_at_once_and_the_next_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pusher, "WAITS_MAX", 1)
    house = await _with_rooms(script=[ARRIVED_UNKNOWN], can=replace(CAPABILITIES, can_edit=False))
    script = await Script.allowed(house)
    first = asyncio.create_task(script.push(wait="sent"))
    await house.quiet(0.1)
    began = house.clock()
    second = await script.push(key="k2", wait="sent", to=2)
    assert (second.status, first.done()) == (202, False)
    assert house.clock() == began
    await first


@simulated
async def test_buttons_of_a_push_swallow_no_message() -> None:
    house = await _with_rooms()
    await house.store.chats.set_session_kind(1, SessionKind.CHAT)
    script = await Script.allowed(house)
    await script.push(text="Lunch?", choices=["Yes"], handler="demo", state="{}", wait="sent")
    await house.say("hello")
    await house.quiet()
    ((number,),) = list(house.store._reading.connection.execute("SELECT id FROM questions"))
    question = await house.store.questions.find(number)
    assert question is not None
    assert not question.is_answered
    assert await house.texts() == ("Lunch?", "re hello")


@simulated
async def test_at_most_once_is_obeyed() -> None:
    can = Capabilities(has_markdown=True)  # nothing can be found out
    house = await _with_rooms(script=[ARRIVED_UNKNOWN], can=can)
    script = await Script.allowed(house)
    await script.push(policy="at_most_once")
    await house.quiet()
    assert await house.texts() == ("hello",)
    found = await script.ask("GET", "/api/v1/messages/k1")
    assert found.states == ["doubtful"]


@simulated
async def test_a_paused_chat_hears_what_the_team_says() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await house.store.chats.set_mode(1, ChatMode.PAUSED, house.clock())
    answer = await script.push(text="build 42 is out", wait="sent")
    assert answer.json["targets"][0]["state"] == "sent"
    assert await house.texts() == ("build 42 is out",)


@simulated
async def test_nothing_is_seen_in_the_shadow_and_everything_is_written_down() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await house.store.chats.set_mode(1, ChatMode.SHADOW, house.clock())
    answer = await script.push(
        to=[1, 2],
        text="build 42 is out",
        choices=["Fine"],
        handler="demo",
        wait="sent",
    )
    assert answer.states == ["dropped", "sent"]
    assert answer.json["targets"][0]["reason"] == "shadow"
    await house.quiet()
    assert (await house.texts(), await house.texts("lab")) == ((), ("build 42 is out",))
    (said,) = (await house.store.reader.page(1)).said
    assert (said.text, said.delivery.state) == ("build 42 is out", State.DROPPED)
    await house.check()


@simulated
async def test_in_the_shadow_an_edit_changes_what_was_seen_and_shows_nothing_new() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await script.push(text="build 42", wait="sent")
    await house.store.chats.set_mode(1, ChatMode.SHADOW, house.clock())
    await script.push(text="secret", key="k2")
    await house.quiet()
    for key, text in (("k1", "build 42 is out"), ("k2", "secret again")):
        await script.ask("PATCH", f"/api/v1/messages/{key}", {"text": text})
    await house.quiet()
    assert await house.texts() == ("build 42 is out",)
    await script.ask("DELETE", "/api/v1/messages/k1")
    await house.quiet()
    assert await house.texts() == ()


@simulated
async def test_an_edit_changes_what_was_said() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await script.push(to=[1, 2], text="deploying", wait="sent")
    answer = await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "deployed"})
    assert answer.status == 200
    assert [line["edit"] for line in answer.json["targets"]] == ["done", "done"]
    assert await house.texts() == ("deployed",)
    assert await house.texts("lab") == ("deployed",)
    again = await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "deployed"})
    assert again.json["edits"] == 1
    back = await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "deploying"})
    assert (back.json["edits"], await house.texts()) == (2, ("deploying",))
    await house.check()


@simulated
async def test_where_nothing_can_be_edited_it_is_said_anew() -> None:
    house = await _with_rooms(can=replace(CAPABILITIES, can_edit=False))
    script = await Script.allowed(house)
    await script.push(text="deploying", wait="sent")
    answer = await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "deployed"})
    assert answer.states == ["sent"]
    await house.quiet()
    assert await house.texts() == ("deployed",)


@simulated
async def test_a_recall_takes_all_of_it_back() -> None:
    house = await _with_rooms()
    script = await Script.allowed(house)
    await script.push(to=[1, 2], wait="sent")
    answer = await script.ask("DELETE", "/api/v1/messages/k1?wait=sent")
    assert (answer.status, answer.states) == (200, ["withdrawn", "withdrawn"])
    assert answer.json["recalled_at"] == pytest.approx(house.clock(), abs=5)
    assert await house.texts() == ()
    edit = await script.ask("PATCH", "/api/v1/messages/k1", {"text": "no"})
    assert (edit.status, edit.code) == (410, "taken_back")
    repeat = await script.push(to=[1, 2])
    await house.quiet()
    assert (repeat.status, await house.texts()) == (202, ())
    await house.check()


@simulated
async def test_an_edited_push_is_taken_back_with_its_edit() -> None:
    house = await _with_rooms(can=replace(CAPABILITIES, can_edit=False))
    script = await Script.allowed(house)
    await script.push(wait="sent")
    await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "anew"})
    await script.ask("DELETE", "/api/v1/messages/k1?wait=sent")
    assert await house.texts() == ()


@simulated
async def test_a_button_leads_to_a_handler() -> None:
    answers: list[Answer | None] = []

    async def handle(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        answers.append(turn.answer)
        yield Send(Content("deploying"))

    house = await _with_rooms(handler=Scripted(handle))
    script = await Script.allowed(house)
    answer = await script.push(
        text="Deploy?", choices=["Yes", "No"], handler="demo", state="42", wait="sent"
    )
    assert answer.states == ["sent"]
    ((question,),) = house.store._reading.connection.execute("SELECT id FROM questions")
    await house.accept(pressed(token_of(str(question), 1), at=house.clock()))
    await house.quiet()
    (given,) = answers
    assert given is not None
    assert (given.state, given.choice) == ("42", 1)
    assert await house.texts() == ("Deploy?", "deploying")


@simulated
async def test_nobody_asks_in_the_name_of_a_handler_that_trusts_its_questions() -> None:
    """A forged state would choose which function of a scene runs, as whoever presses."""
    house = await _with_rooms(handler=Commands(("/",)))
    script = await Script.allowed(house)
    answer = await script.push(text="Lunch?", choices=["Yes"], handler="demo", state="{}")
    assert answer.status == 400
    assert await house.texts() == ()


@simulated
async def test_long_words_are_several_messages_of_one_push() -> None:
    channel = ScriptedChannel((), replace(CAPABILITIES, text_max=100))
    house = await _with_rooms(bots={BOT: channel})
    script = await Script.allowed(house)
    answer = await script.push(text="word " * 100, wait="sent")
    assert len(answer.json["targets"][0]["deliveries"]) > 3
    assert answer.states == ["sent"]
    edit = await script.ask("PATCH", "/api/v1/messages/k1?wait=sent", {"text": "short"})
    await house.quiet()
    assert edit.status == 200
    assert await house.texts() == ("short",)
    too_long = await script.push(text="word " * 2000, key="k2")
    assert (too_long.status, too_long.code) == (400, "not_understood")
