"""Keeps the store within its room: measures it, closes the door at the quota, removes the old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct

from posthouse.model.errors import PosthouseError
from posthouse.store.upkeep import Retention, Upkeep

MEASURE_EVERY_S = 5.0
PRUNE_EVERY_S = 600.0
PRUNE_PAUSE_S = 0.5  # between two slices, so that people are not kept waiting
QUOTA_RESUME_SHARE = 0.98  # accept again below this share of the quota

RESTART_AFTER_S = 5.0

log = structlog.get_logger("posthouse.supervisor")


class Gauge:
    """Whether there is room for more; housekeeping measures, the door looks."""

    def __init__(self) -> None:
        self.is_full = False


class Room(Struct, frozen=True, kw_only=True):
    """How much, how old."""

    quota_bytes: int
    retention: Retention


class Housekeeping:
    """Two loops for as long as the process lives.

    Args:
        upkeep: of the store.
        gauge: is turned.
        room: how much there may be.
        clock: seconds since the epoch.
        sleep: waits by the same clock.
    """

    def __init__(
        self,
        upkeep: Upkeep,
        gauge: Gauge,
        room: Room,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._upkeep = upkeep
        self._gauge = gauge
        self._room = room
        self._clock = clock
        self._sleep = sleep

    async def measure(self) -> None:
        """Close the door above the quota and open it again when there is room, for ever."""
        while True:
            await self._measure_once()
            await self._sleep(MEASURE_EVERY_S)

    async def _measure_once(self) -> None:
        quota_bytes = self._room.quota_bytes
        try:
            size = await self._upkeep.size_bytes()
        except PosthouseError as problem:
            log.warning("measuring_postponed", problem=str(problem))
        else:
            if size >= quota_bytes and not self._gauge.is_full:
                self._gauge.is_full = True
                log.error("quota_reached", size_bytes=size, quota_bytes=quota_bytes)
            elif size < quota_bytes * QUOTA_RESUME_SHARE and self._gauge.is_full:
                self._gauge.is_full = False
                log.warning("quota_free_again", size_bytes=size)

    async def prune(self) -> None:
        """Remove what is old, a slice at a time, for ever."""
        while True:
            try:
                pruned = await self._upkeep.prune(self._room.retention, self._clock())
            except PosthouseError as problem:
                log.warning("prune_postponed", problem=str(problem))
                await self._sleep(PRUNE_EVERY_S)
            else:
                await self._sleep(PRUNE_EVERY_S if pruned.is_done else PRUNE_PAUSE_S)


async def forever(
    loop: Callable[[], Awaitable[None]], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Run a loop again when it fails; one that returns has been stopped."""
    while True:
        try:
            await loop()
        except Exception:  # a defect in one loop must not silence the house
            log.exception("loop_failed", loop=getattr(loop, "__qualname__", "?"))
            await sleep(RESTART_AFTER_S)
        else:
            return
