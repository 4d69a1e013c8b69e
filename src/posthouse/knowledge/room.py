"""The reading room of a house: what it knows, kept up with where it comes from, and searched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog
from msgspec import Struct

from posthouse.knowledge.ingest import Ingest, Progress, Report
from posthouse.knowledge.keeping import Keeping
from posthouse.knowledge.passage import Found, Passage
from posthouse.knowledge.sources.catalogue import ON_DISK, enter, kind_of, options_of, place_of
from posthouse.knowledge.sources.grounds import ANYWHERE, Grounds
from posthouse.knowledge.sources.place import Options
from posthouse.knowledge.teaching import Teaching
from posthouse.model.errors import PosthouseError
from posthouse.settings.settings import KnowledgeSettings
from posthouse.store.documents import Documents, Source

RESTART_AFTER_S = 60.0

log = structlog.get_logger("posthouse.knowledge")


class Library(Protocol):
    """Where passages are found (``knowledge.library``)."""

    async def find(self, bases: tuple[str, ...], query: str, limit: int = 8) -> Found:
        """Return the passages that fit a question best."""
        ...

    async def passage(self, key: str) -> Passage | None:
        """Return a passage as it is now."""
        ...

    async def prepare(self, base: str) -> None:
        """Learn what changed, so that the next question need not wait for it."""
        ...

    async def close(self) -> None:
        """Let go of its files."""
        ...


class Looking(Struct, frozen=True, kw_only=True):
    """A source that is being read, or what became of it the last time."""

    source: int
    progress: Progress | None = None
    report: Report | None = None


class ReadingRoom:
    """See the module.

    Args:
        documents: the book.
        library: searches what is in it.
        clock: seconds since the epoch.
        sleep: waits.
        language: of what is written down about files that cannot be read.
        declared: the bases that the settings name.
        teaching: trains what decides which messages are answered.
        grounds: which folders may become sources.
    """

    def __init__(  # noqa: PLR0913 - all that a room is made of
        self,
        documents: Documents,
        library: Library,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        language: str,
        declared: Mapping[str, KnowledgeSettings],
        *,
        teaching: Teaching | None = None,
        grounds: Grounds = ANYWHERE,
    ) -> None:
        self.documents = documents
        self.teaching = teaching
        self._grounds = grounds
        self.ingest = Ingest(documents, clock, language, partial(place_of, grounds=grounds))
        self._library = library
        self._clock = clock
        self._sleep = sleep
        self._declared = dict(declared)
        self._keeping = Keeping(documents, self.ingest, clock, sleep, self._every_s)
        self._reports: dict[int, Report] = {}
        self._syncs: dict[int, asyncio.Task[None]] = {}  # by source
        self._loop: asyncio.Task[None] | None = None

    # --- searching --------------------------------------------------------------------------------

    async def freshen(self, bases: Sequence[str]) -> None:
        """Let what has changed on this machine count for the question that is about to be asked."""
        await self._keeping.freshen(bases)

    async def find(self, bases: tuple[str, ...], query: str, limit: int = 8) -> Found:
        """Return the passages that fit a question best, as the book says it now."""
        return await self._library.find(bases, query, limit)

    async def passage(self, key: str) -> Passage | None:
        """Return a passage as it is now; None when its words have changed or are gone."""
        return await self._library.passage(key)

    # --- keeping ----------------------------------------------------------------------------------

    async def add(self, base: str, place: str, options: Options) -> Source:
        """Enter a source and begin to read it; one that is known gets the new options.

        Raises:
            OperatorMistake: there is nothing at this place, or it must not be read.
        """
        kind, place = await asyncio.to_thread(kind_of, place)
        if kind in ON_DISK:
            await asyncio.to_thread(self._grounds.check, Path(place))
        source = await enter(self.documents, base, kind, place, self._clock(), options)
        self.begin(source)
        return source

    async def remove(self, source: Source) -> None:
        """Forget a source with its documents."""
        if (running := self._syncs.get(source.id)) is not None:
            running.cancel()
            await asyncio.wait({running})
        await self._keeping.forget(source.id)
        await self.documents.remove_source(source.id, self._clock())
        self._reports.pop(source.id, None)
        self.ingest.forget(source.id)

    async def remove_base(self, base: str) -> tuple[Source, ...]:
        """Forget a base with its documents; returns the sources that it had."""
        sources = await self.documents.sources(base)
        for source in sources:
            await self.remove(source)
        await self.documents.remove_base(base)
        return sources

    def begin(self, source: Source) -> None:
        """Read a source now, beside everything else; ``looking`` tells how far it is."""
        if source.id in self._syncs:
            return
        self._reports.pop(source.id, None)
        task = asyncio.create_task(self._sync(source))
        self._syncs[source.id] = task
        task.add_done_callback(lambda _: self._syncs.pop(source.id, None))

    def looking(self, source: int) -> Looking:
        """Tell how far the reading of a source is."""
        return Looking(
            source=source,
            progress=self.ingest.progress.get(source) if source in self._syncs else None,
            report=self._reports.get(source),
        )

    async def settle(self, declared: Mapping[str, KnowledgeSettings]) -> None:
        """Have the sources that the settings name, with their options, and no others of theirs."""
        self._declared = dict(declared)
        wanted: set[int] = set()
        for base, settings in self._declared.items():
            for place in settings.sources:
                try:
                    kind, full = await asyncio.to_thread(kind_of, place)
                    if kind in ON_DISK:
                        check = partial(self._grounds.check, is_declared=True)
                        await asyncio.to_thread(check, Path(full))
                except PosthouseError as problem:
                    log.warning("knowledge_not_read", place=place, problem=str(problem))
                    continue
                options = _options(settings)
                source = await enter(self.documents, base, kind, full, self._clock(), options)
                wanted.add(source.id)
        for source in await self.documents.sources():
            if options_of(source).is_declared and source.id not in wanted:
                await self._forget_declared(source)

    async def _forget_declared(self, source: Source) -> None:
        """Remove what the settings name no more; a folder that is only missing stays."""
        settings = self._declared.get(source.base)
        if settings is None or source.place not in map(_full, settings.sources):
            await self.remove(source)

    async def open(self) -> None:
        """Begin to keep up with the sources."""
        self._loop = asyncio.create_task(self._keep_up())

    async def close(self) -> None:
        """Stop reading and training, and let go of the files."""
        if self.teaching is not None:
            await self.teaching.close()
        tasks = {*self._syncs.values(), *([self._loop] if self._loop is not None else [])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._keeping.close()
        await self._library.close()

    async def _keep_up(self) -> None:
        while True:
            try:
                await self.settle(self._declared)
                await self._keeping.run()
            except Exception:  # a defect here must not end it for good
                log.exception("loop_failed", loop="knowledge")
                await self._sleep(RESTART_AFTER_S)

    async def _sync(self, source: Source) -> None:
        try:
            self._reports[source.id] = await self.ingest.sync(source)
            await self._library.prepare(source.base)
        except PosthouseError as problem:
            self._reports[source.id] = Report(
                source=source.id, base=source.base, place=source.place, problem=str(problem)
            )

    def _every_s(self, base: str) -> float:
        return self._declared.get(base, _AS_USUAL).check_every_s


_AS_USUAL = KnowledgeSettings()


def _options(settings: KnowledgeSettings) -> Options:
    return Options(
        columns=settings.columns,
        include=settings.include,
        exclude=settings.exclude,
        is_masked=settings.masked,
        is_private=settings.private,
        pages_max=settings.pages,
        depth_max=settings.depth,
        is_declared=True,
    )


def _full(place: str) -> str:
    return place if "://" in place else str(Path(place).expanduser().absolute())
