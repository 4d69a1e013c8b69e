"""Writing from several gateways at once: what one transaction is about, no other one is.

Each writer is a thread with a connection. It takes what is waiting, locks in one statement
everything that these operations are about, runs them, and commits once. The locks come before the
first look, and every statement looks anew (READ COMMITTED), so an operation sees a chat as whoever
had it before has left it; it needs no other care about its neighbours. Locks are taken in the same
order by all, so nobody waits in a circle; claims take them without waiting, and pass by what is
locked (``turns.sql``).

Operations about the same thing go to the same writer: they would only wait for one another. The
first writer has what is about nothing, claims and the lease, which then never wait behind a chat.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Concatenate, ParamSpec, TypeVar

import psycopg

from posthouse.model.errors import StoreClosed, TryLater
from posthouse.store.points import MOMENTS
from posthouse.store.postgres.connect import Line
from posthouse.store.postgres.problems import is_elsewhere, is_worth_another_try, translated
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.about import About, Ask, Thing
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database
from posthouse.store.sql.waiting import Queue, Waiting, bound, tell, wake

SQL = load("postgres/transaction.sql")
CHATS = load("postgres/about.sql")

WRITERS = 4
OPERATIONS_MAX = 64  # in one commit
BATCH_S = 0.02  # work of one batch before it is committed: whoever wants its chats waits as long
WAITING_MAX = 20_000  # operations in the queues; more are told to try later
TRIES_MAX = 3  # of an operation that met another one

BEFORE, AFTER = MOMENTS

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """One thread, one connection, one commit for many waiters."""

    def __init__(self, line: Line, at: Hook | None, name: str) -> None:
        self._line = line
        self._at = at
        self._queue = Queue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, waiting: Waiting) -> None:
        """Let an operation wait for its turn."""
        self._queue.put(waiting)

    async def close(self) -> None:
        """Write what waits, and nothing more."""
        self._queue.close()
        await asyncio.to_thread(self._thread.join)

    # --- below: the writer's thread ----------------------------------------------------------

    def _run(self) -> None:
        while not self._queue.is_closing:
            self._queue.wait()
            while batch := self._take():
                self._commit_batch(batch)
        self._line.close()

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        while len(taken) < OPERATIONS_MAX and (waiting := self._queue.next()):
            taken.append(waiting)
        return taken

    def _commit_batch(self, batch: list[Waiting]) -> None:
        try:
            done = self._run_together(batch)
        except Exception as problem:  # noqa: BLE001 - alone, each gets its own error
            self._undo()
            if is_elsewhere(problem) or isinstance(problem, TryLater):
                _fail(batch, problem)
            else:
                for waiting in batch:
                    self._run_alone(waiting)
            done = len(batch)
        self._queue.give_back(batch[done:])  # there was no time for these
        wake(self._at, batch[:done])

    def _run_together(self, batch: list[Waiting]) -> int:
        """Run and commit operations until the time is over; returns how many."""
        database = self._begin(batch)
        ends_at = time.monotonic() + BATCH_S
        done = 0
        for waiting in batch:
            waiting.result = waiting.operation(database)
            done += 1
            if time.monotonic() >= ends_at:
                break
        self._commit(database, batch[:done])
        return done

    def _run_alone(self, waiting: Waiting) -> None:
        """Run an operation of a failed batch in a transaction of its own."""
        for left in reversed(range(TRIES_MAX)):
            try:
                database = self._begin([waiting])
                waiting.result = waiting.operation(database)
                self._commit(database, [waiting])
            except Exception as problem:  # noqa: BLE001 - it is what its caller gets
                self._undo()
                if left and is_worth_another_try(problem):
                    continue
                waiting.error = translated(problem)
            return

    def _begin(self, batch: Iterable[Waiting]) -> Database:
        database = self._line.open()
        database.run(SQL["begin"])
        database.run(SQL["lock"], things=things_of(database, (each.things for each in batch)))
        return database

    def _commit(self, database: Database, batch: list[Waiting]) -> None:
        tell(self._at, batch, BEFORE)
        database.run(SQL["commit"])
        tell(self._at, batch, AFTER)

    def _undo(self) -> None:
        try:
            self._line.open().run(SQL["rollback"])
        except (psycopg.Error, TryLater):
            self._line.close()  # the server undoes it


class PostgresCommitter:
    """Hands operations to writers."""

    def __init__(self, url: str, at: Hook | None = None) -> None:
        self._writers = [Writer(Line(url), at, f"writer {n}") for n in range(WRITERS)]
        self._is_closing = False

    def commit(
        self,
        step: str,
        things: About,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]:
        if self._is_closing:
            raise StoreClosed
        if sum(map(len, self._writers)) >= WAITING_MAX:
            raise TryLater(f"{WAITING_MAX} writes wait for the database; try again in a moment")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer(things).put(Waiting(step, things, bound(operation, args, kwargs), future))
        return future

    async def close(self) -> None:
        self._is_closing = True
        for writer in self._writers:
            await writer.close()

    def _writer(self, things: About) -> Writer:
        if not things:
            return self._writers[0]
        first = things[0]
        key = 0 if isinstance(first, Ask) else _key(first)
        return self._writers[1 + key % (WRITERS - 1)]


def things_of(database: Database, abouts: Iterable[About]) -> str:
    """Return the locks for everything that operations are about, in the order for all."""
    keys = {key for things in abouts for thing in things for key in _keys(database, thing)}
    return rows.json(sorted(keys))


def _keys(database: Database, thing: Thing) -> Iterable[int]:
    if isinstance(thing, Ask):
        return [int(chat) for (chat,) in database.all(CHATS[thing.query], **thing.values)]
    return [_key(thing)]


def _key(thing: Thing) -> int:
    """Return a lock's number: a chat's own, and below zero for what has a name."""
    if isinstance(thing, int):
        return thing
    digest = hashlib.blake2b(str(thing).encode(errors="surrogatepass"), digest_size=7).digest()
    return -1 - int.from_bytes(digest, "big")


def _fail(batch: list[Waiting], problem: Exception) -> None:
    for waiting in batch:
        waiting.error = translated(problem)
