"""The judge must find every kind of guilt, and no innocent guilty."""

import pytest

from posthouse.simulators.probe.faults import Verb
from posthouse.simulators.probe.ledger import CallEntry, EventEntry, Ledger, MessageEntry
from posthouse.simulators.probe.verdict import (
    Duplicate,
    Inversion,
    LedgerIncomplete,
    Overlap,
    Verdict,
    judge,
)
from posthouse.simulators.probe.wire import EventType


def said(
    n: int,
    *,
    chat: str = "c",
    sender: str = "u",
    event_type: EventType = "message",
    is_taken: bool = True,
) -> EventEntry:
    return EventEntry(
        bot="a",
        chat=chat,
        sender=sender,
        type=event_type,
        message_id=f"p-{n}",
        text=f"hello m-{n}",
        said_at=float(n),
        acknowledged_at=float(n) if is_taken else None,
    )


def shown(
    text: str,
    *,
    key: str = "",
    chat: str = "c",
    quote: str | None = None,
    is_recalled: bool = False,
) -> MessageEntry:
    return MessageEntry(
        bot="a",
        chat=chat,
        message_id="b",
        key=key,
        text=text,
        at=0.0,
        quote=quote,
        is_recalled=is_recalled,
    )


def called(
    key: str,
    *,
    verb: Verb = Verb.SEND,
    chat: str = "c",
    message_id: str = "",
    status: int | None = 200,
    is_clear: bool = True,
) -> CallEntry:
    return CallEntry(
        bot="a",
        chat=chat,
        verb=verb,
        key=key,
        message_id=message_id,
        began_at=0.0,
        status=status,
        is_clear=is_clear,
    )


def verdict(
    events: tuple[EventEntry, ...], messages: tuple[MessageEntry, ...], *flagged: str
) -> Verdict:
    return judge(Ledger(events=events, messages=messages), flagged)


def test_a_good_run() -> None:
    found = verdict((said(1), said(2)), (shown("m-1"), shown("m-2")))
    assert found.is_good
    assert found.acknowledged == 2


def test_a_message_without_answer_is_lost() -> None:
    found = verdict((said(1), said(12)), (shown("echo m-12"),))
    assert found.lost == ("m-1",)
    assert not found.is_good


def test_an_answer_elsewhere_is_none() -> None:
    assert verdict((said(1),), (shown("m-1", chat="d"),)).lost == ("m-1",)


def test_what_the_house_never_took_is_not_lost() -> None:
    found = verdict((said(1, is_taken=False),), ())
    assert (found.acknowledged, found.is_good) == (0, True)


def test_what_people_took_back_needs_no_answer() -> None:
    assert verdict((said(1), said(1, event_type="recalled")), ()).is_good


def test_a_quoting_message_is_an_answer() -> None:
    assert verdict((said(1),), (shown("interrupted", quote="p-1"),)).is_good


def test_a_recalled_answer_is_an_answer_and_no_copy() -> None:
    assert verdict((said(1),), (shown("m-1", is_recalled=True),)).lost == ()
    assert verdict((said(1),), (shown("m-1", is_recalled=True), shown("m-1"))).is_good


REPEATS = [
    ((shown("m-1", key="k"), shown("m-1", key="k")), ("k",), True),
    ((shown("m-1", key="k"), shown("m-1", key="k")), (), False),
    ((shown("m-1"), shown("m-1", key="k")), ("k",), True),
    ((shown("m-1", key="j"), shown("m-1", key="k")), ("j", "k"), False),
    ((shown("m-1", key="k"),) * 3, ("k",), False),
    ((shown("m-1"), shown("m-1")), ("",), False),
]


@pytest.mark.parametrize(
    ("messages", "flagged", "is_flagged"),
    REPEATS,
    ids=["flagged", "quiet", "slot then send", "two deliveries", "two repeats", "no key"],
)
def test_a_second_copy_must_be_flagged(
    messages: tuple[MessageEntry, ...], flagged: tuple[str, ...], *, is_flagged: bool
) -> None:
    found = verdict((said(1),), messages, *flagged)
    assert found.duplicates == (Duplicate("a", "c", "m-1", len(messages), is_flagged),)
    assert found.is_good is is_flagged
    assert (found.unflagged == ()) is is_flagged


def test_answers_the_other_way_round() -> None:
    found = verdict((said(1), said(2)), (shown("m-2"), shown("m-1")))
    assert found.inversions == (Inversion("a", "c", "m-1", "m-2"),)
    assert not found.is_good


def test_people_and_chats_do_not_wait_for_each_other() -> None:
    events = (said(1), said(2, sender="v"), said(3, chat="d"))
    messages = (shown("m-3", chat="d"), shown("m-2"), shown("m-1"))
    assert verdict(events, messages).is_good


@pytest.mark.parametrize(
    ("calls", "is_overlap"),
    [
        (
            # k is unclear while j becomes unclear, and is then sent again
            (called("k", is_clear=False), called("j", is_clear=False), called("k"), called("j")),
            True,
        ),
        (
            # the same, but the doubt is looked up
            (
                called("k", is_clear=False),
                called("j", is_clear=False),
                called("k", verb=Verb.LOOK_UP),
            ),
            True,
        ),
        (
            # one after the other
            (called("k", is_clear=False), called("k"), called("j", is_clear=False), called("j")),
            False,
        ),
        (
            # given up before the next
            (called("k", is_clear=False), called("j", is_clear=False), called("j")),
            False,
        ),
        (
            # another chat
            (called("k", is_clear=False), called("j", is_clear=False, chat="d"), called("k")),
            False,
        ),
        (
            # the house died before it heard that both were fine
            (called("k"), called("j"), called("k"), called("j")),
            True,
        ),
        (
            # certainly not sent is no doubt
            (called("k", status=429), called("j", is_clear=False), called("k")),
            False,
        ),
        (
            # searches alone make no doubt
            (
                called("k", verb=Verb.LOOK_UP, is_clear=False),
                called("j", is_clear=False),
                called("k", verb=Verb.LOOK_UP),
            ),
            False,
        ),
        (
            # edits have a lane of their own
            (
                called("k", is_clear=False),
                called("j", verb=Verb.EDIT, is_clear=False),
                called("k"),
            ),
            False,
        ),
    ],
    ids=[
        "resent",
        "looked up",
        "in turn",
        "given up",
        "elsewhere",
        "died",
        "refused",
        "search",
        "edit",
    ],
)
def test_two_unclear_in_one_chat(calls: tuple[CallEntry, ...], *, is_overlap: bool) -> None:
    found = judge(Ledger(calls=calls))
    assert found.overlaps == ((Overlap("a", "c", "k", "j"),) if is_overlap else ())
    assert found.is_good is not is_overlap


def test_a_message_may_be_known_by_its_id_alone() -> None:
    ids = ("k", "j", "k", "j")
    calls = tuple(called("", message_id=each, is_clear=False) for each in ids)
    assert judge(Ledger(calls=calls)).overlaps == (Overlap("a", "c", "k", "j"),)


def test_a_ledger_that_forgot_cannot_be_judged() -> None:
    with pytest.raises(LedgerIncomplete):
        judge(Ledger(forgotten=1))
