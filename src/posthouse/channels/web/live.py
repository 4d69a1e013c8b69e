"""Who is looking at which room, and what they are told the moment it happens.

A nudge says "room so-and-so changed": each page then reads what changed, by its own version. Only
what passes by is in the nudge itself: a growing draft, somebody typing. Losing one costs time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from posthouse.channels.web.codec import (
    DraftGrown,
    Transient,
    TypingNow,
    grown,
    nudge_of,
    transient_of,
)
from posthouse.channels.web.settings import STREAMS_PER_PERSON_MAX
from posthouse.channels.web.words import Declined
from posthouse.wakeup.wakeup import Wakeup

_DRAFTS_MAX = 500
_TYPING_MAX = 20  # people shown as writing in one room


class Watch:
    """What has happened since a page last looked."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.woken = asyncio.Event()
        self.is_changed = True  # the first look finds what was missed
        self.are_rooms_changed = False
        self.drafts: set[int] = set()
        self.typing: dict[str, TypingNow] = {}
        self.is_over = False

    def end(self) -> None:
        self.is_over = True
        self.woken.set()


class Live:
    """All open pages of one bot on this gateway."""

    def __init__(self, wakeup: Wakeup, streams_max: int) -> None:
        self._wakeup = wakeup
        self._streams_max = streams_max
        self._watches: dict[str, set[Watch]] = {}  # by room
        self._stops: dict[str, Callable[[], None]] = {}  # by room
        self._people: Counter[str] = Counter()  # how many pages each person has open
        self._drafts: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._is_over = False

    # --- telling ------------------------------------------------------------------------

    def changed(self, room: str) -> None:
        """Tell every page, on every gateway, to look at a room."""
        self._wakeup.nudge(_topic(room))

    def passing(self, room: str, what: Transient) -> None:
        """Tell every page what passes by in a room; of a draft, the whole text so far."""
        if isinstance(what, DraftGrown):
            self._keep_draft(room, what.number, what.text)
        self._wakeup.nudge(_topic(room), nudge_of(what))

    def draft(self, room: str, number: int) -> str | None:
        """Return how far a draft has come, as far as this gateway has heard."""
        return self._drafts.get((room, number))

    def drop_draft(self, room: str, number: int) -> None:
        self._drafts.pop((room, number), None)

    # --- listening ----------------------------------------------------------------------

    @contextmanager
    def watching(self, person: str, room: str, others: Iterable[str]) -> Iterator[Watch]:
        """Watch a room; of ``others``, the person's other rooms, only that something happened.

        Raises:
            Declined: too many pages are open.
        """
        if self._people[person] >= STREAMS_PER_PERSON_MAX or self._size >= self._streams_max:
            raise Declined("too_many_pages", 30)
        watch = Watch(room)
        if self._is_over:  # a page that came back while the house closes
            watch.end()
        topics = {room, *others}
        self._people[person] += 1
        for topic in topics:
            self._listen(topic, watch)
        try:
            yield watch
        finally:
            for topic in topics:
                self._unlisten(topic, watch)
            self._people[person] -= 1
            if not self._people[person]:
                del self._people[person]

    def end(self) -> None:
        """Let every page go, those too that come back before the house is closed."""
        self._is_over = True
        for watches in self._watches.values():
            for watch in watches:
                watch.end()

    @property
    def _size(self) -> int:
        return self._people.total()

    def _listen(self, room: str, watch: Watch) -> None:
        if room not in self._watches:
            self._watches[room] = set()
            self._stops[room] = self._wakeup.listen(
                _topic(room), lambda payload: self._heard(room, payload)
            )
        self._watches[room].add(watch)

    def _unlisten(self, room: str, watch: Watch) -> None:
        watches = self._watches[room]
        watches.discard(watch)
        if not watches:
            del self._watches[room]
            self._stops.pop(room)()

    def _heard(self, room: str, payload: bytes) -> None:
        what = transient_of(payload)
        if isinstance(what, DraftGrown):
            before = self._drafts.get((room, what.number), "")
            self._keep_draft(room, what.number, grown(before, what))
        for watch in self._watches.get(room, ()):
            _note(watch, room, what)

    def _keep_draft(self, room: str, number: int, text: str) -> None:
        self._drafts[room, number] = text
        self._drafts.move_to_end((room, number))
        if len(self._drafts) > _DRAFTS_MAX:
            self._drafts.popitem(last=False)


def _note(watch: Watch, room: str, what: Transient | None) -> None:
    is_here = room == watch.room
    match what:
        case DraftGrown(number=number) if is_here:
            watch.drafts.add(number)
        case TypingNow(person=person) if is_here and len(watch.typing) < _TYPING_MAX:
            watch.typing[person] = what
        case None:
            watch.is_changed |= is_here
            watch.are_rooms_changed = True
        case _:
            return
    watch.woken.set()


def _topic(room: str) -> str:
    return f"web:{room}"
