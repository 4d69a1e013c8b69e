"""Keeps the house going: the lease, the loops, the connections, the room on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct

from posthouse.gateway.bots import Bot
from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.dispatcher import Dispatcher
from posthouse.gateway.housekeeping import Housekeeping, Room, forever
from posthouse.gateway.inbox import Inbox
from posthouse.gateway.keeper import Keeper, cancel
from posthouse.gateway.surroundings import Surroundings
from posthouse.model.delivery import BACK_OFF_MAX_S
from posthouse.model.errors import PosthouseError
from posthouse.store.upkeep import Upkeep
from posthouse.wakeup.wakeup import SENDS, TURNS

RENEWALS_PER_LEASE = 3
DRAIN_SHARE = 0.6  # of the time to stop, for turns to end
CALLS_SHARE = 0.3  # and, with what turns leave of theirs, for calls; the rest is for writing down

log = structlog.get_logger("posthouse.supervisor")


class Limits(Struct, frozen=True, kw_only=True):
    """How long, how much, how old."""

    lease_s: float
    room: Room


class Supervisor:
    """Starts everything that runs in the background, and stops it in order."""

    def __init__(
        self,
        around: Surroundings,
        inbox: Inbox,
        dispatcher: Dispatcher,
        deliverer: Deliverer,
        upkeep: Upkeep,
        limits: Limits,
    ) -> None:
        self._journal = around.journal
        self._wakeup = around.wakeup
        self._lease = around.lease
        self._bots = around.bots
        self._clock = around.clock
        self._sleep = around.sleep
        self._inbox = inbox
        self._dispatcher = dispatcher
        self._deliverer = deliverer
        self._housekeeping = Housekeeping(
            upkeep, inbox.room, limits.room, around.clock, around.sleep
        )
        self._limits = limits
        self._loops: list[asyncio.Task[None]] = []
        self._keeper = Keeper(around, inbox.door, self._forever, limits.lease_s)

    def start(self) -> None:
        """Start the loops, then the connections."""
        self._loops = [
            asyncio.create_task(self._forever(loop), name=loop.__qualname__)
            for loop in (
                self._renew,
                self._dispatcher.run,
                self._deliverer.run,
                self._housekeeping.measure,
                self._housekeeping.prune,
                self._keeper.run,
            )
        ]
        for bot in self._bots.values():
            self.connect(bot)

    def connect(self, bot: Bot) -> None:
        """Give a bot its door, and keep it connected from now on."""
        self._keeper.connect(bot)

    async def disconnect(self, name: str) -> None:
        """Let go of a bot's connection."""
        await self._keeper.disconnect(name)

    async def stop(self, within_s: float) -> None:
        """Stop reading, let running work end, give back what did not.

        A connection that messages leave by is held until they have left; what comes in by it
        meanwhile is in the book for the next start.
        """
        await self._keeper.stop_reading()
        began_at = self._clock()
        await self._dispatcher.stop(within_s * DRAIN_SHARE)
        spent_s = min(max(0.0, self._clock() - began_at), within_s * DRAIN_SHARE)
        await self._deliverer.stop(within_s * (DRAIN_SHARE + CALLS_SHARE) - spent_s)
        await self._keeper.stop()
        await cancel(self._loops)
        await self._leave(within_s * (1 - DRAIN_SHARE - CALLS_SHARE) / 2)

    async def _leave(self, within_s: float) -> None:
        """End our lease, so that nobody waits for its end to take over."""
        try:
            async with asyncio.timeout(within_s):
                await self._journal.renew(self._lease.gateway, self._clock(), 0.0)
        except (TimeoutError, PosthouseError) as problem:
            log.warning("lease_not_ended", problem=str(problem) or "no answer")

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        await forever(loop, self._sleep)

    async def _renew(self) -> None:
        await self._bound_waits(BACK_OFF_MAX_S)  # the last process may have had a wrong clock
        while True:
            slept_at = self._clock()
            await self._sleep(self._limits.lease_s / RENEWALS_PER_LEASE)
            now = self._clock()
            if now < slept_at:
                log.warning("clock_set_back", by_s=slept_at - now)
                await self._bound_waits(0.0)
            try:
                is_ours = await self._journal.renew(self._lease.gateway, now, self._limits.lease_s)
                if is_ours:
                    self._lease.extend(now + self._limits.lease_s)
                elif now >= self._lease.until_at:
                    await self._enter_again(now)
                else:
                    self._lease.doubt()
                    log.error("lease_lost", gateway=self._lease.gateway.name)
                if await self._journal.free(now):
                    self._wakeup.nudge(TURNS)
                    self._wakeup.nudge(SENDS)
            except PosthouseError as problem:
                log.warning("lease_not_renewed", problem=str(problem))

    async def _bound_waits(self, wait_s: float) -> None:
        """Believe no time that a clock wrote which was ahead: whoever waits for it waits long."""
        try:
            await self._journal.bound_waits(self._clock(), wait_s)
        except PosthouseError as problem:
            log.warning("waits_not_bounded", problem=str(problem))
        self._wakeup.nudge(TURNS)
        self._wakeup.nudge(SENDS)

    async def _enter_again(self, now: float) -> None:
        """Our time was up (the process slept, the disk was full): come back as a new epoch."""
        await self._keeper.let_go()
        name = self._lease.gateway.name
        self._lease.gateway = await self._journal.enter(name, now, self._limits.lease_s)
        self._lease.extend(now + self._limits.lease_s)
        log.warning("lease_entered_again", gateway=name, epoch=self._lease.gateway.epoch)
        self._wakeup.nudge(TURNS)
        self._wakeup.nudge(SENDS)
