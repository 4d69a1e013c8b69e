"""A thread that works off what waits, so that the event loop never waits for a database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from posthouse.store.sql.waiting import Queue, Waiting


class Worker:
    """One thread and its queue, until it is closed.

    Args:
        name: of the thread.
        work: takes from the queue what can be done at once, does it and wakes who waited for it.
        end: lets go of what only this thread may use.
    """

    def __init__(
        self, name: str, work: Callable[[Queue], None], end: Callable[[], None] = lambda: None
    ) -> None:
        self._queue = Queue()
        self._work = work
        self._end = end
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_closing(self) -> bool:
        """Whether it takes nothing more."""
        return self._queue.is_closing

    @property
    def busy_s(self) -> float:
        """How long it has been at what it is doing now."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def put(self, waiting: Waiting) -> None:
        """Let an operation wait for its turn."""
        self._queue.put(waiting)

    async def close(self) -> None:
        """Do what waits, and nothing more."""
        self._queue.close()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._queue.wait()
            is_last = self._queue.is_closing  # asked first: whatever was put before is seen below
            while self._queue:
                self._busy_since = time.monotonic()
                self._work(self._queue)
            self._busy_since = None
        self._end()
