"""Long calculations, in a process of their own: in a thread they would hold up every answer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar, cast

from msgspec import Struct

from posthouse.model.errors import TryLater

R = TypeVar("R")
Progress = Callable[[int], None]
Work = Callable[[Progress], R]


class _Outcome(Struct, Generic[R]):
    value: R | None = None
    problem: Exception | None = None


async def in_own_process(work: Work[R], progress: Progress, within_s: float) -> R:
    """Do work in a new process; who is cancelled ends it.

    Args:
        work: a function that can be pickled, like what it raises and returns; it is given what to
            call with each number of steps that are done.
        progress: called with the same numbers, in the caller's thread.
        within_s: the longest it may take, in seconds.

    Raises:
        TryLater: it took longer, or the process was killed.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_perform, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    loop = asyncio.get_running_loop()
    listening = asyncio.ensure_future(
        asyncio.to_thread(
            _listen, ours, work, lambda steps: loop.call_soon_threadsafe(progress, steps)
        )
    )
    try:
        async with asyncio.timeout(within_s):
            outcome = await asyncio.shield(listening)
    except TimeoutError:
        raise _too_long(within_s) from None
    finally:
        process.kill()
        process.join()
        await asyncio.wait({listening})  # it is told that the line is dead
        ours.close()
    if outcome.problem is not None:
        raise outcome.problem
    return cast("R", outcome.value)


def _listen(line: Connection, work: Work[R], tell: Callable[[int], object]) -> _Outcome[R]:
    try:
        line.send(work)
        while not isinstance(said := line.recv(), _Outcome):
            tell(said)
    except (EOFError, OSError):
        return _Outcome(problem=_killed())
    return said


def _too_long(within_s: float) -> TryLater:
    return TryLater(
        f"The calculation was not done within {within_s / 60:.0f} minutes and was given up. Try"
        " again when the machine has less to do, or with fewer examples.",
        zh=f"计算超过 {within_s / 60:.0f} 分钟，已放弃；请在机器空闲时再试，或减少样本。",
    )


def _killed() -> TryLater:
    return TryLater(
        "The process of the calculation was killed, as the system does when memory is short. Make"
        " room, then try again.",
        zh="计算进程被系统终止，通常是内存不足；请腾出内存后再试。",
    )


def _perform(line: Connection) -> None:
    """Do the work that is handed in; what a terminal interrupts is the parent's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):  # nobody waits for it any more
        line.send(_outcome(line.recv(), line.send))


def _outcome(work: Work[R], progress: Progress) -> _Outcome[R]:
    try:
        return _Outcome(value=work(progress))
    except Exception as problem:  # noqa: BLE001 - it is raised over there
        return _Outcome(problem=problem)
