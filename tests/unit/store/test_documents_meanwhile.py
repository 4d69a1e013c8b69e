"""An index that learns what has changed misses nothing that is written while it asks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from posthouse.store.documents import Change, NewDocument, SourceKind
from posthouse.store.sql import documents
from posthouse.store.sql.database import Row, Value
from posthouse.store.sqlite import file
from posthouse.store.sqlite.database import Database

BASE, NOW = "help", 1.0


class Interrupted(Database):
    """A connection that reads, on which something is written before the question of a number."""

    def __init__(self, database: Database, before: int, write: Callable[[], None]) -> None:
        super().__init__(database.connection)
        self._before = before
        self._write = write
        self._asked = 0

    def _ask(self) -> None:
        self._asked += 1
        if self._asked == self._before:
            self._write()

    def one(self, sql: str, **values: Value) -> Row | None:
        self._ask()
        return super().one(sql, **values)

    def all(self, sql: str, **values: Value) -> list[Row]:
        self._ask()
        return super().all(sql, **values)


def new(source: int, path: str, words: str) -> NewDocument:
    body = words.encode()
    return NewDocument(
        base=BASE,
        source=source,
        path=path,
        title=path,
        hash=words,
        format="text",
        size_bytes=len(body),
        body=body,
    )


@pytest.mark.parametrize("before", range(1, 5))
def test_what_is_written_between_two_questions_is_told_the_next_time(
    before: int, tmp_path: Path
) -> None:
    writing = file.open_writing(tmp_path / "book.db")
    reading = file.open_reading(tmp_path / "book.db")
    documents._add_base(writing, BASE, NOW)
    source = documents._add_source(writing, BASE, SourceKind.UPLOAD, "x", "{}", NOW)
    documents._put(writing, (new(source, "a", "old"), new(source, "b", "b")), NOW)
    ids = {row[3]: row[0] for row in documents_of(reading)}

    def write() -> None:
        documents._put(writing, (new(source, "a", "new"),), NOW)
        documents._remove(writing, BASE, (ids["b"],), NOW)
        documents._put(writing, (new(source, "c", "c"),), NOW)

    known: dict[int, Change] = {}
    reached = 0
    database = Interrupted(reading, before, write)
    for _ in range(3):
        for change in documents._changes(database, BASE, reached, 10):
            known[change.document_id] = change
            reached = change.revision
    shown = {each.document.path: each.body for each in known.values() if each.document}
    assert shown == {"a": b"new", "c": b"c"}
    writing.connection.close()
    reading.connection.close()


def documents_of(database: Database) -> list[Row]:
    return database.all(documents.SQL["documents"], base=BASE, after="", limit=10)
