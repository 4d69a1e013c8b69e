"""The one way to write: as an operation inside a transaction that others may share.

An *operation* is a plain function ``operation(database, …) -> result`` that runs inside a
transaction and does nothing but read and write rows; it may be run twice (the second time alone,
after a neighbour in its batch failed).

To add an operation (a table of your own, say ``rooms``):

1. Schema: the next numbered migration of each product, ``store/sql/sqlite/0002_rooms.sql``. It
   runs by itself when a database is opened, after a copy of a file was taken.
2. Queries: ``store/sql/sqlite/rooms.sql``, each with ``-- name:`` and a sentence; read once with
   ``SQL = load("sqlite/rooms.sql")``. Only what PostgreSQL must be told otherwise
   stands a second time, under the same name, in ``store/sql/postgres/rooms.sql``.
3. ``store/sql/rooms.py``: functions ``def say(db: Database, …) -> Message`` that use
   ``db.one(SQL["say"], room=…)``, and a class that holds a ``Committer`` and a ``Reading``: writes
   are ``await self._committer.commit("room", about.room(name), say, …)``, reads ask ``Reading``.
   ``"room"`` is the step's name in ``store/points.py``.
4. ``SqlStore`` gets one line: ``self.rooms = SqlRooms(committer, reading)``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from posthouse.store.sql.about import About
from posthouse.store.sql.database import Database

P = ParamSpec("P")
T = TypeVar("T")

Hook = Callable[[str], None]


class Committer(Protocol):
    """Runs operations and answers when they are durable."""

    def commit(
        self,
        step: str,
        things: About,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]:
        """Run an operation in a transaction.

        Args:
            step: what is being written, a name of ``points.STEPS``.
            things: what it is about.
            operation: gets the writing database and ``args``.

        Raises:
            TryLater: the queue is full, the disk is (``StorageFull``), or it fails.
            StoreClosed: the store was closed.
        """
        ...

    async def close(self) -> None:
        """Write what waits, and nothing more; the connection is its owner's to close."""
        ...
