"""One base's index, in a thread of its own, and always at what the book says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar
from urllib.parse import quote

import apsw
import msgspec
import structlog

from posthouse.knowledge.chunks import chunks, text_hash
from posthouse.knowledge.index import OBSTACLES, Index, Learned, Unusable, remove
from posthouse.knowledge.meanings import TEXTS_AT_ONCE, Meanings
from posthouse.knowledge.passage import Extract
from posthouse.model.errors import TryLater
from posthouse.store.documents import Base, Change, Documents

P = ParamSpec("P")
R = TypeVar("R")

CHANGES_AT_ONCE: Final = 50  # documents with their bodies, held in memory
NAME_CHARACTERS_MAX: Final = 120

log = structlog.get_logger("posthouse.knowledge")


class Shelf:
    """What is searched of one base; the file is made anew whenever it cannot be used."""

    def __init__(self, documents: Documents, folder: Path, base: str) -> None:
        self._documents = documents
        self._path = folder / file_name(base)
        self._base = base
        self._index: Index | None = None
        self._revision = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"kb-{base}")
        self._catching_up = asyncio.Lock()
        self._embedding: asyncio.Task[None] | None = None
        self._askers = 0
        self._made_anew = 0  # how often
        self._is_closed = False

    async def ask(self, question: Callable[[Index], R], base: Base) -> R:
        """Ask an index that has read the base up to now; it is made anew once if it is broken.

        Raises:
            TryLater: the file can be neither read nor made anew.
        """
        self._askers += 1
        try:
            return await self._ask(question, base)
        except Unusable as problem:
            raise self._obstructed(problem) from problem
        finally:
            self._askers -= 1

    @property
    def is_idle(self) -> bool:
        """Whether nobody is asking."""
        return self._askers == 0

    async def _ask(self, question: Callable[[Index], R], base: Base) -> R:
        made = self._made_anew
        try:
            await self._catch_up(base)
            return await self._run(question)
        except Unusable as problem:
            log.warning("index_made_anew", base=self._base, problem=str(problem))
        async with self._catching_up:
            if self._made_anew == made:  # else somebody who asked at the same time has done it
                await self._start_over()
        await self._catch_up(base)
        return await self._run(question)

    def learn_meanings(self, meanings: Meanings, dimensions: int) -> None:
        """Let a model see, beside everything else, what it has not seen yet.

        Args:
            meanings: asks the model.
            dimensions: of its vectors today.
        """
        if self._embedding is None or self._embedding.done():
            self._embedding = asyncio.create_task(self._embed(meanings, dimensions))

    async def close(self) -> None:
        """Wait for what is being done, and close the file."""
        await self._stop_embedding()
        await self._in_thread(self._drop)
        self._is_closed = True
        self._thread.shutdown(wait=False)

    async def remove(self) -> None:
        """Throw the file away: its base is gone."""
        await self._stop_embedding()
        await self._in_thread(self._drop)
        await self._in_thread(remove, self._path)
        self._is_closed = True
        self._thread.shutdown(wait=False)

    async def _embed(self, meanings: Meanings, dimensions: int) -> None:
        try:
            while await self._embed_some(meanings, dimensions):
                pass
        except (Unusable, TryLater) as problem:  # the next question makes it anew, or waits, too
            log.info("embedding_stopped", base=self._base, problem=str(problem))

    async def _embed_some(self, meanings: Meanings, dimensions: int) -> bool:
        """Embed a few passages; whether there may be more."""
        missing = await self._run(
            lambda index: index.vectors.missing(meanings.model, dimensions, TEXTS_AT_ONCE)
        )
        vectors = await meanings.of_texts(tuple(text for _, text in missing)) if missing else ()
        if not vectors or any(len(vector) not in {0, dimensions} for vector in vectors):
            return False  # those of a model that was exchanged meanwhile are asked for anew
        kept = {text_hash: vector for (text_hash, _), vector in zip(missing, vectors, strict=True)}
        await self._run(lambda index: index.vectors.keep(meanings.model, kept))
        return True

    async def _stop_embedding(self) -> None:
        if self._embedding is not None:
            self._embedding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._embedding

    # --- keeping up -------------------------------------------------------------------------

    async def _catch_up(self, base: Base) -> None:
        if self._index is not None and self._revision == base.revision:
            return
        async with self._catching_up:
            if self._index is None:
                await self._open()
            if self._revision > base.revision:  # by somebody who asked a moment later, or in truth
                base = await self._documents.base(self._base) or base
            if self._revision > base.revision:
                raise Unusable("it has read more than there is")
            while self._revision < base.revision:
                await self._learn(base.revision)
            if self._revision == base.revision:
                await self._compare(base)

    async def _learn(self, revision: int) -> None:
        changes = await self._documents.changes(self._base, self._revision, CHANGES_AT_ONCE)
        reached = changes[-1].revision if changes else revision
        await self._run(partial(_learn, changes=changes, revision=reached))
        self._revision = reached

    async def _compare(self, base: Base) -> None:
        """Find out what no revision tells, such as a book that was restored from a backup."""
        documents, _ = await self._run(Index.counts)
        if documents != base.documents:
            raise Unusable(f"it knows {documents} documents of {base.documents}")

    async def _open(self) -> None:
        self._index = await self._in_thread(Index.open, self._path, self._base)
        self._revision = await self._run(lambda index: index.revision)

    async def _start_over(self) -> None:
        await self._in_thread(self._drop)
        await self._in_thread(remove, self._path)
        self._made_anew += 1
        await self._open()

    # --- the thread -------------------------------------------------------------------------

    async def _run(self, question: Callable[[Index], R]) -> R:
        index = self._index
        if index is None:
            raise Unusable("it was closed meanwhile")
        return await self._in_thread(question, index)

    async def _in_thread(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._is_closed:
            raise TryLater("The knowledge base was closed meanwhile; ask again.")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, partial(work, *args, **kwargs))
        except (*OBSTACLES, OSError) as problem:
            raise self._obstructed(problem) from problem
        except apsw.Error as problem:
            raise Unusable(str(problem)) from problem

    def _obstructed(self, problem: Exception) -> TryLater:
        return TryLater(
            f"The index of the knowledge base {self._base} cannot be used ({problem}): "
            "check the disk of the data directory",
            zh=f"知识库 {self._base} 的索引无法使用（{problem}）：请检查数据目录所在的磁盘",
        )

    def _drop(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            index.close()


def file_name(base: str) -> str:
    """Name the file of a base; any name will do."""
    name = quote(base, safe="")
    if len(name) > NAME_CHARACTERS_MAX:
        name = f"{name[:NAME_CHARACTERS_MAX]}~{text_hash(base)}"
    return f"kb-{name}.db"


def _learn(index: Index, changes: tuple[Change, ...], revision: int) -> None:
    index.learn(map(_learned, changes), revision)


def _learned(change: Change) -> Learned:
    document = change.document
    if document is None:
        return Learned(change.document_id, is_gone=True)
    extract = _extract(change)
    cut = chunks(extract, document.base, document.id, document.path)
    return Learned(document.id, cut, exact=extract.question if extract.is_exact else "")


def _extract(change: Change) -> Extract:
    """Read what was stored; a body that cannot be read is one in which nothing is found."""
    if change.body:
        try:
            return msgspec.json.decode(change.body, type=Extract)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            log.warning("document_unreadable", document=change.document_id, problem=str(problem))
    return Extract("", ())
