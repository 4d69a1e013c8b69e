"""The embedded store: one SQLite file, one writer, nothing to install."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from posthouse.store.sql.committer import Committer, Hook
from posthouse.store.sql.outputs import NewKey
from posthouse.store.sql.reading import AtOnce
from posthouse.store.sql.store import SqlStore, new_key
from posthouse.store.sqlite import file
from posthouse.store.sqlite.committer import GroupCommitter, InlineCommitter
from posthouse.store.sqlite.database import Database
from posthouse.store.sqlite.upkeep import SqliteUpkeep


class SqliteStore(SqlStore):
    """A store in one SQLite database."""

    def __init__(
        self,
        committer: Committer,
        writing: Database,
        reading: Database,
        *,
        path: Path | None = None,
        clock: Callable[[], float] = time.time,
        new_key: NewKey = new_key,
    ) -> None:
        at_once = AtOnce(reading)
        upkeep = SqliteUpkeep(committer, at_once, reading, path, clock)
        super().__init__(committer, at_once, upkeep, is_alone=True, new_key=new_key)
        self._writing = writing
        self._reading = reading

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        at: Hook | None = None,
        clock: Callable[[], float] = time.time,
        new_key: NewKey = new_key,
    ) -> SqliteStore:
        """Open the database file, creating it and its folder, and bring its schema up to date.

        Args:
            path: the file; beside it lie its log and copies taken before the schema changed.
            at: called with a name of ``points.POINTS`` at that moment; must not raise.
            clock: stamps backups.
            new_key: makes the keys of notices, 128 random bits in hex.

        Raises:
            OperatorMistake: the file cannot be used; the message says why and what to do.
        """
        writing = file.open_writing(path)
        reading = file.open_reading(path)
        committer = GroupCommitter(writing, at)
        return cls(committer, writing, reading, path=path, clock=clock, new_key=new_key)

    async def close(self) -> None:
        """Write what waits and let go of the file; later writes raise ``StoreClosed``."""
        await super().close()
        self._reading.connection.close()
        self._writing.connection.close()  # last: who can write folds the log into the file


def open_memory_store(
    *,
    at: Hook | None = None,
    clock: Callable[[], float] = time.time,
    new_key: NewKey = new_key,
) -> SqliteStore:
    """Open a store in memory: the fake for tests and simulations, with the same SQL.

    Nothing happens beside the caller: every write is committed before its call returns.
    """
    database = file.open_memory()
    committer = InlineCommitter(database, at)
    return SqliteStore(committer, database, database, clock=clock, new_key=new_key)
