"""A psycopg connection that is asked with named values and answers with rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import psycopg
from msgspec import Struct
from psycopg.types.numeric import FloatDumper, Int8Dumper

from posthouse.store.postgres.columns import written_out
from posthouse.store.queries import Query, load
from posthouse.store.sql.database import Row, Value

PRODUCT = "postgres"

_NAME = re.compile(r"(?<![\w:]):([a-z]\w*)")  # a value; not a cast, nor what follows a letter
_MIGRATION = re.compile(r"^\d{4}_")


class Statement(Struct, frozen=True):
    """A query as PostgreSQL takes it: numbered values, and their names in that order."""

    text: str
    names: tuple[str, ...]


class Database:
    """One connection; operations get that of a writer, reads one of a few others."""

    __slots__ = ("_cursor", "connection")

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection
        self._cursor = psycopg.RawCursor(connection)

    def run(self, sql: str, **values: Value) -> None:
        """Execute a statement whose rows nobody wants."""
        self._execute(statement(sql), values)

    def one(self, sql: str, **values: Value) -> Row | None:
        """Return the first row."""
        return self._execute(statement(sql), values).fetchone()

    def all(self, sql: str, **values: Value) -> list[Row]:
        """Return every row; the query has a limit."""
        return self._execute(statement(sql), values).fetchall()

    def insert(self, sql: str, **values: Value) -> int | None:
        """Insert one row and return its number; None when it conflicts and nothing was done."""
        row = self._execute(returning_id(sql), values).fetchone()
        return None if row is None else int(row[0])

    def count(self, sql: str, **values: Value) -> int:
        """Execute a change and return how many rows it touched."""
        return self._execute(statement(sql), values).rowcount

    def _execute(self, wanted: Statement, values: Mapping[str, Value]) -> psycopg.RawCursor[Row]:
        numbered = [storable(values[name]) for name in wanted.names]
        return self._cursor.execute(wanted.text, numbered)


def adapt(connection: psycopg.Connection[Row]) -> None:
    """Let numbers have one type each, so that a statement is planned once, not for every size."""
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(float, FloatDumper)
    connection.prepare_threshold = 1
    connection.prepared_max = 512


def own_words() -> dict[str, Query]:
    """Return the statements that PostgreSQL must be told otherwise than SQLite, by their names."""
    folder = files("posthouse.store.sql").joinpath(PRODUCT)
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return {
        query.name: query
        for name in names
        if not _MIGRATION.match(name)
        for query in load(f"{PRODUCT}/{name}").values()
    }


@cache
def _own_words() -> Mapping[str, Query]:
    return own_words()


def statement(sql: str) -> Statement:
    """Return a query in PostgreSQL's own words, if it has some, with numbered values."""
    return _statement(getattr(sql, "name", ""), sql, "")


def returning_id(sql: str) -> Statement:
    """Return an insertion that answers with the number of its row."""
    return _statement(getattr(sql, "name", ""), sql, " RETURNING id")


@cache
def _statement(name: str, sql: str, more: str) -> Statement:
    text = written_out(_own_words().get(name, sql))
    names = tuple(dict.fromkeys(_NAME.findall(text)))
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    return Statement(_NAME.sub(lambda match: numbers[match[1]], text) + more, names)


def storable(value: Value) -> Value:
    """Return a value that PostgreSQL can keep: its text has no letter 0, which people may send."""
    if isinstance(value, str) and "\0" in value:
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value
