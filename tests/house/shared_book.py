"""A book in PostgreSQL for houses on virtual time: all happens at once, on one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from posthouse.store.points import MOMENTS, WAKING
from posthouse.store.postgres.committer import SQL, keys_of, locks
from posthouse.store.postgres.database import Database as Connection
from posthouse.store.postgres.upkeep import PostgresUpkeep
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import AtOnce
from posthouse.store.sql.store import SqlStore

P = ParamSpec("P")
T = TypeVar("T")

BEFORE, AFTER = MOMENTS


class AtOnceCommitter:
    """Runs each operation in a transaction of its own before its call returns."""

    def __init__(self, database: Connection, at: Hook) -> None:
        self._database = database
        self._at = at

    async def commit(
        self,
        step: str,
        things: About,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        database = self._database
        database.run(SQL["begin"])
        try:
            database.run(SQL["lock"], things=locks([keys_of(things, database)]))
            result = operation(database, *args, **kwargs)
            self._at(f"{step}:{BEFORE}")
            database.run(SQL["commit"])
        except BaseException:
            database.run(SQL["rollback"])
            raise
        self._at(f"{step}:{AFTER}")
        self._at(WAKING)
        return result

    async def close(self) -> None:
        """The connection is closed by whoever opened it."""


class SharedBook(SqlStore):
    """A store whose tables a test may look at."""

    def __init__(self, database: Connection, *parts: Any, **choices: Any) -> None:  # noqa: ANN401 - the store's
        super().__init__(*parts, **choices)
        self._reading = database


def open_shared_book(
    database: Connection,
    *,
    at: Hook,
    clock: Callable[[], float],
    new_key: Callable[[], str],
) -> SqlStore:
    """Open a book whose schema is up to date."""
    url = database.connection.info.dsn
    committer, reading = AtOnceCommitter(database, at), AtOnce(database)
    upkeep = PostgresUpkeep(committer, reading, url, clock)
    return SharedBook(database, committer, reading, upkeep, is_alone=False, new_key=new_key)
