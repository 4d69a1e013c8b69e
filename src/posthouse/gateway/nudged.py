"""Waiting for a nudge or a time, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Nudged:
    """An event that also goes off by itself at a given time of the house's clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiting loop, now or as soon as it waits."""
        self._event.set()

    def clear(self) -> None:
        """Forget nudges that came before; look after this, then wait."""
        self._event.clear()

    async def wait(self, ready_at: float | None, at_most_s: float) -> None:
        """Return at a nudge, at ``ready_at``, or after ``at_most_s`` seconds."""
        wait_s = at_most_s if ready_at is None else min(at_most_s, ready_at - self._clock())
        if wait_s <= 0 or self._event.is_set():
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._event.wait()
        except TimeoutError:
            return
