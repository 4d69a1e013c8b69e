"""Work in a process of its own: what comes of it, how far it is, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest

from posthouse.knowledge.own_process import in_own_process
from posthouse.model.errors import OperatorMistake, TryLater


def counted(progress: Callable[[int], None]) -> int:
    for steps in (1, 2, 3):
        progress(steps)
    return os.getpid()


def mistaken(progress: Callable[[int], None]) -> int:
    raise OperatorMistake("too little", zh="太少")


def shot(progress: Callable[[int], None]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def endless(progress: Callable[[int], None]) -> int:
    progress(os.getpid())
    time.sleep(600)
    return 0


async def test_work_is_done_elsewhere_and_says_how_far_it_is() -> None:
    told: list[int] = []
    assert await in_own_process(counted, told.append, within_s=60) != os.getpid()
    assert told == [1, 2, 3]


async def test_a_mistake_over_there_is_one_here() -> None:
    with pytest.raises(OperatorMistake, match="too little") as caught:
        await in_own_process(mistaken, print, within_s=60)
    assert caught.value.sentence("zh") == "太少"


async def test_a_process_that_is_shot_is_no_endless_wait() -> None:
    with pytest.raises(TryLater, match="killed"):
        await in_own_process(shot, print, within_s=60)


async def test_work_without_end_is_given_up() -> None:
    with pytest.raises(TryLater, match="given up"):
        await in_own_process(endless, lambda _: None, within_s=0.01)


async def test_who_is_cancelled_ends_the_process() -> None:
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    working = asyncio.create_task(in_own_process(endless, begun.set_result, within_s=60))
    process = await begun
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
