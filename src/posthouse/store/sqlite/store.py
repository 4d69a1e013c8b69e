"""The embedded store: one SQLite file, one writer, nothing to install."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from posthouse.store.sqlite import file
from posthouse.store.sqlite.access import SqliteAccess
from posthouse.store.sqlite.chats import SqliteChats
from posthouse.store.sqlite.committer import Committer, GroupCommitter, Hook, InlineCommitter
from posthouse.store.sqlite.database import Database
from posthouse.store.sqlite.grants import SqliteGrants
from posthouse.store.sqlite.holding import SqliteHolding
from posthouse.store.sqlite.journal import SqliteJournal
from posthouse.store.sqlite.outputs import NewKey
from posthouse.store.sqlite.pushes import SqlitePushes
from posthouse.store.sqlite.questions import Asking, SqliteQuestions
from posthouse.store.sqlite.reader import SqliteReader
from posthouse.store.sqlite.rooms import SqliteRooms
from posthouse.store.sqlite.upkeep import SqliteUpkeep

KEY_BYTES = 16  # of a delivery's key


def new_key() -> str:
    """Make 128 random bits, in hex."""
    return secrets.token_hex(KEY_BYTES)


class SqliteStore:
    """Everything a house remembers, each protocol under its name."""

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
        self._committer = committer
        self._writing = writing
        self._reading = reading
        asking = Asking(reading)
        self.journal = SqliteJournal(committer, reading, asking, new_key)
        self.chats = SqliteChats(committer, reading)
        self.questions = SqliteQuestions(reading, asking)
        self.holding = SqliteHolding(committer, reading)
        self.upkeep = SqliteUpkeep(committer, reading, path, clock)
        self.reader = SqliteReader(reading)
        self.rooms = SqliteRooms(committer, reading)
        self.grants = SqliteGrants(committer, reading)
        self.access = SqliteAccess(committer, reading)
        self.pushes = SqlitePushes(committer, reading)

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
        await self._committer.close()
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
