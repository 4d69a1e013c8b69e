"""Judges a run by what became visible: lost, said twice, out of order, unclear side by side."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from msgspec import Struct

from posthouse.model.errors import PosthouseError
from posthouse.simulators.probe.faults import Verb
from posthouse.simulators.probe.ledger import CallEntry, EventEntry, Ledger, MessageEntry

_MARK = re.compile(r"\bm-\d+\b")


class LedgerIncomplete(PosthouseError):
    """The ledger forgot entries: nothing can be said; run less, or raise the platform's limits."""


class Duplicate(Struct, frozen=True):
    """A message whose answer is visible more than once."""

    bot: str
    chat: str
    mark: str
    copies: int
    is_flagged: bool  # the house said so, and it is one repeat of one delivery


class Inversion(Struct, frozen=True):
    """Two messages of one person in one chat, answered the other way round."""

    bot: str
    chat: str
    earlier: str
    later: str


class Overlap(Struct, frozen=True):
    """Two messages of one chat that were unclear at the same time."""

    bot: str
    chat: str
    first_key: str
    second_key: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to be said about a run."""

    acknowledged: int  # messages that the house took
    lost: tuple[str, ...]  # marks of those that have no answer
    duplicates: tuple[Duplicate, ...]
    inversions: tuple[Inversion, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def unflagged(self) -> tuple[Duplicate, ...]:
        """Repeats of which the house did not tell."""
        return tuple(each for each in self.duplicates if not each.is_flagged)

    @property
    def is_good(self) -> bool:
        """Nothing lost, no repeat kept quiet, order kept, never two unclear in a chat."""
        return not (self.lost or self.unflagged or self.inversions or self.overlaps)


class _Answered(Struct, frozen=True):
    """A message that the house took, and the places of its answers in the ledger."""

    event: EventEntry
    mark: str
    places: tuple[int, ...]


def judge(ledger: Ledger, flagged: Collection[str] = ()) -> Verdict:
    """Judge a finished run.

    An answer is a message in the same chat that repeats the mark or quotes the message. Messages
    that their sender recalled need none; a recalled answer is an answer, but no visible copy.

    Args:
        ledger: everything, read after the house has come to rest.
        flagged: keys of the deliveries that the house itself calls possible duplicates.

    Raises:
        LedgerIncomplete: entries were forgotten.
    """
    if ledger.forgotten:
        raise LedgerIncomplete
    answered = tuple(_answered(ledger))
    flags = frozenset(flagged)
    duplicates = (_duplicate(each, ledger.messages, flags) for each in answered)
    return Verdict(
        acknowledged=len(answered),
        lost=tuple(each.mark for each in answered if not each.places),
        duplicates=tuple(each for each in duplicates if each is not None),
        inversions=tuple(_inversions(answered)),
        overlaps=tuple(overlaps(ledger.calls)),
    )


def _answered(ledger: Ledger) -> Iterator[_Answered]:
    by_mark, by_quote = _index(ledger.messages)
    recalled = {
        (event.bot, event.message_id) for event in ledger.events if event.type == "recalled"
    }
    for event in ledger.events:
        found = _MARK.search(event.text)
        is_judged = event.type == "message" and event.acknowledged_at is not None
        if found is None or not is_judged or (event.bot, event.message_id) in recalled:
            continue
        where = (event.bot, event.chat)
        marked = by_mark.get((*where, found.group()), set())
        quoting = by_quote.get((*where, event.message_id or ""), set())
        yield _Answered(event, found.group(), tuple(sorted(marked | quoting)))


_Index = dict[tuple[str, str, str], set[int]]


def _index(messages: Iterable[MessageEntry]) -> tuple[_Index, _Index]:
    by_mark: _Index = defaultdict(set)
    by_quote: _Index = defaultdict(set)
    for place, message in enumerate(messages):
        for found in _MARK.findall(message.text):
            by_mark[message.bot, message.chat, found].add(place)
        if message.quote is not None:
            by_quote[message.bot, message.chat, message.quote].add(place)
    return by_mark, by_quote


def _duplicate(
    answered: _Answered, messages: tuple[MessageEntry, ...], flags: frozenset[str]
) -> Duplicate | None:
    visible = [messages[place] for place in answered.places if not messages[place].is_recalled]
    if len(visible) <= 1:
        return None
    # An answer inside a webhook's response may carry no key: it counts as the same delivery.
    keys = {message.key for message in visible if message.key}
    return Duplicate(
        answered.event.bot,
        answered.event.chat,
        answered.mark,
        len(visible),
        is_flagged=len(visible) == 2 and len(keys) == 1 and keys <= flags,  # noqa: PLR2004 - one repeat
    )


def _inversions(answered: Iterable[_Answered]) -> Iterator[Inversion]:
    conversations: dict[tuple[str, str, str], list[_Answered]] = defaultdict(list)
    for each in answered:
        if each.places:
            event = each.event
            conversations[event.bot, event.chat, event.sender].append(each)
    for (bot, chat, _), turns in conversations.items():
        for earlier, later in pairwise(turns):
            if later.places[0] < earlier.places[0]:
                yield Inversion(bot, chat, earlier.mark, later.mark)


class _Doubt(Struct, frozen=True):
    """From the first call of a message that was unclear to the last call about it."""

    key: str
    first: int
    last: int


def overlaps(calls: Iterable[CallEntry]) -> Iterator[Overlap]:
    """Find messages of one chat that were in doubt at the same time.

    A message is in doubt from its first unclear send to the last send or search with its key. A
    send counts as unclear when its answer was, and also when it was answered well and still sent
    again: then the house did not live to hear it.
    """
    by_chat: dict[tuple[str, str], dict[str, list[tuple[int, CallEntry]]]] = {}
    for place, call in enumerate(calls):
        key = call.key or call.message_id  # an overwriting bot may know its message by id alone
        if key and call.verb in (Verb.SEND, Verb.LOOK_UP):
            by_key = by_chat.setdefault((call.bot, call.chat), {})
            by_key.setdefault(key, []).append((place, call))
    for (bot, chat), by_key in by_chat.items():
        doubts = [_doubt(key, entries) for key, entries in by_key.items()]
        in_order = sorted((each for each in doubts if each is not None), key=lambda d: d.first)
        for first, second in pairwise(in_order):
            if second.first < first.last:
                yield Overlap(bot, chat, first.key, second.key)


def _doubt(key: str, entries: list[tuple[int, CallEntry]]) -> _Doubt | None:
    last = entries[-1][0]
    for place, call in entries:
        if call.verb is Verb.SEND and _is_unclear(call, is_last=place == last):
            return _Doubt(key, place, last)
    return None


def _is_unclear(call: CallEntry, *, is_last: bool) -> bool:
    is_good = call.status is not None and call.status < 300  # noqa: PLR2004 - success
    return not call.is_clear or (is_good and not is_last)
