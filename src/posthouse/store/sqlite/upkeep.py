"""The health of the file: its size, damage, copies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw

from posthouse.store.sql.committer import Committer
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.upkeep import SQL, SqlUpkeep, miscounted
from posthouse.store.sqlite import file
from posthouse.store.sqlite.committer import translated
from posthouse.store.sqlite.database import Database

T = TypeVar("T")

FOUND_MAX = 100  # sentences of one check


class SqliteUpkeep(SqlUpkeep):
    """``Upkeep`` on one SQLite database; ``path`` is None for one in memory."""

    def __init__(
        self,
        committer: Committer,
        reading: Reading,
        database: Database,
        path: Path | None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(committer, reading)
        self._database = database
        self._path = path
        self._clock = clock

    async def size_bytes(self) -> int:
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size") + self._log_bytes()

    def _log_bytes(self) -> int:
        """Return how much longer the log is than one that is kept to be written over."""
        if self._path is None:
            return 0
        log = self._path.with_name(f"{self._path.name}-wal")
        return max(0, log.stat().st_size - file.LOG_BYTES_KEPT) if log.exists() else 0

    def _pragma(self, name: str) -> int:
        return int(str(self._database.connection.pragma(name)))

    async def check(self) -> tuple[str, ...]:
        return await self._apart(_check)

    async def backup(self, target: Path) -> None:
        now = self._clock()
        await self._apart(lambda database: file.copy(database, target, now))

    async def _apart(self, work: Callable[[Database], T]) -> T:
        """Do long work on a connection and in a thread of its own, so that nobody waits for it."""
        if self._path is None:
            return _explained(work, self._database)
        return await asyncio.to_thread(_on_own_connection, self._path, work)


def _on_own_connection(path: Path, work: Callable[[Database], T]) -> T:
    database = file.open_reading(path)
    with contextlib.closing(database.connection):
        return _explained(work, database)


def _explained(work: Callable[[Database], T], database: Database) -> T:
    try:
        return work(database)
    except apsw.Error as problem:
        raise translated(problem) from problem


def _check(database: Database) -> tuple[str, ...]:
    found: list[str] = []
    try:
        found += [row for (row,) in database.all(SQL["integrity"]) if row != "ok"]
        found += miscounted(database)
    except apsw.CorruptError as problem:
        found.append(f"the file is damaged: {problem}")
    return tuple(found[:FOUND_MAX])
