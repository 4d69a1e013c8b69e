"""Keeps bots connected: most by every gateway, some by one gateway at a time.

Where a platform knows only one connection of a bot, the gateways ask the book whose it is. The
holder stays it while its lease lasts, and lets go before that ends; the others look often, so the
connection moves as soon as the lease of a dead one is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from posthouse.channels.channel import Door
from posthouse.gateway.bots import Bot
from posthouse.gateway.surroundings import Surroundings
from posthouse.model.capabilities import SendsFrom
from posthouse.model.errors import PosthouseError

LOOKS_PER_LEASE = 10  # more than the margin asks for: whoever may not hold notices in time

log = structlog.get_logger("posthouse.keeper")

Loop = Callable[[], Awaitable[None]]


class Keeper:
    """Connects, and lets go.

    Args:
        around: the road.
        door: makes the door of a bot.
        forever: runs a loop again when it fails.
        lease_s: how long this gateway's lease lasts, in seconds.
    """

    def __init__(
        self,
        around: Surroundings,
        door: Callable[[Bot], Door],
        forever: Callable[[Loop], Awaitable[None]],
        lease_s: float,
    ) -> None:
        self._around = around
        self._door = door
        self._forever = forever
        self._look_every_s = lease_s / LOOKS_PER_LEASE
        self._kept: dict[str, tuple[Bot, asyncio.Task[None]]] = {}
        self._held: frozenset[str] = frozenset()
        self._is_stopping = False

    def connect(self, bot: Bot) -> None:
        """Give a bot its door, and keep it connected from now on, if it is ours."""
        bot.channel.attach(self._door(bot))
        if not bot.capabilities.has_one_connection:
            self._keep(bot)

    async def disconnect(self, name: str) -> None:
        """Let go of a bot's connection."""
        if kept := self._kept.pop(name, None):
            await cancel([kept[1]])

    async def stop_reading(self) -> None:
        """Let go of the connections by which messages only come in."""
        self._is_stopping = True
        await cancel([task for bot, task in self._kept.values() if not _carries_sends(bot)])

    async def stop(self) -> None:
        """Let go of all."""
        await cancel([task for _, task in self._kept.values()])

    # --- bots with one connection -------------------------------------------------------------

    async def run(self) -> None:
        """Hold what is ours, for ever."""
        while True:
            await self._look()
            await self._around.sleep(self._look_every_s)

    async def let_go(self) -> None:
        """Hold nothing: our time was up, and another gateway may be connected by now."""
        self._held = frozenset()
        await self._part()

    async def _look(self) -> None:
        if self._is_stopping:  # what we hold stays ours until its last message has left
            return
        wanted = tuple(bot.name for bot in self._around.bots.values() if _is_single(bot))
        if wanted or self._held:
            self._held = await self._ours(wanted)
            await self._part()
            self._meet()

    async def _ours(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Ask the book; while it does not answer, what we hold is ours as long as the lease."""
        lease, clock = self._around.lease, self._around.clock
        if not lease.holds_at(clock()):
            return frozenset()
        try:
            async with asyncio.timeout(lease.left_s(clock())):
                return await self._around.journal.hold(lease.gateway, wanted, clock())
        except (TimeoutError, PosthouseError) as problem:
            log.warning("holder_not_known", problem=str(problem) or "no answer")
            return self._held if lease.holds_at(clock()) else frozenset()

    async def _part(self) -> None:
        """Disconnect what is another gateway's, or was built anew."""
        for name, (bot, _) in tuple(self._kept.items()):
            is_ours = name in self._held and self._around.bots.get(name) is bot
            if _is_single(bot) and not is_ours:
                log.warning("connection_let_go", bot=name)
                await self.disconnect(name)

    def _meet(self) -> None:
        for name in self._held - self._kept.keys():
            bot = self._around.bots.get(name)
            if bot is not None and _is_single(bot) and not self._is_stopping:
                log.info("connection_held", bot=name)
                self._keep(bot)

    def _keep(self, bot: Bot) -> None:
        async def connection() -> None:
            await bot.channel.run(self._door(bot))

        if kept := self._kept.get(bot.name):
            kept[1].cancel()  # begun while settings were changing
        self._kept[bot.name] = bot, asyncio.ensure_future(self._forever(connection))


def _is_single(bot: Bot) -> bool:
    return bot.capabilities.has_one_connection


def _carries_sends(bot: Bot) -> bool:
    return bot.capabilities.sends_from is SendsFrom.CONNECTION


async def cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
