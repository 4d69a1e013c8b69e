"""Judges a run by both sides: what people saw, and what the house says about it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Struct

from posthouse.cli.laboratory.book import Book, Said
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.faults import Verb
from posthouse.simulators.probe.ledger import Ledger, MessageEntry
from posthouse.simulators.probe.verdict import Inversion, Overlap, judge

TOLD_ONCE = {"late", "refused"}  # one line for all of them: away, overloaded
WAITING = {"queued", "sending", "unknown"}
MARK = re.compile(r"\bm-\d+\b")


class Repeat(Struct, frozen=True):
    """Something that people see more than once."""

    bot: str
    chat: str
    what: str  # a mark, or a key
    copies: int


class Judgement(Struct, frozen=True, kw_only=True):
    """What is to be said about a run."""

    acknowledged: int
    lost: tuple[str, ...]  # no answer, no sentence, and the house does not know
    unsure: tuple[str, ...]  # not to be seen, and the house says that it cannot tell
    excused: tuple[str, ...]  # answered by a sentence that says why there is no answer
    repeats: tuple[Repeat, ...]  # allowed: one repeat of an unclear call, and flagged
    forbidden: tuple[Repeat, ...]  # all others
    strangers: tuple[str, ...]  # keys that people see and the book does not know
    inversions: tuple[Inversion, ...]
    overlaps: tuple[Overlap, ...]
    flagged: int
    waiting: tuple[str, ...] = ()  # the run ended before the house had said it
    fallen: tuple[str, ...] = ()  # never handed over: the platform brings nothing twice

    @property
    def is_good(self) -> bool:
        return not any(self._wrong)

    @property
    def answered(self) -> int:
        """How many messages have the answer that they deserve."""
        without = (self.lost, self.waiting, self.unsure, self.excused)
        return self.acknowledged - sum(map(len, without))

    @property
    def problems(self) -> str:
        """What is wrong, for whoever reads a failed test."""
        return "\n".join(str(each) for each in self._wrong if each)

    @property
    def _wrong(self) -> tuple[tuple[object, ...], ...]:
        return (
            self.lost,
            self.waiting,
            self.forbidden,
            self.strangers,
            self.inversions,
            self.overlaps,
        )

    def __str__(self) -> str:
        counts = {
            "acknowledged": self.acknowledged,
            "lost": len(self.lost),
            "waiting": len(self.waiting),
            "unsure": len(self.unsure),
            "excused": len(self.excused),
            "duplicates": len(self.repeats) + len(self.forbidden),
            "forbidden": len(self.forbidden),
            "strangers": len(self.strangers),
            "inversions": len(self.inversions),
            "overlaps": len(self.overlaps),
            "flagged": self.flagged,
            "fallen": len(self.fallen),
        }
        return ", ".join(f"{name} {count}" for name, count in counts.items())


def judge_run(ledger: Ledger, book: Book, classes: Mapping[str, BotClass]) -> Judgement:
    """Judge a run that has come to rest.

    Args:
        ledger: what the platform saw.
        book: what the house wrote down.
        classes: what each bot is like.
    """
    by_key = {said.key: said for said in book.said}
    flagged = {said.key for said in book.said if said.is_flagged}
    verdict = judge(ledger, flagged)
    fates = _fates(verdict.lost, ledger, book)
    repeats = tuple(_repeats(ledger))
    found_out = {call.key for call in ledger.calls if call.verb is Verb.LOOK_UP and call.is_clear}
    allowed = tuple(
        each
        for each in repeats
        if not _can_tell(each, classes, found_out) and _is_told(each, by_key)
    )
    return Judgement(
        acknowledged=verdict.acknowledged,
        lost=fates["lost"],
        waiting=fates["waiting"],
        unsure=fates["unsure"],
        excused=fates["excused"],
        repeats=tuple(each.repeat for each in allowed),
        forbidden=tuple(each.repeat for each in repeats if each not in allowed),
        strangers=tuple(
            message.key for message in ledger.messages if message.key and message.key not in by_key
        ),
        inversions=verdict.inversions,
        overlaps=verdict.overlaps,
        flagged=len(flagged),
        fallen=tuple(_fallen(ledger)),
    )


def _fallen(ledger: Ledger) -> Iterator[str]:
    taken_back = {event.message_id for event in ledger.events if event.type == "recalled"}
    for event in ledger.events:
        is_missing = event.acknowledged_at is None and event.message_id not in taken_back
        if event.type == "message" and is_missing and (found := MARK.search(event.text)):
            yield found.group()


def both(one: Ledger, other: Ledger) -> Ledger:
    """Put the ledgers of two platforms together."""
    return Ledger(
        messages=one.messages + other.messages,
        events=one.events + other.events,
        calls=one.calls + other.calls,
        forgotten=one.forgotten + other.forgotten,
    )


def bare(text: str) -> str:
    """Return what is left of a text where there is no markup."""
    return "".join(filter(str.isalnum, text))


def ledger_of(ledger: Ledger, bot: str) -> Ledger:
    """Return what concerns one bot."""
    return Ledger(
        messages=tuple(each for each in ledger.messages if each.bot == bot),
        events=tuple(each for each in ledger.events if each.bot == bot),
        calls=tuple(each for each in ledger.calls if each.bot == bot),
        forgotten=ledger.forgotten,
    )


# --- what became of messages without an answer ------------------------------------------------


def _fates(marks: tuple[str, ...], ledger: Ledger, book: Book) -> dict[str, tuple[str, ...]]:
    ids = {
        found.group(): (event.bot, event.message_id)
        for event in ledger.events
        if event.type == "message" and (found := MARK.search(event.text))
    }
    messages = {(message.bot, message.message_id): message for message in book.messages}
    said: dict[str, list[Said]] = defaultdict(list)
    for each in book.said:
        said[each.origin].append(each)
    # An answer inside a webhook's response carries no key: it is known by its words.
    shown = {message.key or bare(message.text) for message in ledger.messages}
    fates: dict[str, list[str]] = {"lost": [], "waiting": [], "unsure": [], "excused": []}
    for mark in marks:
        bot, message_id = ids[mark]
        message = messages.get((bot, message_id or ""))
        if message is not None and message.state in TOLD_ONCE:
            fates["excused"].append(mark)
        else:
            turn = message.turn if message is not None else None
            fates[_fate(said.get(f"turn:{turn}", []), shown)].append(mark)
    return {fate: tuple(marks) for fate, marks in fates.items()}


def _fate(said: list[Said], shown: set[str]) -> str:
    """Tell by the deliveries of the turn; a settled draft is shown under the draft's own key."""
    has_ended = any(each.state == "sent" and each.kind != "draft" for each in said)
    if has_ended and any(each.key in shown or bare(each.text) in shown for each in said):
        return "excused"
    states = {each.state for each in said}
    if states & WAITING:
        return "waiting"
    return "unsure" if "doubtful" in states else "lost"


# --- what people see more than once -----------------------------------------------------------


class _Seen(Struct, frozen=True):
    """Messages that say the same."""

    repeat: Repeat
    keys: tuple[str, ...]  # of each; empty for an answer inside a webhook's response


def _repeats(ledger: Ledger) -> Iterator[_Seen]:
    """Find copies of one delivery, and several deliveries that answer the same message."""
    by_what: dict[tuple[str, str, str], list[MessageEntry]] = defaultdict(list)
    for message in ledger.messages:
        if message.is_recalled:
            continue
        for what in {message.key, *MARK.findall(message.text)} - {""}:
            by_what[message.bot, message.chat, what].append(message)
    told: set[tuple[str, ...]] = set()
    for (bot, chat, what), messages in sorted(by_what.items(), key=lambda item: item[0]):
        ids = tuple(message.message_id for message in messages)
        if len(messages) > 1 and ids not in told:  # by key and by mark it is the same repeat
            told.add(ids)
            keys = tuple(message.key for message in messages)
            yield _Seen(Repeat(bot, chat, what, len(messages)), keys)


def _can_tell(seen: _Seen, classes: Mapping[str, BotClass], found_out: set[str]) -> bool:
    """Say whether the house could know: by the platform, or by a search that was answered."""
    bot_class = classes[seen.repeat.bot]
    if bot_class is BotClass.LOOKUP:
        return bool(found_out & set(seen.keys))
    return bot_class in {BotClass.KEYED, BotClass.OVERWRITE}


def _is_told(seen: _Seen, by_key: Mapping[str, Said]) -> bool:
    """At most one repeat per unclear call, and people are told of it."""
    said = [by_key[key] for key in set(seen.keys) if key in by_key]
    is_told = bool(said) and sum(not each.is_flagged for each in said) <= (len(said) > 1)
    return is_told and len(seen.keys) - 1 <= sum(each.unclear_calls for each in said)
