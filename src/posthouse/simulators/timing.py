"""Waiting on an injected clock: real seconds in a run, jumps in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Sleep = Callable[[float], Awaitable[None]]


async def is_done_within(sleep: Sleep, span_s: float, *futures: asyncio.Future[Any]) -> bool:
    """Wait until one of ``futures`` is done, at most ``span_s``; none of them is cancelled."""
    if any(future.done() for future in futures):
        return True
    alarm = asyncio.ensure_future(sleep(span_s))
    try:
        await asyncio.wait({alarm, *futures}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        alarm.cancel()
    return any(future.done() for future in futures)


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
