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
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

import psycopg

from posthouse.model.errors import StoreClosed, TryLater
from posthouse.store.points import MOMENTS
from posthouse.store.postgres.connect import Line
from posthouse.store.postgres.database import statement
from posthouse.store.postgres.problems import is_elsewhere, is_worth_another_try, translated
from posthouse.store.postgres.together import NOT_BEGUN, Together
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.about import About, Ask, Thing
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database
from posthouse.store.sql.waiting import Queue, Waiting, bound, fail, tell, wake
from posthouse.store.sql.worker import Worker

SQL = load("postgres/transaction.sql")
CHATS = load("postgres/about.sql")

WRITERS = 3
OPERATIONS_MAX = 64  # in one commit
BATCH_S = 0.02  # work of one batch before it is committed: whoever wants its chats waits as long
WAITING_MAX = 20_000  # operations in the queues; more are told to try later
TRIES_MAX = 3  # of an operation that met another one

NOTHING: frozenset[object] = frozenset()
ALONE = frozenset({"about nothing"})  # claims and leases: one after the other

BEFORE, AFTER = MOMENTS

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """One connection, one commit for many waiters."""

    def __init__(self, line: Line, at: Hook | None) -> None:
        self._line = line
        self._at = at

    def work(self, queue: Queue) -> None:
        """Write some of what waits."""
        batch = queue.take(OPERATIONS_MAX)
        left: list[Waiting] = []  # there was no time for these
        try:
            left = self._run_batch(batch)
        except Exception as problem:  # noqa: BLE001 - alone, each gets its own error
            self._undo()
            if is_elsewhere(problem) or isinstance(problem, TryLater):
                fail(batch, translated(problem))
            else:
                for waiting in batch:
                    self._run_alone(waiting)
        queue.give_back(left)
        wake(self._at, [waiting for waiting in batch if waiting not in left])

    def _run_batch(self, batch: list[Waiting]) -> list[Waiting]:
        """Run operations until the time is over, and commit them; returns those not begun."""
        pipeline = self._line.open()
        asking = [partial(keys_of, waiting.things) for waiting in batch]
        about = Together(pipeline, asking, [NOTHING] * len(batch)).run()
        pipeline.send(statement(SQL["begin"]), {})
        pipeline.send(statement(SQL["lock"]), {"things": locks(about)})
        ends_at = time.monotonic() + BATCH_S
        operations = [waiting.operation for waiting in batch]
        together = Together(pipeline, operations, [keys or ALONE for keys in about])
        results = together.run(lambda: time.monotonic() < ends_at)
        for waiting, result in zip(batch, results, strict=True):
            waiting.result = result
        done = [waiting for waiting in batch if waiting.result is not NOT_BEGUN]
        tell(self._at, done, BEFORE)
        pipeline.send(statement(SQL["commit"]), {})
        pipeline.answers()
        tell(self._at, done, AFTER)
        return [waiting for waiting in batch if waiting.result is NOT_BEGUN]

    def _run_alone(self, waiting: Waiting) -> None:
        """Run an operation of a failed batch in a transaction of its own."""
        for tries_left in reversed(range(TRIES_MAX)):
            try:
                self._run_batch([waiting])
            except Exception as problem:  # noqa: BLE001 - it is what its caller gets
                self._undo()
                if tries_left and is_worth_another_try(problem):
                    continue
                waiting.error = translated(problem)
            return

    def _undo(self) -> None:
        try:
            pipeline = self._line.open()
            with suppress(psycopg.Error):
                pipeline.answers()  # to what had been sent, whatever they are
            pipeline.send(statement(SQL["rollback"]), {})
            pipeline.answers()
        except Exception:  # noqa: BLE001 - whatever it is, the server undoes it
            self._line.close()


class PostgresCommitter:
    """Hands operations to writers."""

    def __init__(self, url: str, at: Hook | None = None) -> None:
        lines = [Line(url) for _ in range(WRITERS)]
        self._writers = [
            Worker(f"writer {n}", Writer(line, at).work, line.close) for n, line in enumerate(lines)
        ]
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

    def _writer(self, things: About) -> Worker:
        if not things:
            return self._writers[0]
        first = things[0]
        key = 0 if isinstance(first, Ask) else _key(first)
        return self._writers[1 + key % (WRITERS - 1)]


def keys_of(things: About, database: Database) -> set[int]:
    """Return the numbers of the locks for what an operation is about."""
    return {key for thing in things for key in _keys(database, thing)}


def locks(about: Iterable[set[int]]) -> str:
    """Return locks as the statement that takes them wants them: in the order for all."""
    return rows.json(sorted(set().union(*about)))


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
