"""Asking the book without writing: at once where it lies in a file, elsewhere after a journey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from posthouse.store.sql.database import Database, Row, Value

P = ParamSpec("P")
T = TypeVar("T")


class Reading(Protocol):
    """Reads never wait for writers."""

    async def one(self, sql: str, **values: Value) -> Row | None:
        """Return the first row."""
        ...

    async def all(self, sql: str, **values: Value) -> list[Row]:
        """Return every row; the query has a limit."""
        ...

    async def ask(
        self, question: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a function finds that asks several times."""
        ...


class AtOnce:
    """Asks a database that answers in microseconds on the caller's own thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, sql: str, **values: Value) -> Row | None:
        return self._database.one(sql, **values)

    async def all(self, sql: str, **values: Value) -> list[Row]:
        return self._database.all(sql, **values)

    async def ask(
        self, question: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return question(self._database, *args, **kwargs)
