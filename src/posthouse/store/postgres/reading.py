"""Reads over a few connections, each in a thread of its own: the event loop waits for none.

Questions that wait at the same moment are asked together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from posthouse.model.errors import StoreClosed, TryLater
from posthouse.store.postgres.connect import Line
from posthouse.store.postgres.problems import is_elsewhere, translated
from posthouse.store.postgres.together import Together
from posthouse.store.sql.about import NOTHING
from posthouse.store.sql.database import Database, Row, Value
from posthouse.store.sql.waiting import Queue, Waiting, bound, fail, wake
from posthouse.store.sql.worker import Worker

READERS = 3
QUESTIONS_MAX = 64  # asked together
WAITING_MAX = 20_000  # questions in the queues; more are told to try later
HELD_UP_S = 0.02  # after which new questions go to another reader, if there is one

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """One connection, many questions at once."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def work(self, queue: Queue) -> None:
        """Answer some of what was asked."""
        batch = queue.take(QUESTIONS_MAX)
        self._answer(batch)
        wake(None, batch)

    def _answer(self, batch: list[Waiting]) -> None:
        try:
            self._ask(batch)
        except Exception as problem:  # noqa: BLE001 - alone, each gets its own error
            self._line.close()  # and with it whatever was on the way
            if is_elsewhere(problem) or isinstance(problem, TryLater):
                fail(batch, translated(problem))
            else:
                for waiting in batch:
                    self._answer_alone(waiting)

    def _answer_alone(self, waiting: Waiting) -> None:
        try:
            self._ask([waiting])
        except Exception as problem:  # noqa: BLE001 - it is what its caller gets
            self._line.close()  # and with it whatever was on the way
            waiting.error = translated(problem)

    def _ask(self, batch: list[Waiting]) -> None:
        questions = [waiting.operation for waiting in batch]
        together = Together(self._line.open(), questions, [frozenset()] * len(batch))
        for waiting, result in zip(batch, together.run(), strict=True):
            waiting.result = result


class PostgresReading:
    """``Reading`` on a PostgreSQL database."""

    def __init__(self, url: str) -> None:
        lines = [Line(url, is_reading=True) for _ in range(READERS)]
        self._readers = [
            Worker(f"reader {n}", Reader(line).work, line.close) for n, line in enumerate(lines)
        ]
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
        if sum(map(len, self._readers)) >= WAITING_MAX:
            raise TryLater(f"{WAITING_MAX} questions wait for the database; try again in a moment")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        free = [reader for reader in self._readers if reader.busy_s <= HELD_UP_S]
        reader = free[0] if free else min(self._readers, key=len)
        reader.put(Waiting("read", NOTHING, bound(question, args, kwargs), future))
        return await future

    async def close(self) -> None:
        """Answer what was asked, and let the connections go."""
        self._is_closing = True
        for reader in self._readers:
            await reader.close()


def _one(database: Database, sql: str, values: dict[str, Value]) -> Row | None:
    return database.one(sql, **values)


def _all(database: Database, sql: str, values: dict[str, Value]) -> list[Row]:
    return database.all(sql, **values)
