"""Brings events to the house: one chat's in order, again and again until acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from msgspec import Struct

from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.faults import Fault, FaultPlan, Verb
from posthouse.simulators.probe.state import Event, ProbePlatform
from posthouse.simulators.timing import Sleep, end, is_done_within

UNDER_WAY_MAX = 64  # pushes of one bot at once


class Patience(Struct, frozen=True, kw_only=True):
    """How long the platform waits, and how often it tries."""

    push_timeout_s: float = 5.0
    back_off_s: float = 1.0  # doubled each time
    back_off_max_s: float = 30.0
    pushes_max: int = 40

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures: 1, 2, 4, 8, 16, then always 30 seconds."""
        return min(self.back_off_s * 2.0 ** min(failures - 1, 16), self.back_off_max_s)


class Errand:
    """An event on its way; ``done`` tells whether the house acknowledged it in the end."""

    def __init__(self, platform: ProbePlatform, event: Event) -> None:
        self._platform = platform
        self.event = event
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @property
    def bot(self) -> Bot:
        return self.event.bot

    def acknowledge(self) -> None:
        """The house has it; late and double acknowledgements are fine."""
        if not self.done.done():
            self._platform.acknowledge(self.event)
            self.done.set_result(True)

    def abandon(self) -> None:
        """Nobody will try again."""
        if not self.done.done():
            self._platform.abandon(self.event)
            self.done.set_result(False)


class Failure(Struct, frozen=True):
    """What a road says of an attempt that was not acknowledged."""

    retry_after_s: float = 0.0
    is_road_gone: bool = False  # try again as soon as there is a road


class Road(Protocol):
    """One way to the house, of one bot."""

    async def push(self, errand: Errand, timeout_s: float, *, hangs_up: bool) -> Failure:
        """Try once. Whoever hears the house acknowledges the errand; ``hangs_up``: nobody does."""
        ...

    def cut(self) -> Failure:
        """Fail before a byte leaves."""
        ...


class Roads(Protocol):
    """Where a bot's events go at the moment."""

    def road(self, bot: Bot) -> Road | None: ...


class Pusher:
    """Holds what is waiting, one queue and one task per chat that has something to push."""

    def __init__(
        self,
        platform: ProbePlatform,
        faults: FaultPlan,
        roads: Roads,
        *,
        patience: Patience,
        sleep: Sleep,
    ) -> None:
        self._platform = platform
        self._faults = faults
        self._roads = roads
        self._patience = patience
        self._sleep = sleep
        self._queues: dict[tuple[str, str], deque[Errand]] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._opened = {bot.bot: asyncio.Event() for bot in platform.bots}
        self._under_way = {bot.bot: asyncio.Semaphore(UNDER_WAY_MAX) for bot in platform.bots}

    def put(self, event: Event) -> Errand:
        """Queue an event behind the others of its chat; the ledger's limit is the queue's."""
        errand = Errand(self._platform, event)
        place = (event.entry.bot, event.entry.chat)
        self._queues.setdefault(place, deque()).append(errand)
        if place not in self._tasks:
            self._tasks[place] = asyncio.create_task(self._empty(place))
            self._tasks[place].add_done_callback(_raise)
        return errand

    def road_opened(self, bot: Bot) -> None:
        """Try at once what was waiting for a road."""
        self._opened[bot.bot].set()

    async def reset(self) -> None:
        """Abandon everything."""
        await end(*self._tasks.values())
        for queue in self._queues.values():
            for errand in queue:
                errand.abandon()
        self._queues.clear()
        self._tasks.clear()

    async def _empty(self, place: tuple[str, str]) -> None:
        queue = self._queues[place]
        while queue:
            await self._bring(queue[0])
            queue.popleft()
        del self._queues[place], self._tasks[place]

    async def _bring(self, errand: Errand) -> None:
        """Push until acknowledged or out of patience."""
        for failures in range(1, self._patience.pushes_max + 1):
            fault = self._faults.draw(errand.bot, Verb.PUSH)
            failure = await self._attempt(errand, fault)
            if errand.done.done():
                break
            if not failure.is_road_gone:
                pause_s = max(self._patience.pause_s(failures), failure.retry_after_s)
                await is_done_within(self._sleep, pause_s, errand.done)
        errand.abandon()

    async def _attempt(self, errand: Errand, fault: Fault | None) -> Failure:
        if fault is Fault.DELAY:
            await self._sleep(self._faults.delay_s)
        road = await self._wait_for_road(errand.bot)
        async with self._under_way[errand.bot.bot]:
            if fault is Fault.RESET_BEFORE:
                self._platform.push(errand.event)
                return road.cut()
            timeout_s = self._timeout_s(errand.bot)
            hangs_up = fault is Fault.RESET_AFTER
            failure = await road.push(errand, timeout_s, hangs_up=hangs_up)
            if fault is Fault.TWICE and errand.done.done():
                await road.push(errand, timeout_s, hangs_up=False)
        return failure

    async def _wait_for_road(self, bot: Bot) -> Road:
        while (road := self._roads.road(bot)) is None:
            self._opened[bot.bot].clear()
            await self._opened[bot.bot].wait()
        return road

    def _timeout_s(self, bot: Bot) -> float:
        return bot.slot_s if bot.bot_class is BotClass.SLOT else self._patience.push_timeout_s


def _raise(task: asyncio.Task[None]) -> None:
    """Let the loop report a defect of ours; a chat that stands still in silence helps nobody."""
    if not task.cancelled():
        task.result()
