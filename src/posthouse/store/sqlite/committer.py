"""The one place that writes: a thread that commits what is waiting, all at once.

One flush of the disk costs the same for one operation as for five hundred, so whoever waits
while a flush runs shares the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from posthouse.model.errors import StorageFull, StoreClosed, TryLater
from posthouse.store.points import MOMENTS, WAKING
from posthouse.store.queries import load
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database as AnyDatabase
from posthouse.store.sql.waiting import Queue, Waiting, bound, tell, wake
from posthouse.store.sql.worker import Worker
from posthouse.store.sqlite.database import Database

SQL = load("sqlite/transaction.sql")

OPERATIONS_MAX = 512  # in one commit
BATCH_S = 0.02  # work of one batch before it is committed, so that nobody waits long
WAITING_MAX = 20_000  # operations in the queue; more are told to try later

BEFORE, AFTER = MOMENTS

P = ParamSpec("P")
T = TypeVar("T")


class GroupCommitter:
    """The committer of a file: one thread, one commit for many waiters."""

    def __init__(self, database: Database, at: Hook | None = None) -> None:
        self._database = database
        self._at = at
        self._worker = Worker("committer", self._work)

    def commit(
        self,
        step: str,
        things: About,  # there is one writer: nothing comes between
        operation: Callable[Concatenate[AnyDatabase, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]:
        if self._worker.is_closing:
            raise StoreClosed
        if len(self._worker) >= WAITING_MAX:
            raise TryLater(f"{WAITING_MAX} writes are waiting for the disk; try again in a moment")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._worker.put(Waiting(step, things, bound(operation, args, kwargs), future))
        return future

    async def close(self) -> None:
        await self._worker.close()

    # --- below: the writer's thread ----------------------------------------------------------

    def _work(self, queue: Queue) -> None:
        batch: list[Waiting] = []  # every one of it comes to a result or an error
        try:
            self._run_together(batch, queue)
        except apsw.Error as problem:
            self._rollback()
            if is_storage_problem(problem):
                _fail(batch, problem)
            else:
                self._run_apart(batch)
        except Exception:  # noqa: BLE001 - one of them failed; alone, it gets its own error
            self._rollback()
            self._run_apart(batch)
        wake(self._at, batch)

    def _run_together(self, batch: list[Waiting], queue: Queue) -> None:
        batch += queue.take(1)
        ends_at = time.monotonic() + BATCH_S
        self._database.run(SQL["begin"])
        for waiting in batch:  # which grows as long as there is time
            waiting.result = waiting.operation(self._database)
            has_time = len(batch) < OPERATIONS_MAX and time.monotonic() < ends_at
            if has_time and (another := queue.next()):
                batch.append(another)
        self._commit(batch)

    def _run_apart(self, batch: list[Waiting]) -> None:
        """Run each operation of a failed batch inside its own savepoint."""
        try:
            self._database.run(SQL["begin"])
            for waiting in batch:
                self._run_alone(waiting)
            self._commit([waiting for waiting in batch if waiting.error is None])
        except apsw.Error as problem:
            self._rollback()
            _fail(batch, problem)

    def _run_alone(self, waiting: Waiting) -> None:
        waiting.error = None
        self._database.run(SQL["savepoint"])
        try:
            waiting.result = waiting.operation(self._database)
        except Exception as error:
            if is_storage_problem(error):
                raise
            waiting.error = error
            self._database.run(SQL["undo"])
        self._database.run(SQL["release"])

    def _commit(self, batch: list[Waiting]) -> None:
        tell(self._at, batch, BEFORE)
        self._database.run(SQL["commit"])
        tell(self._at, batch, AFTER)

    def _rollback(self) -> None:
        if self._database.connection.in_transaction:  # SQLite ends it itself on a full disk
            self._database.run(SQL["rollback"])


class InlineCommitter:
    """Runs each operation at once, in a transaction of its own, on the caller's thread.

    For databases in memory and for simulations in which nothing may happen by chance.
    """

    def __init__(self, database: Database, at: Hook | None = None) -> None:
        self._database = database
        self._at = at
        self._is_closed = False

    async def commit(
        self,
        step: str,
        things: About,  # noqa: ARG002 - there is one writer: nothing comes between
        operation: Callable[Concatenate[AnyDatabase, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if self._is_closed:
            raise StoreClosed
        try:
            return self._run(step, partial(operation, self._database, *args, **kwargs))
        except apsw.Error as problem:
            raise translated(problem) from problem

    def _run(self, step: str, operation: Callable[[], T]) -> T:
        self._database.run(SQL["begin"])
        try:
            result = operation()
            self._tell(f"{step}:{BEFORE}")
            self._database.run(SQL["commit"])
        except BaseException:
            if self._database.connection.in_transaction:
                self._database.run(SQL["rollback"])
            raise
        self._tell(f"{step}:{AFTER}")
        self._tell(WAKING)
        return result

    def _tell(self, point: str) -> None:
        if self._at:
            self._at(point)

    async def close(self) -> None:
        self._is_closed = True


def _fail(batch: list[Waiting], problem: apsw.Error) -> None:
    for waiting in batch:
        waiting.error = translated(problem)


_STORAGE_PROBLEMS = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
)


def is_storage_problem(error: Exception) -> bool:
    """Say whether the disk failed, rather than one operation."""
    return isinstance(error, _STORAGE_PROBLEMS)


def translated(problem: apsw.Error) -> Exception:
    """Put what SQLite says into an error that says what to do; a defect stays what it is."""
    if isinstance(problem, apsw.FullError):
        return StorageFull()
    if isinstance(problem, apsw.CorruptError | apsw.NotADBError):
        return TryLater(
            f"the database is damaged ({problem}): stop, run `db check`, restore a backup"
        )
    if is_storage_problem(problem):
        return TryLater(
            f"the database cannot be written ({problem}): check the disk of the data directory "
            "and who may write there"
        )
    return problem
