"""The health of the database: its size, wrong counters, copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from posthouse.store.postgres.tables import PostgresTables
from posthouse.store.queries import load
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.tables import move
from posthouse.store.sql.upkeep import SqlUpkeep, miscounted
from posthouse.store.sqlite import file
from posthouse.store.sqlite.tables import SqliteTables

SQL = load("postgres/upkeep.sql")

FOUND_MAX = 100  # sentences of one check


class PostgresUpkeep(SqlUpkeep):
    """``Upkeep`` on a PostgreSQL database."""

    def __init__(
        self, committer: Committer, reading: Reading, url: str, clock: Callable[[], float]
    ) -> None:
        super().__init__(committer, reading)
        self._url = url
        self._clock = clock

    async def size_bytes(self) -> int:
        row = await self._reading.one(SQL["size"])
        return 0 if row is None else int(row[0])

    async def check(self) -> tuple[str, ...]:
        return await self._reading.ask(_check)

    async def backup(self, target: Path) -> None:
        await asyncio.to_thread(_copy, self._url, target, self._clock())


def _copy(url: str, target: Path, now: float) -> None:
    """Write everything into a SQLite file: a house of one gateway can be restored from it."""
    with file.appearing(target) as part:
        with PostgresTables.reading(url) as source, SqliteTables.writing(part) as copied:
            move(source, copied, lambda _: None)
        file.stamp(part, now)


def _check(database: Database) -> tuple[str, ...]:
    return tuple(miscounted(database)[:FOUND_MAX])
