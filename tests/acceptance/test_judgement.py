"""The judge of whole runs must find every kind of guilt, and no innocent guilty."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from posthouse.cli.laboratory.book import Book, Message, Said
from posthouse.cli.laboratory.judgement import Judgement, judge_run
from posthouse.cli.laboratory.qq import NAME, QQ, Platform
from posthouse.simulators.onebot.segments import Segment
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.faults import Verb
from posthouse.simulators.probe.ledger import CallEntry, EventEntry, Ledger, MessageEntry
from posthouse.simulators.probe.wire import Chat, Person, Saying

CLASSES = {each.value: each for each in BotClass}


def heard(n: int, bot: str) -> EventEntry:
    return EventEntry(
        bot=bot,
        chat="c",
        sender="u",
        type="message",
        message_id=f"p-{n}",
        text=f"hello m-{n}",
        said_at=float(n),
        acknowledged_at=float(n),
    )


def shown(text: str, key: str, bot: str) -> MessageEntry:
    return MessageEntry(bot=bot, chat="c", message_id=f"{key}{text}", key=key, text=text, at=0.0)


def said(key: str, turn: int = 1, **changes: object) -> Said:
    plain = Said(
        bot="none",
        key=key,
        origin=f"turn:{turn}",
        kind="send",
        state="sent",
        may_be_duplicate=False,
        unclear_calls=0,
        text="it failed",
    )
    return replace(plain, **changes)


def searched(key: str, *, is_clear: bool) -> CallEntry:
    return CallEntry(
        bot="lookup",
        chat="c",
        verb=Verb.LOOK_UP,
        key=key,
        message_id="",
        began_at=0.0,
        is_clear=is_clear,
    )


def judged(*parts: MessageEntry | Said | CallEntry, bot: str = "none") -> Judgement:
    """Judge how message 1, which turn 1 answers, was dealt with."""
    messages = tuple(part for part in parts if isinstance(part, MessageEntry))
    calls = tuple(part for part in parts if isinstance(part, CallEntry))
    book = Book(
        messages=(Message(bot, "p-1", "routed", "", 1),),
        said=tuple(part for part in parts if isinstance(part, Said)),
    )
    ledger = Ledger(messages=messages, events=(heard(1, bot),), calls=calls)
    return judge_run(ledger, book, CLASSES)


def copies(bot: str, count: int) -> tuple[MessageEntry, ...]:
    each = shown("hello m-1", "k", bot)
    return tuple(replace(each, message_id=f"b-{number}") for number in range(count))


def test_one_answer_is_good() -> None:
    assert judged(*copies("none", 1), said("k")).is_good


def test_no_answer_is_a_loss_even_when_the_house_thinks_that_it_was_sent() -> None:
    judgement = judged(said("k"))
    assert judgement.lost == ("m-1",)
    assert not judgement.is_good


def test_a_sentence_instead_of_an_answer_is_honest() -> None:
    judgement = judged(shown("it failed", "k", "none"), said("k"))
    assert judgement.excused == ("m-1",)
    assert judgement.is_good


def test_what_came_too_late_is_told_in_one_line_for_all() -> None:
    late = Book(messages=(Message("none", "p-1", "late", "late", None),), said=())
    judgement = judge_run(Ledger(events=(heard(1, "none"),)), late, CLASSES)
    assert judgement.excused == ("m-1",)
    assert judgement.is_good


def test_what_fell_between_the_socket_and_the_book_is_counted_and_is_no_loss() -> None:
    unheard = replace(heard(1, "onebot"), acknowledged_at=None)
    judgement = judge_run(
        Ledger(events=(unheard,)), Book(messages=(), said=()), {QQ.bot: QQ.bot_class}
    )
    assert (judgement.acknowledged, judgement.fallen) == (0, ("m-1",))
    assert judgement.is_good


def test_a_sentence_inside_a_response_is_known_by_its_words() -> None:
    assert judged(shown("it failed", "", "none"), said("k")).excused == ("m-1",)


def test_a_growing_message_that_never_got_its_last_words_is_a_loss() -> None:
    assert judged(shown("it", "k", "none"), said("k", kind="draft")).lost == ("m-1",)


def test_a_growing_message_may_end_with_a_sentence() -> None:
    draft, settled = said("k", kind="draft"), said("k2", kind="settle")
    assert judged(shown("it failed", "k", "none"), draft, settled).excused == ("m-1",)


def test_what_the_house_calls_doubtful_may_be_missing() -> None:
    judgement = judged(said("k", state="doubtful", unclear_calls=2))
    assert judgement.unsure == ("m-1",)
    assert judgement.is_good


@pytest.mark.parametrize("state", ["queued", "sending", "unknown"])
def test_what_the_house_is_still_about_to_say_is_not_lost_and_not_good(state: str) -> None:
    judgement = judged(said("k", state=state))
    assert (judgement.lost, judgement.waiting) == ((), ("m-1",))
    assert judgement.answered == 0
    assert not judgement.is_good


def test_a_repeat_is_allowed_where_nobody_can_tell_and_people_are_told() -> None:
    flagged = said("k", may_be_duplicate=True, unclear_calls=1)
    judgement = judged(*copies("none", 2), flagged)
    assert len(judgement.repeats) == 1
    assert judgement.is_good


def test_a_repeat_that_nobody_is_told_of_is_forbidden() -> None:
    assert judged(*copies("none", 2), said("k", unclear_calls=1)).forbidden


def test_no_more_repeats_than_unclear_calls() -> None:
    flagged = said("k", may_be_duplicate=True, unclear_calls=1)
    assert judged(*copies("none", 3), flagged).forbidden


def test_no_repeat_where_the_platform_can_tell() -> None:
    flagged = said("k", may_be_duplicate=True, unclear_calls=1)
    assert judged(*copies("keyed", 2), flagged, bot="keyed").forbidden


def test_no_repeat_of_what_a_search_has_found_out() -> None:
    flagged = said("k", may_be_duplicate=True, unclear_calls=1)
    twice = copies("lookup", 2)
    assert judged(*twice, flagged, searched("k", is_clear=True), bot="lookup").forbidden
    assert judged(*twice, flagged, searched("k", is_clear=False), bot="lookup").is_good


def test_two_answers_to_one_message_are_a_repeat() -> None:
    twice = (shown("hello m-1", "k", "none"), shown("hello m-1", "k2", "none"))
    assert judged(*twice, said("k"), said("k2")).forbidden


def test_a_doubtful_growing_message_may_stand_beside_its_answer() -> None:
    twice = (shown("hello m-1", "k", "none"), shown("hello m-1", "k2", "none"))
    draft = said("k", kind="draft", state="doubtful", unclear_calls=2)
    judgement = judged(*twice, draft, said("k2", kind="settle"))
    assert judgement.is_good
    assert len(judgement.repeats) == 1


def test_what_the_book_does_not_know_must_not_be_seen() -> None:
    judgement = judged(*copies("none", 1), shown("who said this?", "k2", "none"), said("k"))
    assert judgement.strangers == ("k2",)
    assert not judgement.is_good


# --- QQ, where only the book knows keys ---------------------------------------------------------


async def on_qq(*texts: str, told: tuple[Said, ...]) -> Judgement:
    """Judge a house that was told one thing in a group, and whose account said these texts."""
    there = Platform(1, 1, None, events_max=10)
    network = there.network
    async with there.server:
        saying = Saying(bot=NAME, chat=Chat(id="c"), sender=Person(id="u"), text="hello m-1")
        message_id = there.do(saying)
        (entry,) = network.record().events
        account = network.accounts[NAME]
        for text in texts:
            segments = (Segment("text", {"text": text}),)
            network.show(account, entry.chat, account.self_id, segments)
    book = Book(
        messages=(Message(NAME, message_id or "", "routed", "", 1),),
        said=tuple(replace(each, bot=NAME, chat=entry.chat) for each in told),
    )
    assert there.untaken(book) == 0
    return judge_run(there.ledger(book), book, {NAME: QQ.bot_class})


ANSWER = replace(said("k"), text="hello m-1")
TWICE = replace(ANSWER, may_be_duplicate=True, unclear_calls=1)


async def test_an_answer_on_qq_is_found_by_its_words() -> None:
    judgement = await on_qq("hello m-1", told=(ANSWER,))
    assert judgement.is_good
    assert judgement.answered == 1


async def test_no_answer_on_qq_is_a_loss() -> None:
    assert (await on_qq(told=(ANSWER,))).lost == ("m-1",)


async def test_a_repeat_on_qq_must_be_told_and_is_one_for_each_unclear_call() -> None:
    assert (await on_qq("hello m-1", "hello m-1", told=(ANSWER,))).forbidden
    judgement = await on_qq("hello m-1", "hello m-1", told=(TWICE,))
    assert judgement.is_good
    assert len(judgement.repeats) == 1
    assert (await on_qq("hello m-1", "hello m-1", "hello m-1", told=(TWICE,))).forbidden


async def test_what_the_book_does_not_know_is_a_stranger_on_qq() -> None:
    assert (await on_qq("hello m-1", "who said this?", told=(ANSWER,))).strangers


async def test_sentences_that_are_alike_are_no_strangers_on_qq() -> None:
    sentence = replace(ANSWER, text="It was *interrupted*.")
    both = (sentence, replace(sentence, key="k2"))
    judgement = await on_qq("It was interrupted.", "It was interrupted.", told=both)
    assert judgement.excused == ("m-1",)
    assert not judgement.strangers
    assert not judgement.forbidden
