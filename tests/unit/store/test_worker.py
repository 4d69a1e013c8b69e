"""The thread of a store: it works off what waits, also what was put just before the end."""

import asyncio
import threading

import pytest

from posthouse.store.sql import worker as module
from posthouse.store.sql.about import NOTHING
from posthouse.store.sql.waiting import Queue, Waiting, wake
from posthouse.store.sql.worker import Worker


def waiting() -> Waiting:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return Waiting("chat", NOTHING, lambda _database: None, future)


def work(queue: Queue) -> None:
    wake(None, queue.take(1))


async def test_what_is_put_just_before_the_end_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = waiting(), waiting()

    class Late(Queue):
        """Has one more, and is closed, as soon as the thread has found it empty."""

        def __len__(self) -> int:
            count = super().__len__()
            if count == 0 and not self.is_closing:
                self.put(last)
                self.close()
            return count

    monkeypatch.setattr(module, "Queue", Late)
    worker = Worker("one", work)
    worker.put(first)
    async with asyncio.timeout(10.0):
        await first.future
        await last.future
        await worker.close()


async def test_it_lets_go_in_the_thread_that_worked() -> None:
    threads: list[threading.Thread] = []

    def noted(queue: Queue) -> None:
        threads.append(threading.current_thread())
        work(queue)

    worker = Worker("one", noted, lambda: threads.append(threading.current_thread()))
    worker.put(waiting())
    await worker.close()
    used, let_go = threads
    assert used is let_go is not threading.current_thread()


async def test_it_says_how_long_it_has_been_busy() -> None:
    is_inside, gate = threading.Event(), threading.Event()

    def held(queue: Queue) -> None:
        is_inside.set()
        gate.wait()
        work(queue)

    worker = Worker("one", held)
    assert worker.busy_s == 0.0
    worker.put(waiting())
    await asyncio.to_thread(is_inside.wait)
    assert worker.busy_s > 0.0
    gate.set()
    await worker.close()
    assert worker.busy_s == 0.0
