"""Reads over a few connections, each in a thread of its own: the event loop waits for none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from posthouse.model.errors import StoreClosed
from posthouse.store.postgres.connect import Line
from posthouse.store.postgres.problems import translated
from posthouse.store.sql.database import Database, Row, Value

READERS = 3

P = ParamSpec("P")
T = TypeVar("T")


class PostgresReading:
    """``Reading`` on a PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._own = threading.local()
        self._lines: list[Line] = []
        self._is_closing = False

    async def one(self, sql: str, **values: Value) -> Row | None:
        return await self.ask(_one, sql, values)

    async def all(self, sql: str, **values: Value) -> list[Row]:
        return await self.ask(_all, sql, values)

    async def ask(
        self, question: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._is_closing:
            raise StoreClosed
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads,
            lambda: self._answer(lambda database: question(database, *args, **kwargs)),
        )

    async def close(self) -> None:
        """Answer what was asked, and let the connections go."""
        self._is_closing = True
        await asyncio.to_thread(self._threads.shutdown)
        for line in self._lines:
            line.close()

    def _answer(self, question: Callable[[Database], T]) -> T:
        line = self._line()
        try:
            return question(line.open())
        except Exception as problem:
            raise translated(problem) from problem

    def _line(self) -> Line:
        line: Line | None = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = Line(self._url, is_reading=True)
            self._lines.append(line)
        return line


def _one(database: Database, sql: str, values: dict[str, Value]) -> Row | None:
    return database.one(sql, **values)


def _all(database: Database, sql: str, values: dict[str, Value]) -> list[Row]:
    return database.all(sql, **values)
