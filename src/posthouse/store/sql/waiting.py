"""Operations that wait for a writer's thread, and how those who wait for them are woken."""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from posthouse.store.points import URGENT, WAKING
from posthouse.store.sql.about import About
from posthouse.store.sql.committer import Hook
from posthouse.store.sql.database import Database


class Waiting:
    """An operation in the queue, then its outcome."""

    __slots__ = ("error", "future", "operation", "result", "step", "things")

    def __init__(
        self,
        step: str,
        things: About,
        operation: Callable[[Database], Any],
        future: asyncio.Future[Any],
    ) -> None:
        self.step = step
        self.things = things
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


class Queue:
    """What waits: put by the event loop, taken by one thread, urgent steps first."""

    def __init__(self) -> None:
        self._urgent: deque[Waiting] = deque()
        self._others: deque[Waiting] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_rung = False
        self.is_closing = False

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def put(self, waiting: Waiting) -> None:
        """Let an operation wait for its turn."""
        self._line_of(waiting).append(waiting)
        self._ring()

    def close(self) -> None:
        """Let the thread end once it has written what waits."""
        if not self.is_closing:
            self.is_closing = True
            self._ring()

    def wait(self) -> None:
        """Sleep until something was put, or there will be nothing more."""
        self._bell.get()
        self._is_rung = False  # before looking, so that a later ring is not missed

    def next(self) -> Waiting | None:
        """Take one."""
        if self._urgent:
            return self._urgent.popleft()
        return self._others.popleft() if self._others else None

    def take(self, most: int) -> list[Waiting]:
        """Take so many at most."""
        taken: list[Waiting] = []
        while len(taken) < most and (waiting := self.next()):
            taken.append(waiting)
        return taken

    def give_back(self, unfinished: Sequence[Waiting]) -> None:
        """Let these be the next ones again."""
        for waiting in reversed(unfinished):
            self._line_of(waiting).appendleft(waiting)

    def _line_of(self, waiting: Waiting) -> deque[Waiting]:
        return self._urgent if waiting.step in URGENT else self._others

    def _ring(self) -> None:
        if not self._is_rung:
            self._is_rung = True
            self._bell.put(None)


def bound(
    operation: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Callable[[Database], Any]:
    """Return an operation that wants nothing but the database."""
    return partial(_call, operation, args, kwargs)


def tell(at: Hook | None, batch: Iterable[Waiting], moment: str) -> None:
    """Tell the hook that every step of a batch has come to a moment, once each."""
    if at is not None:
        for step in dict.fromkeys(waiting.step for waiting in batch):
            at(f"{step}:{moment}")


def wake(at: Hook | None, batch: list[Waiting]) -> None:
    """Give those who wait their outcomes, in their own thread."""
    if at is not None:
        at(WAKING)
    with suppress(RuntimeError):  # the loop is gone, and with it everybody who waited
        batch[0].future.get_loop().call_soon_threadsafe(_wake_all, batch)


def fail(batch: Iterable[Waiting], error: Exception) -> None:
    """Let all who wait have the same error."""
    for waiting in batch:
        waiting.error = error


def _call(
    operation: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    database: Database,
) -> Any:  # noqa: ANN401 - whatever it returns
    return operation(database, *args, **kwargs)


def _wake_all(batch: list[Waiting]) -> None:
    for waiting in batch:
        waiting.wake()
