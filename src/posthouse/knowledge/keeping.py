"""Keeping up with the sources: now and then, and before a question is answered.

Before a question only names, times and sizes on this machine are looked at, and the more rarely
the longer that takes; pages elsewhere are fetched now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from posthouse.knowledge.ingest import Ingest
from posthouse.knowledge.sources.built_in import BASE as BUILT_IN
from posthouse.knowledge.sources.catalogue import BY_HAND, ON_DISK, enter, is_site
from posthouse.model.errors import PosthouseError
from posthouse.store.documents import Documents, Source, SourceKind

LOOK_EVERY_S = 15.0  # whether anything is due
PAGE_EVERY_S_MIN = 3600.0  # somebody else's server
SITE_EVERY_S_MIN = 6 * 3600.0  # many pages of it
PATIENCE_S = 2.0  # of a question; what takes longer is ready for the next one
REST_PER_LOOK = 20.0  # a look of 0.1 s is followed by 2 s without one

log = structlog.get_logger("posthouse.knowledge")


class Keeping:
    """Knows when to look.

    Args:
        documents: the book.
        ingest: reads what has changed.
        clock: seconds since the epoch.
        sleep: waits.
        every_s: how often the sources of a base are looked through.
    """

    def __init__(
        self,
        documents: Documents,
        ingest: Ingest,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        every_s: Callable[[str], float],
    ) -> None:
        self._documents = documents
        self._ingest = ingest
        self._clock = clock
        self._sleep = sleep
        self._every_s = every_s
        self._looks: set[asyncio.Task[None]] = set()
        self._visits: dict[int, asyncio.Task[None]] = {}  # to sites, by source
        self._locks: dict[int, asyncio.Lock] = {}  # by source, as are these, in the loop's time:
        self._began_at: dict[int, float] = {}  # the last look
        self._rest_until: dict[int, float] = {}

    async def run(self) -> None:
        """Look through what is due, for ever."""
        while True:
            for source in await self._documents.sources():
                if self._is_due(source):
                    await self._begin(source)
            await self._sleep(LOOK_EVERY_S)

    async def _begin(self, source: Source) -> None:
        """Read a source; a site goes on beside the others, for it takes its time."""
        if not is_site(source):
            await self._sync(source)
        elif source.id not in self._visits:
            self._visits[source.id] = visit = asyncio.create_task(self._sync(source))
            visit.add_done_callback(lambda _: self._visits.pop(source.id, None))

    async def forget(self, source: int) -> None:
        """Stop reading a source that is to be removed."""
        if (visit := self._visits.get(source)) is not None:
            visit.cancel()
            await asyncio.wait({visit})

    async def freshen(self, bases: Sequence[str]) -> None:
        """Let what has changed on this machine count for the question that is about to be asked."""
        if BUILT_IN in bases and not await self._documents.sources(BUILT_IN):
            await enter(self._documents, BUILT_IN, SourceKind.BUILT_IN, "", self._clock())
        sources = [
            source
            for base in bases
            for source in await self._documents.sources(base)
            if source.kind in ON_DISK
        ]
        looks = {asyncio.create_task(self._look(source)) for source in sources}
        self._looks |= looks
        for look in looks:
            look.add_done_callback(self._looks.discard)
        if looks:
            await asyncio.wait(looks, timeout=PATIENCE_S)

    async def close(self) -> None:
        """Give up what is being looked at."""
        looks = {*self._looks, *self._visits.values()}
        for look in looks:
            look.cancel()
        if looks:
            await asyncio.wait(looks)

    def _is_due(self, source: Source) -> bool:
        if source.kind in BY_HAND or source.kind is SourceKind.BUILT_IN:
            return False
        every_s = self._every_s(source.base)
        if source.kind is SourceKind.URL:
            every_s = max(every_s, SITE_EVERY_S_MIN if is_site(source) else PAGE_EVERY_S_MIN)
        return not source.checked_at <= self._clock() < source.checked_at + every_s

    async def _look(self, source: Source) -> None:
        """Look at a source, unless somebody has begun to since this was asked for."""
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._locks.setdefault(source.id, asyncio.Lock()):
            if self._began_at.get(source.id, 0.0) >= asked_at:
                return
            if now() < self._rest_until.get(source.id, 0.0):
                return
            self._began_at[source.id] = began_at = now()
            has_changed = await self._ingest.has_changed(source)
            self._rest_until[source.id] = now() + (now() - began_at) * REST_PER_LOOK
            if has_changed:
                await self._sync(source)

    async def _sync(self, source: Source) -> None:
        """Read a source; what is wrong with it must not keep others from being read."""
        try:
            report = await self._ingest.sync(source)
        except PosthouseError as problem:
            log.warning("knowledge_not_read", place=source.place, problem=str(problem))
            return
        if report.added or report.changed or report.removed or report.problem:
            log.info(
                "knowledge_read",
                base=report.base,
                place=report.place,
                added=report.added,
                changed=report.changed,
                removed=report.removed,
                problems=len(report.problems),
                problem=report.problem,
            )
