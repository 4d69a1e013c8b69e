"""The one place that writes: a thread that commits what is waiting, all at once.

One flush of the disk costs the same for one operation as for five hundred, so whoever waits
while a flush runs shares the next one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from posthouse.model.errors import StorageFull, StoreClosed, TryLater
from posthouse.store.points import MOMENTS, URGENT, WAKING
from posthouse.store.queries import load
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database as AnyDatabase
from posthouse.store.sqlite.database import Database

SQL = load("sqlite/transaction.sql")

OPERATIONS_MAX = 512  # in one commit
BATCH_S = 0.02  # work of one batch before it is committed, so that nobody waits long
WAITING_MAX = 20_000  # operations in the queue; more are told to try later

BEFORE, AFTER = MOMENTS

P = ParamSpec("P")
T = TypeVar("T")


class _Waiting:
    """An operation in the queue, then its outcome."""

    __slots__ = ("error", "future", "operation", "result", "step")

    def __init__(
        self, step: str, operation: Callable[[Database], Any], future: asyncio.Future[Any]
    ) -> None:
        self.step = step
        self.operation = operation
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def wake(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class GroupCommitter:
    """The committer of a file: one thread, one commit for many waiters."""

    def __init__(self, database: Database, at: Hook | None = None) -> None:
        self._database = database
        self._at = at
        self._urgent: deque[_Waiting] = deque()
        self._others: deque[_Waiting] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_rung = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def commit(
        self,
        step: str,
        things: About,  # noqa: ARG002 - there is one writer: nothing comes between
        operation: Callable[Concatenate[AnyDatabase, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Awaitable[T]:
        if self._is_closing:
            raise StoreClosed
        waiters = self._urgent if step in URGENT else self._others
        if len(self._urgent) + len(self._others) >= WAITING_MAX:
            raise TryLater(f"{WAITING_MAX} writes are waiting for the disk; try again in a moment")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        bound = partial(_call, operation, args, kwargs)
        waiters.append(_Waiting(step, bound, future))
        self._ring()
        return future

    async def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._ring()
        await asyncio.to_thread(self._thread.join)

    def _ring(self) -> None:
        if not self._is_rung:
            self._is_rung = True
            self._bell.put(None)

    # --- below: the writer's thread ----------------------------------------------------------

    def _run(self) -> None:
        while not self._is_closing:
            self._bell.get()
            self._is_rung = False  # before looking, so that a later ring is not missed
            while batch := self._commit_batch():
                self._wake(batch)

    def _next(self) -> _Waiting | None:
        if self._urgent:
            return self._urgent.popleft()
        return self._others.popleft() if self._others else None

    def _commit_batch(self) -> list[_Waiting]:
        """Run and commit what is waiting; every one returned has a result or an error."""
        batch: list[_Waiting] = []
        try:
            self._run_together(batch)
        except apsw.Error as problem:
            self._rollback()
            if is_storage_problem(problem):
                _fail(batch, problem)
            else:
                self._run_apart(batch)
        except Exception:  # noqa: BLE001 - one of them failed; alone, it gets its own error
            self._rollback()
            self._run_apart(batch)
        return batch

    def _run_together(self, batch: list[_Waiting]) -> None:
        first = self._next()
        if first is None:
            return
        batch.append(first)
        ends_at = time.monotonic() + BATCH_S
        self._database.run(SQL["begin"])
        waiting: _Waiting | None = first
        while waiting is not None:
            waiting.result = waiting.operation(self._database)
            if len(batch) >= OPERATIONS_MAX or time.monotonic() >= ends_at:
                break
            waiting = self._next()
            if waiting is not None:
                batch.append(waiting)
        self._commit(batch)

    def _run_apart(self, batch: list[_Waiting]) -> None:
        """Run each operation of a failed batch inside its own savepoint."""
        try:
            self._database.run(SQL["begin"])
            for waiting in batch:
                self._run_alone(waiting)
            self._commit([waiting for waiting in batch if waiting.error is None])
        except apsw.Error as problem:
            self._rollback()
            _fail(batch, problem)

    def _run_alone(self, waiting: _Waiting) -> None:
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

    def _commit(self, batch: list[_Waiting]) -> None:
        steps = tuple(dict.fromkeys(waiting.step for waiting in batch)) if self._at else ()
        self._tell(steps, BEFORE)
        self._database.run(SQL["commit"])
        self._tell(steps, AFTER)

    def _tell(self, steps: tuple[str, ...], moment: str) -> None:
        for step in steps:
            self._at(f"{step}:{moment}")  # type: ignore[misc]  # no steps without a hook

    def _rollback(self) -> None:
        if self._database.connection.in_transaction:  # SQLite ends it itself on a full disk
            self._database.run(SQL["rollback"])

    def _wake(self, batch: list[_Waiting]) -> None:
        if self._at:
            self._at(WAKING)
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
            batch[0].future.get_loop().call_soon_threadsafe(_wake_all, batch)


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


def _call(
    operation: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], database: Database
) -> T:
    return operation(database, *args, **kwargs)


def _wake_all(batch: list[_Waiting]) -> None:
    for waiting in batch:
        waiting.wake()


def _fail(batch: list[_Waiting], problem: apsw.Error) -> None:
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
