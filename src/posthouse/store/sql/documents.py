"""Knowledge: every change of a document has a revision of its own, so an index misses none."""

from __future__ import annotations

from posthouse.model.errors import Refused
from posthouse.store.documents import (
    PATH_BYTES_MAX,
    Base,
    Change,
    Document,
    NewDocument,
    Source,
    SourceKind,
)
from posthouse.store.queries import load
from posthouse.store.sql.about import About
from posthouse.store.sql.access import write_audit
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/documents.sql")
STEP = "knowledge"  # in ``store/points.py``
KNOWLEDGE: About = ("knowledge",)  # written rarely, and revisions are given one after another

BASES_MAX = 1000
SOURCES_MAX = 10_000
QUARANTINED_MAX = 100_000

_DOCUMENT_COLUMNS = 11


class SqlDocuments:
    """``Documents`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    # --- bases --------------------------------------------------------------------------

    async def bases(self) -> tuple[Base, ...]:
        return tuple(map(_base, await self._reading.all(SQL["bases"], limit=BASES_MAX)))

    async def base(self, name: str) -> Base | None:
        row = await self._reading.one(SQL["base"], name=name)
        return None if row is None else _base(row)

    async def add_base(self, name: str, now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _add_base, name, now)

    async def remove_base(self, name: str) -> None:
        await self._commit(STEP, KNOWLEDGE, _remove_base, name)

    # --- sources ------------------------------------------------------------------------

    async def add_source(
        self, base: str, kind: SourceKind, place: str, options: str, now: float
    ) -> int:
        return await self._commit(STEP, KNOWLEDGE, _add_source, base, kind, place, options, now)

    async def sources(self, base: str = "") -> tuple[Source, ...]:
        found = (
            await self._reading.all(SQL["sources"], base=base, limit=SOURCES_MAX)
            if base
            else await self._reading.all(SQL["all_sources"], limit=SOURCES_MAX)
        )
        return tuple(map(_source, found))

    async def checked(self, source: int, problem: str, now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _checked, source, problem, now)

    async def remove_source(self, source: int, now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _remove_source, source, now)

    # --- documents ----------------------------------------------------------------------

    async def put(self, documents: tuple[NewDocument, ...], now: float) -> None:
        if documents:
            await self._commit(STEP, KNOWLEDGE, _put, documents, now)

    async def remove(self, base: str, ids: tuple[int, ...], now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _remove, base, ids, now)

    async def documents(
        self, base: str, source: int = 0, after: str = "", limit: int = 1000
    ) -> tuple[Document, ...]:
        found = (
            await self._reading.all(
                SQL["documents_of"], base=base, source=source, after=after, limit=limit
            )
            if source
            else await self._reading.all(SQL["documents"], base=base, after=after, limit=limit)
        )
        return tuple(map(_document, found))

    async def document(self, document_id: int) -> tuple[Document, bytes] | None:
        row = await self._reading.one(SQL["document"], document=document_id)
        return None if row is None else (_document(row), row[_DOCUMENT_COLUMNS])

    async def changes(self, base: str, after: int, limit: int = 200) -> tuple[Change, ...]:
        return await self._reading.ask(_changes, base, after, limit)

    # --- quarantine ---------------------------------------------------------------------

    async def quarantine(self, base: str, passage: str, author: str, now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _quarantine, base, passage, author, now)

    async def release(self, base: str, passage: str, author: str, now: float) -> None:
        await self._commit(STEP, KNOWLEDGE, _release, base, passage, author, now)

    async def quarantined(self, base: str) -> frozenset[str]:
        found = await self._reading.all(SQL["quarantined"], base=base, limit=QUARANTINED_MAX)
        return frozenset(passage for (passage,) in found)


def _add_base(database: Database, name: str, now: float) -> None:
    database.run(SQL["add_base"], name=name, now=now)


def _remove_base(database: Database, name: str) -> None:
    revision = database.one(SQL["revision"], name=name)
    if revision is None:
        return
    gone = database.all(SQL["ids_of_base"], base=name)
    _forget(database, name, tuple(number for (number,) in gone), revision[0])
    database.run(SQL["remove_sources"], base=name)
    database.run(SQL["remove_base"], name=name)


def _add_source(
    database: Database, base: str, kind: SourceKind, place: str, options: str, now: float
) -> int:
    _revision(database, base)
    database.run(
        SQL["add_source"], base=base, kind=str(kind), place=place, options=options, now=now
    )
    row = database.one(SQL["source_at"], base=base, kind=str(kind), place=place)
    assert row is not None  # it is there now, written or given other options
    return int(row[0])


def _checked(database: Database, source: int, problem: str, now: float) -> None:
    database.run(SQL["checked"], source=source, problem=problem, now=now)


def _remove_source(database: Database, source: int, now: float) -> None:
    row = database.one(SQL["base_of_source"], source=source)
    if row is None:
        return
    base = row[0]
    gone = database.all(SQL["ids_of_source"], base=base, source=source)
    _remove(database, base, tuple(number for (number,) in gone), now)
    database.run(SQL["remove_source"], source=source)


def _put(database: Database, documents: tuple[NewDocument, ...], now: float) -> None:
    base = documents[0].base
    revision = _revision(database, base)
    for document in documents:
        _demand_place(document, base)
    for source in {document.source for document in documents}:
        _demand_source(database, base, source)
    more = more_bytes = 0
    for document in documents:
        source, path = document.source, document.path
        old = database.one(SQL["size_at"], base=base, source=source, path=path)
        more += old is None
        more_bytes += document.size_bytes - (0 if old is None else old[0])
        revision += 1
        database.run(
            SQL["put"],
            base=base,
            source=source,
            path=path,
            title=document.title,
            hash=document.hash,
            format=document.format,
            size_bytes=document.size_bytes,
            problem=document.problem,
            now=now,
            revision=revision,
            body=document.body,
        )
    _change_base(database, base, revision, now, more, more_bytes)


def _revision(database: Database, base: str) -> int:
    row = database.one(SQL["revision"], name=base)
    if row is None:
        raise Refused(
            f'There is no knowledge base "{base}"; make it first.',
            zh=f"没有知识库“{base}”；请先新建它。",
        )
    return int(row[0])


def _demand_source(database: Database, base: str, source: int) -> None:
    row = database.one(SQL["base_of_source"], source=source)
    if row is None or row[0] != base:
        raise Refused(
            f'The knowledge base "{base}" has no source {source} any more; add it again.',
            zh=f"知识库“{base}”已没有来源 {source}；请重新添加。",
        )


def _demand_place(document: NewDocument, base: str) -> None:
    if document.base != base:
        raise ValueError("documents of one call belong to one base")
    if len(document.path.encode()) > PATH_BYTES_MAX:
        raise Refused(
            f"The path {document.path[:80]}… is longer than {PATH_BYTES_MAX} bytes; shorten it.",
            zh=f"路径 {document.path[:80]}… 超过 {PATH_BYTES_MAX} 字节；请缩短。",
        )


def _remove(database: Database, base: str, ids: tuple[int, ...], now: float) -> None:
    before = _revision(database, base)
    revision, freed_bytes = _forget(database, base, ids, before)
    _change_base(database, base, revision, now, before - revision, -freed_bytes)


def _forget(database: Database, base: str, ids: tuple[int, ...], revision: int) -> tuple[int, int]:
    """Remove documents and tell indexes; returns the base's revision then, and how much went."""
    freed_bytes = 0
    for number in ids:
        row = database.one(SQL["remove"], base=base, document=number)
        if row is not None:
            freed_bytes += row[0]
            revision += 1
            database.run(SQL["removed"], base=base, revision=revision, document=number)
    return revision, freed_bytes


def _change_base(
    database: Database, name: str, revision: int, now: float, more: int, more_bytes: int
) -> None:
    database.run(
        SQL["change_base"],
        name=name,
        revision=revision,
        now=now,
        more=more,
        more_bytes=more_bytes,
    )


def _changes(database: Database, base: str, after: int, limit: int) -> tuple[Change, ...]:
    row = database.one(SQL["reached"], base=base)
    assert row is not None  # it always has one
    # Whatever is written between these questions is for the next time: else what was put before
    # the last removal, and after the first question, would never be told.
    stretch = {"after": after, "until": row[0], "limit": limit}
    put = database.all(SQL["changes"], base=base, **stretch)
    removed = database.all(SQL["removals"], base=base, **stretch)
    gone = (Change(document_id=number, revision=revision) for number, revision in removed)
    changes = sorted((*map(_changed, put), *gone), key=lambda change: change.revision)
    return tuple(changes[:limit])


def _quarantine(database: Database, base: str, passage: str, author: str, now: float) -> None:
    if database.count(SQL["quarantine"], base=base, passage=passage, author=author, now=now):
        write_audit(database, author, "quarantine", f"passage:{passage}", {"base": base}, now)


def _release(database: Database, base: str, passage: str, author: str, now: float) -> None:
    if database.count(SQL["release"], base=base, passage=passage):
        write_audit(database, author, "release", f"passage:{passage}", {"base": base}, now)


def _base(row: Row) -> Base:
    name, revision, documents, size_bytes, changed_at = row
    return Base(
        name=name,
        revision=revision,
        documents=documents,
        size_bytes=size_bytes,
        changed_at=changed_at,
    )


def _source(row: Row) -> Source:
    number, base, kind, place, options, added_at, checked_at, problem = row
    return Source(
        id=number,
        base=base,
        kind=SourceKind(kind),
        place=place,
        options=options,
        added_at=added_at,
        checked_at=checked_at,
        problem=problem,
    )


def _changed(row: Row) -> Change:
    document = _document(row)
    return Change(
        document_id=document.id,
        revision=document.revision,
        document=document,
        body=row[_DOCUMENT_COLUMNS],
    )


def _document(row: Row) -> Document:
    """Make a document of its columns; its body, behind them, is left alone."""
    number, base, source, path, title, digest, format_ = row[:7]
    size_bytes, problem, changed_at, revision = row[7:_DOCUMENT_COLUMNS]
    return Document(
        id=number,
        base=base,
        source=source,
        path=path,
        title=title,
        hash=digest,
        format=format_,
        size_bytes=size_bytes,
        problem=problem,
        changed_at=changed_at,
        revision=revision,
    )
