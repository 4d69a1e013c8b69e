"""Puts new bots and handlers in the place of old ones, while the road goes on."""

from __future__ import annotations

import asyncio

import structlog
from msgspec import Struct

from posthouse.gateway.bots import Bot
from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.dispatcher import Dispatcher
from posthouse.gateway.supervisor import Supervisor
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.handler import Handler, Resident, Successor
from posthouse.wakeup.wakeup import SENDS, TURNS

CALLS_WITHIN_S = 60.0  # for calls that began on old bots; no call takes longer
TURNS_WITHIN_S = 86_400.0  # for turns that began on old handlers; each ends by its own limit

log = structlog.get_logger("posthouse.reload")


class Renewal(Struct, frozen=True, kw_only=True):
    """Who is new or rebuilt, and who is gone."""

    bots: dict[str, Bot]
    bots_gone: tuple[str, ...] = ()
    handlers: dict[str, Handler]
    handlers_gone: tuple[str, ...] = ()


class Reload:
    """Switches over; everything that looks at ``bots`` and ``handlers`` sees the new ones.

    Args:
        around: the road.
        bots: those of the house, changed in place.
        handlers: those of the house, changed in place.
        dispatcher: runs turns, perhaps on old handlers.
        deliverer: makes calls, perhaps on old channels.
        supervisor: keeps the bots connected.
    """

    def __init__(
        self,
        around: Surroundings,
        bots: dict[str, Bot],
        handlers: dict[str, Handler],
        dispatcher: Dispatcher,
        deliverer: Deliverer,
        supervisor: Supervisor,
    ) -> None:
        self._around = around
        self._bots = bots
        self._handlers = handlers
        self._dispatcher = dispatcher
        self._deliverer = deliverer
        self._supervisor = supervisor
        self._retiring: set[asyncio.Task[None]] = set()

    async def switch(self, renewal: Renewal) -> None:
        """Let the new ones take over, and close the old ones when what they do is done."""
        for name, handler in renewal.handlers.items():
            if isinstance(handler, Successor) and name in self._handlers:
                handler.follow(self._handlers[name])
        await _open(renewal.handlers)
        old_bots = [self._bots[name] for name in _names(renewal) if name in self._bots]
        for bot in old_bots:
            await self._supervisor.disconnect(bot.name)
        for name in renewal.bots_gone:
            self._deliverer.remember(self._bots.pop(name))
        for name, bot in renewal.bots.items():
            self._bots[name] = bot
            self._around.pace.serve(name, bot.capabilities)
            self._supervisor.connect(bot)
        changed = (*renewal.handlers, *renewal.handlers_gone)
        old_handlers = [self._handlers.pop(name) for name in changed if name in self._handlers]
        self._handlers.update(renewal.handlers)
        self._retire(old_bots, old_handlers)
        self._around.wakeup.nudge(TURNS)
        self._around.wakeup.nudge(SENDS)

    async def close(self) -> None:
        """Close what still waits to be closed."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    def _retire(self, bots: list[Bot], handlers: list[Handler]) -> None:
        for closing in (self._close_bots(bots), self._close_handlers(handlers)):
            task = asyncio.create_task(closing)
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _close_bots(self, bots: list[Bot]) -> None:
        try:
            await self._deliverer.drained(CALLS_WITHIN_S)
        finally:
            for bot in bots:
                await bot.channel.close()

    async def _close_handlers(self, handlers: list[Handler]) -> None:
        try:
            await self._dispatcher.drained(TURNS_WITHIN_S)
        finally:
            for handler in handlers:
                if isinstance(handler, Resident):
                    await handler.close()


def _names(renewal: Renewal) -> tuple[str, ...]:
    return (*renewal.bots, *renewal.bots_gone)


async def _open(handlers: dict[str, Handler]) -> None:
    """Start what runs beside turns; when one cannot be started, none is."""
    opened: list[Resident] = []
    try:
        for handler in handlers.values():
            if isinstance(handler, Resident):
                await handler.open()
                opened.append(handler)
    except BaseException:
        for resident in opened:
            await resident.close()
        raise
