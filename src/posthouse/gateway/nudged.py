"""Waiting for a nudge or a time, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# What is ready and yet not handed out (its chat's control lane goes first, the house is held, the
# lease is over) is looked at again this soon, not at once: that would be a busy loop.
LOOK_AGAIN_S = 0.02


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
        if self._event.is_set():
            await asyncio.sleep(0)
            return
        wait_s = at_most_s if ready_at is None else min(at_most_s, ready_at - self._clock())
        wait_s = max(wait_s, LOOK_AGAIN_S)
        timer = asyncio.get_running_loop().call_later(wait_s, self._event.set)
        try:
            await self._event.wait()
        finally:
            timer.cancel()
