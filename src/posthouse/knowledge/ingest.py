"""Documents into a base: what is new, what has changed, what is gone, and what went wrong.

A source is compared with what the book has of it, by the hash of each file and of how it is read.
Each document is put whole, so that a question meets the old one or the new one.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.intake import Intake, hash_of
from posthouse.knowledge.passage import Block, Extract
from posthouse.knowledge.reading import Reading
from posthouse.knowledge.sources.catalogue import AS_USUAL, enter, options_of, place_of
from posthouse.knowledge.sources.place import (
    Fetched,
    Gone,
    Growing,
    Item,
    Options,
    Place,
    Unavailable,
    Withheld,
)
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import (
    PATH_BYTES_MAX,
    Document,
    Documents,
    NewDocument,
    Source,
    SourceKind,
)

BATCH_DOCUMENTS = 64  # put in one transaction, so that many small files do not wait for the disk
BATCH_BYTES = 2 * 1024**2
ROWS_AT_ONCE = 1000
REMOVED_AT_ONCE = 1000


class Report(Struct, frozen=True, kw_only=True):
    """What became of a source."""

    source: int
    base: str
    place: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0
    problems: Mapping[str, str] = {}  # by path
    problem: str = ""  # of the place as a whole


class Progress(Struct, frozen=True, kw_only=True):
    """How far it is."""

    source: int = 0
    base: str = ""
    place: str = ""
    done: int = 0
    total: int = 0


class Ingest:
    """Keeps the book at what the sources say.

    Args:
        documents: the book.
        clock: seconds since the epoch.
        language: of the problems that are written down: ``zh`` or ``en``.
        place_of: where a source's items come from.
    """

    def __init__(
        self,
        documents: Documents,
        clock: Callable[[], float],
        language: str = "zh",
        place_of: Callable[[Source], Place] = place_of,
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._language = language
        self._intake = Intake(language)
        self._place_of = place_of
        self._places: dict[int, tuple[str, Place]] = {}  # by source, with its options
        self._locks: dict[int, asyncio.Lock] = {}
        self._stamps: dict[int, dict[str, str]] = {}  # by source and path: how it was the last time
        self.progress: dict[int, Progress] = {}  # of what is being read now, by source

    async def sync(self, source: Source) -> Report:
        """Bring a base up to what its source says now; one of a source at a time."""
        async with self._locks.setdefault(source.id, asyncio.Lock()):
            place = self._place(source)
            run = _Run(self._documents, self._intake, self._clock, source, place, self._watch)
            run.stamps_before = self._stamps.get(source.id, {})
            is_whole, problem = False, None
            try:
                self._stamps[source.id] = await run.run()
                is_whole, problem = True, run.stopped
            except Unavailable as unavailable:
                problem = unavailable
            finally:
                self.progress.pop(source.id, None)
                if not is_whole:  # what it has given may not stand in the book
                    self._places.pop(source.id, None)
            if problem is not None:
                run.report = replace(run.report, problem=problem.sentence(self._language))
            await self._documents.checked(source.id, run.report.problem, self._clock())
            return run.report

    def _place(self, source: Source) -> Place:
        """Return where a source's items come from: the same as before, for what it remembers."""
        told, place = self._places.get(source.id, ("", None))
        if place is None or told != source.options:
            place = self._place_of(source)
            self._places[source.id] = source.options, place
        return place

    def _watch(self, progress: Progress) -> None:
        self.progress[progress.source] = progress

    async def has_changed(self, source: Source) -> bool:
        """Whether a place looks different from the last time it was read by this process.

        Only names, times and sizes are looked at, which is cheap; a page may always have changed.
        """
        try:
            items = await self._place_of(source).items()
        except Unavailable:
            return not source.problem
        looks = {item.path: item.stamp for item in items}
        is_unsure = bool(source.problem) or not all(looks.values())
        return is_unsure or self._stamps.get(source.id) != looks

    def forget(self, source: int) -> None:
        """Remember nothing of a source that was removed."""
        self._stamps.pop(source, None)
        self._places.pop(source, None)
        self._locks.pop(source, None)

    async def upload(
        self, base: str, name: str, data: bytes, options: Options = AS_USUAL
    ) -> NewDocument:
        """Take over one file that somebody hands in; one of the same name is replaced.

        Returns:
            What was entered; its ``problem`` says why nothing could be read.
        """
        source = await enter(self._documents, base, SourceKind.UPLOAD, "", self._clock())
        async with Reading() as reading:
            made = await self._intake.read(
                reading, source, Item(name), Fetched(data, name), options
            )
        await self._documents.put((made,), self._clock())
        return made

    async def answer(self, base: str, question: str, answer: str, *, is_exact: bool = True) -> None:
        """Write a question down with its answer; one to the same question is replaced.

        Args:
            base: which base it belongs to; it is made where there is none.
            question: as people ask it.
            answer: what is said.
            is_exact: said word for word, whenever this is asked; else a source like others.

        Raises:
            OperatorMistake: one of them is missing, or the question is too long.
        """
        question, answer = " ".join(question.split()), answer.strip()
        if not question or not answer or len(question.encode()) > PATH_BYTES_MAX:
            raise OperatorMistake(
                f"A question of at most {PATH_BYTES_MAX} bytes and an answer are needed.",
                zh=f"问题（不超过 {PATH_BYTES_MAX} 字节）和答案都要填写。",
            )
        source = await enter(self._documents, base, SourceKind.FAQ, "", self._clock())
        extract = Extract(question, (Block(answer),), is_exact=is_exact, question=question)
        body = msgspec.json.encode(extract)
        entry = NewDocument(
            base=base,
            source=source.id,
            path=question,
            title=question,
            hash=sha256(body).hexdigest(),
            format="faq",
            size_bytes=len(body),
            body=body,
        )
        await self._documents.put((entry,), self._clock())


class _Run:
    """One comparison of a source with the book."""

    def __init__(
        self,
        documents: Documents,
        intake: Intake,
        clock: Callable[[], float],
        source: Source,
        place: Place,
        watch: Callable[[Progress], None],
    ) -> None:
        self._documents = documents
        self._intake = intake
        self._clock = clock
        self._source = source
        self._watch = watch
        self._options = options_of(source)
        self._place = place
        self._further = place if isinstance(place, Growing) else None
        self._waiting: list[NewDocument] = []
        self._known: dict[str, Document] = {}
        self._stamps: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._gone: set[str] = set()
        self._is_whole = True  # whether everything that the place leads to was seen
        self.stamps_before: Mapping[str, str] = {}
        self.report = Report(source=source.id, base=source.base, place=name_of(source))

    async def run(self) -> dict[str, str]:
        """Read what is new or has changed, then forget what is gone; returns how things look."""
        waiting = deque(await self._place.items())
        known = documents_of(self._documents, self._source)
        self._known = {document.path: document async for document in known}
        async with Reading() as reading:
            for done in itertools.count():
                if not waiting or self.stopped:
                    break
                self._tell(done, done + len(waiting))
                await self._take(reading, waiting.popleft())
                waiting += self._further.further() if self._further else ()
        await self._flush()
        await self._forget_what_is_gone()
        self.report = replace(self.report, problems=self._problems)
        return self._stamps

    @property
    def stopped(self) -> Unavailable | None:
        """Why the place was not read to its end."""
        return self._further.stopped if self._further else None

    def _tell(self, done: int, total: int) -> None:
        told = self.report
        self._watch(
            Progress(source=told.source, base=told.base, place=told.place, done=done, total=total)
        )

    async def _take(self, reading: Reading, item: Item) -> None:
        known = self._known.get(item.path)
        if known is not None and item.stamp and self.stamps_before.get(item.path) == item.stamp:
            self._keep(known, item)
            return
        try:
            fetched = await self._fetched(item, known)
        except Unreadable as problem:
            made = self._intake.unread(self._source, item, problem)
        except Gone:
            self._gone.add(item.path)
            return
        except Withheld as problem:
            self._is_whole = False
            made = self._intake.unread(self._source, item, problem)
            if known is not None and not known.problem:
                self._note(item, made.problem)
                return
        else:
            if fetched is None or self._is_same(known, fetched):
                assert known is not None, "what is as it was is known"
                self._keep(known, item)
                return
            made = await self._intake.read(reading, self._source, item, fetched, self._options)
        if known is not None and known.hash == made.hash:
            self._keep(known, item)
        else:
            await self._enter(made, item, is_new=known is None)

    async def _fetched(self, item: Item, known: Document | None) -> Fetched | None:
        """Read an item; None where a place that has given it before says that it is the same."""
        if self._further and known is not None and not known.problem:
            return await self._further.changed(item)
        return await self._place.fetch(item)

    def _is_same(self, known: Document | None, fetched: Fetched) -> bool:
        return known is not None and known.hash == hash_of(fetched.data, self._options)

    def _keep(self, known: Document, item: Item) -> None:
        self._note(item, known.problem)
        self.report = replace(self.report, same=self.report.same + 1)

    async def _enter(self, made: NewDocument, item: Item, *, is_new: bool) -> None:
        self._note(item, made.problem)
        added, changed = self.report.added, self.report.changed
        self.report = replace(self.report, added=added + is_new, changed=changed + (not is_new))
        self._waiting.append(made)
        size = sum(len(each.body) for each in self._waiting)
        if len(self._waiting) >= BATCH_DOCUMENTS or size >= BATCH_BYTES:
            await self._flush()

    def _note(self, item: Item, problem: str) -> None:
        self._stamps[item.path] = item.stamp
        if problem:
            self._problems[item.path] = problem

    async def _flush(self) -> None:
        made, self._waiting = tuple(self._waiting), []
        if made:
            await self._documents.put(made, self._clock())

    async def _forget_what_is_gone(self) -> None:
        gone = [each.id for path, each in self._known.items() if self._is_gone(path)]
        for at in range(0, len(gone), REMOVED_AT_ONCE):
            ids = tuple(gone[at : at + REMOVED_AT_ONCE])
            await self._documents.remove(self._source.base, ids, self._clock())
        self.report = replace(self.report, removed=len(gone))

    def _is_gone(self, path: str) -> bool:
        """Whether something is no part of the place any more: it went, or nothing leads to it."""
        is_whole = self._is_whole and not self.stopped
        return path in self._gone or (is_whole and path not in self._stamps)


def name_of(source: Source) -> str:
    """Return what people call a source; the documentation has no place of its own."""
    return source.place or str(source.kind)


async def documents_of(documents: Documents, source: Source) -> AsyncIterator[Document]:
    """Yield what the book has of a source."""
    after = ""
    while rows := await documents.documents(source.base, source.id, after, ROWS_AT_ONCE):
        for row in rows:
            yield row
        after = rows[-1].path
