"""One open page: server-sent events, resumed by version, nothing lost and nothing twice.

Events: ``sync`` (messages that changed, with ``id:`` the version to resume after), ``room`` (title
or members changed), ``rooms`` (the list changed), ``draft``, ``typing``, ``progress``, ``beat``
(still here), ``reset`` (read the room anew), ``gone`` (no longer a member).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from posthouse.channels.web import render
from posthouse.channels.web.live import Live, Watch
from posthouse.channels.web.progress import Progress, progress_of
from posthouse.channels.web.settings import ROOMS_PER_PERSON_MAX
from posthouse.channels.web.view import message_view, room_line, room_view
from posthouse.channels.web.visitors import Seat
from posthouse.store.reader import Roads
from posthouse.store.rooms import Message, Rooms

POLL_S = 15.0  # how late a page is when its nudge was lost
_BETWEEN_S = 0.05  # at most twenty frames a second
_LONG_DRAFT_CHARS = 8000
_LONG_BETWEEN_S = 0.3  # a long draft takes longer to draw
_PROGRESS_EACH_S = 1.0
_FOLLOWED_CLOSELY_FOR_S = 60.0  # then only as often as nudges and polls come
_FOLLOWED_FOR_S = 900.0  # a message that old is not followed any more
_FOLLOWED_MAX = 10
_ROOMS_EACH_S = 1.0
_BATCH = 100


class Frame(msgspec.Struct, frozen=True):
    """One server-sent event."""

    event: str
    data: object
    id: int | None = None

    def encode(self) -> bytes:
        head = b"" if self.id is None else b"id: %d\n" % self.id
        data = msgspec.json.encode(self.data)  # on one line: JSON has no bare line feeds
        return head + b"event: %s\ndata: %s\n\n" % (self.event.encode(), data)


class _Followed:
    """A message on its road, and what the page knows about it."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.progress: Progress | None = None

    @property
    def is_final(self) -> bool:
        return self.progress is not None and self.progress.is_final


class Stream:
    """What one page is told, from the version it knows on."""

    def __init__(  # noqa: PLR0913 - the page, and where to look for it
        self,
        seat: Seat,
        after: int,
        *,
        bot: str,
        rooms: Rooms,
        live: Live,
        reader: Roads | None,
        clock: Callable[[], float],
        poll_s: float,
    ) -> None:
        self._room = seat.room
        self._me = seat.me.id
        self._after = after
        self._bot = bot
        self._rooms = rooms
        self._live = live
        self._reader = reader
        self._clock = clock
        self._poll_s = poll_s
        self._followed: dict[int, _Followed] = {}  # own messages on their road
        self._open_drafts: set[int] = set()
        self._rooms_due = 0.0  # by the loop's time

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield encoded events until the page, the membership or the house goes.

        Raises:
            Declined: before the first one, when too many pages are open.
        """
        lines = await self._rooms.rooms_of(self._bot, self._me, ROOMS_PER_PERSON_MAX)
        others = [line.room.id for line in lines]
        with self._live.watching(self._me, self._room.id, others) as watch:
            if self._after > self._room.version:  # of a life before a restored backup
                yield Frame("reset", None).encode()
                return
            async for frame in self._watch(watch):
                yield frame.encode()

    async def _watch(self, watch: Watch) -> AsyncIterator[Frame]:
        await self._follow_recent()
        watch.drafts |= self._open_drafts
        while not watch.is_over:
            if not await self._is_member():
                yield Frame("gone", None)
                return
            async for frame in self._look(watch):
                yield frame
            await self._rest()
            if not await self._wait(watch):
                watch.is_changed = True  # a nudge may have been lost
                yield Frame("beat", None)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _is_member(self) -> bool:
        return await self._rooms.member(self._room.id, self._me) is not None

    async def _rest(self) -> None:
        texts = [self._live.draft(self._room.id, number) or "" for number in self._open_drafts]
        is_long = any(len(text) > _LONG_DRAFT_CHARS for text in texts)
        await asyncio.sleep(_LONG_BETWEEN_S if is_long else _BETWEEN_S)

    async def _wait(self, watch: Watch) -> bool:
        """Wait for something to happen; False when nothing did for a while."""
        wait_s = _PROGRESS_EACH_S if self._is_following_closely() else self._poll_s
        if watch.are_rooms_changed:  # put off, so that a lively room costs no list per message
            wait_s = min(wait_s, max(0.0, self._rooms_due - self._now()))
        try:
            await asyncio.wait_for(watch.woken.wait(), wait_s)
        except TimeoutError:
            return False
        return True

    # --- one look -----------------------------------------------------------------------

    async def _look(self, watch: Watch) -> AsyncIterator[Frame]:
        watch.woken.clear()
        if watch.is_changed:
            watch.is_changed = False
            async for frame in self._changes():
                yield frame
        for frame in self._passing(watch):
            yield frame
        async for frame in self._progress():
            yield frame
        if watch.are_rooms_changed and self._now() >= self._rooms_due:
            watch.are_rooms_changed = False
            self._rooms_due = self._now() + _ROOMS_EACH_S
            lines = await self._rooms.rooms_of(self._bot, self._me, ROOMS_PER_PERSON_MAX)
            yield Frame("rooms", [room_line(line) for line in lines])

    async def _changes(self) -> AsyncIterator[Frame]:
        is_more = True
        while is_more:
            changes = await self._rooms.changes(self._room.id, self._after, _BATCH)
            is_more, self._after = changes.is_more, changes.version
            for message in changes.messages:
                self._note(message)
            views = [message_view(message, self._me) for message in changes.messages]
            yield Frame("sync", views, id=changes.version)
            if changes.has_people_changed:
                async for frame in self._people():
                    yield frame

    async def _people(self) -> AsyncIterator[Frame]:
        room = await self._rooms.room(self._bot, self._room.id)
        if room is not None:
            members = await self._rooms.members(room.id)
            yield Frame("room", room_view(room, members, self._me))

    def _note(self, message: Message) -> None:
        if message.is_draft and not message.is_recalled:
            self._open_drafts.add(message.number)
        else:
            self._open_drafts.discard(message.number)
        if message.sender == self._me and not message.is_recalled:
            self._follow(message)

    def _passing(self, watch: Watch) -> list[Frame]:
        drafts = watch.drafts & self._open_drafts
        writing = list(watch.typing.values())
        watch.drafts.clear()
        watch.typing.clear()
        texts = {number: self._live.draft(self._room.id, number) or "" for number in sorted(drafts)}
        others = [who for who in writing if who.person != self._me]
        return [
            *(Frame("draft", {"number": n, "html": render.answer(t)}) for n, t in texts.items()),
            *(Frame("typing", {"person": who.person, "name": who.name}) for who in others),
        ]

    # --- one's own messages on their road -----------------------------------------------

    async def _follow_recent(self) -> None:
        for message in await self._rooms.before(self._room.id, None, _BATCH):
            self._note(message)

    def _follow(self, message: Message) -> None:
        self._followed[message.number] = _Followed(message.at)
        while len(self._followed) > _FOLLOWED_MAX:
            del self._followed[min(self._followed)]

    def _is_following_closely(self) -> bool:
        since_at = self._clock() - _FOLLOWED_CLOSELY_FOR_S
        return self._reader is not None and any(
            followed.at > since_at and not followed.is_final for followed in self._followed.values()
        )

    async def _progress(self) -> AsyncIterator[Frame]:
        if self._reader is None:
            return
        news, since_at = [], self._clock() - _FOLLOWED_FOR_S
        for number, followed in self._followed.items():
            if followed.is_final or followed.at < since_at:
                continue
            found = await progress_of(self._reader, self._bot, self._room.id, number)
            if found != followed.progress:
                followed.progress = found
                news.append(found)
        if news:
            yield Frame("progress", news)
