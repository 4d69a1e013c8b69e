"""Telling open pages that something happened: one reader of the feed for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import structlog
from starlette.responses import Response, StreamingResponse

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.pages import HEADERS
from posthouse.console.problems import Declined
from posthouse.store.reader import Mark
from posthouse.wakeup.wakeup import SENDS, TURNS

PAGES_MAX = 200
LOOK_EVERY_S = 1.0  # an outcome nudges nobody, so somebody has to look
REST_S = 0.3  # between two looks, however many nudges come
STREAM_S = 600.0  # then a page asks again, and who is no longer signed in gets nothing
CHATS_MAX = 1000  # of which one page is told at once

log = structlog.get_logger("posthouse.console")


class _Watch:
    """One open page: the chats that changed since it was told."""

    def __init__(self) -> None:
        self.chats: set[int] = set()
        self.woken = asyncio.Event()

    def tell(self, chats: set[int]) -> None:
        if len(self.chats) < CHATS_MAX:
            self.chats |= chats
        self.woken.set()


class Live:
    """Follows the feed while pages are open.

    A page gets ``changed`` with the numbers of the chats; what it shows it asks for itself, so
    nothing that only some may see goes this way. It gets ``listening`` first: what happened since
    it was made is not told, so it looks once; what happens from there on is.
    """

    def __init__(self, around: Surroundings) -> None:
        self._reader = around.books.reader
        self._wakeup = around.wakeup
        self._pulse = around.pulse
        self._watches: set[_Watch] = set()
        self._follower: asyncio.Task[None] | None = None

    def table(self) -> tuple[Entry, ...]:
        """Return what it answers."""
        return (Entry("GET", "/events", self._events),)

    async def _events(self, ask: Ask) -> Response:  # noqa: ARG002 - a page's shape
        if len(self._watches) >= PAGES_MAX:
            raise Declined("too_many_pages")
        return StreamingResponse(
            self._frames(),
            media_type="text/event-stream",
            headers={**HEADERS, "x-accel-buffering": "no"},
        )

    async def _frames(self) -> AsyncIterator[bytes]:
        watch = _Watch()
        self._watches.add(watch)
        time = asyncio.get_running_loop().time
        ends_at = time() + STREAM_S
        try:
            follower = await self._follow()
            yield b"retry: 2000\nevent: listening\ndata: []\n\n"
            while not self._pulse.is_stopping and time() < ends_at and not follower.done():
                try:
                    await asyncio.wait_for(watch.woken.wait(), LOOK_EVERY_S)
                except TimeoutError:
                    yield b": here\n\n"
                    continue
                watch.woken.clear()
                chats, watch.chats = sorted(watch.chats), set()
                yield b"event: changed\ndata: %s\n\n" % msgspec.json.encode(chats)
        finally:
            self._watches.discard(watch)

    async def _follow(self) -> asyncio.Task[None]:
        """Return who reads the feed, from a mark that is not later than now."""
        if self._follower is None or self._follower.done():
            mark = (await self._reader.feed(None)).mark
            if self._follower is None or self._follower.done():  # nobody was faster
                self._follower = asyncio.create_task(self._read_feed(mark))
        return self._follower

    async def _read_feed(self, mark: Mark) -> None:
        """Read while anybody watches."""
        nudged = asyncio.Event()
        stops = [self._wakeup.listen(topic, lambda _: nudged.set()) for topic in (TURNS, SENDS)]
        try:
            while self._watches and not self._pulse.is_stopping:
                feed = await self._reader.feed(mark)
                mark = feed.mark
                chats = {change.chat for change in feed.changes}
                if chats:
                    for watch in tuple(self._watches):
                        watch.tell(chats)
                if not feed.is_more:
                    await _wait(nudged, LOOK_EVERY_S)
                await asyncio.sleep(REST_S)
                nudged.clear()
        except Exception:
            log.exception("feed_failed")
            raise
        finally:
            for stop in stops:
                stop()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
