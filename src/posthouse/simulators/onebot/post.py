"""Brings an account's events to whoever is connected, in order and, as in life, only once."""

from __future__ import annotations

import asyncio
from collections import deque

from posthouse.simulators.onebot.faults import Fault, FaultPlan, Verb
from posthouse.simulators.onebot.lines import Line
from posthouse.simulators.onebot.state import Event, Network
from posthouse.simulators.onebot.switches import Switches
from posthouse.simulators.timing import Sleep, end

RECENT_MAX = 1_000  # events that can be pushed again


class Errand:
    """An event on its way; ``done`` tells whether a connection took it in the end."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def finish(self, *, is_pushed: bool) -> None:
        """Note the end; a later repeat changes nothing."""
        if not self.done.done():
            self.done.set_result(is_pushed)


class Post:
    """The events of one account, and the connections they go to."""

    def __init__(
        self, network: Network, name: str, faults: FaultPlan, switches: Switches, sleep: Sleep
    ) -> None:
        self._network = network
        self._name = name
        self._faults = faults
        self._switches = switches
        self._sleep = sleep
        self._queue: deque[Errand] = deque()
        self._recent: deque[Errand] = deque(maxlen=RECENT_MAX)
        self._has_work = asyncio.Event()
        self._has_line = asyncio.Event()
        self._is_alone = asyncio.Event()
        self.lines: list[Line] = []
        self._worker = asyncio.create_task(self._work())

    def put(self, event: Event) -> Errand:
        """Queue an event behind the others."""
        errand = Errand(event)
        if len(self._queue) >= self._network.limits.events_max:
            errand.finish(is_pushed=False)
            return errand
        self._queue.append(errand)
        self._has_work.set()
        return errand

    def attach(self, line: Line) -> None:
        """Bring events to a connection from now on, first those that are to be repeated."""
        self.lines.append(line)
        if line.takes_events:
            recent = list(self._recent)
            repeated = recent[max(0, len(recent) - self._switches.repeats_last) :]
            self._queue.extendleft(reversed(repeated))
            self._is_alone.clear()
            self._has_line.set()
            self._has_work.set()

    def detach(self, line: Line) -> None:
        """Forget a connection."""
        self.lines.remove(line)
        if not self._hearing():
            self._has_line.clear()
            self._is_alone.set()

    async def until_connected(self) -> None:
        """Wait until events go somewhere."""
        await self._has_line.wait()

    async def until_disconnected(self) -> None:
        """Wait until the last connection that events went to is gone."""
        await self._is_alone.wait()

    def reset(self) -> None:
        """Abandon what is waiting, and forget what could be repeated."""
        for errand in self._queue:
            errand.finish(is_pushed=False)
        self._queue.clear()
        self._recent.clear()

    async def stop(self) -> None:
        """Abandon everything."""
        await end(self._worker)
        self.reset()

    # --- within ---------------------------------------------------------------------------------

    def _hearing(self) -> list[Line]:
        return [line for line in self.lines if line.takes_events]

    async def _work(self) -> None:
        while True:
            while self._queue:
                await self._bring(self._queue.popleft())
            self._has_work.clear()
            await self._has_work.wait()

    async def _bring(self, errand: Errand) -> None:
        while not await self._attempt(errand, self._faults.draw(self._name, Verb.PUSH)):
            if not self._switches.keeps_missed:
                self._miss(errand)
                return
            self._has_line.clear()  # whoever is there did not take it: only a new one may
            await self._has_line.wait()
        if not errand.done.done():  # else it is a repeat, or was never pushed
            self._recent.append(errand)
        errand.finish(is_pushed=True)

    async def _attempt(self, errand: Errand, fault: Fault | None) -> bool:
        """Write an event to every connection; False when none took it."""
        if fault is Fault.DELAY:
            await self._sleep(self._faults.settings.delay_s)
        if fault is Fault.LOST:
            self._miss(errand)
            return True
        if fault is Fault.RESET_BEFORE:
            self._cut()
            return False
        times = 2 if fault is Fault.TWICE else 1
        written = [await line.say(errand.event.body) for line in self._hearing() * times]
        self._count(errand, sum(written))
        if fault is Fault.RESET_AFTER:
            self._cut()
        return any(written)

    def _cut(self) -> None:
        for line in self._hearing():
            line.cut()
            line.takes_events = False

    def _count(self, errand: Errand, pushes: int) -> None:
        entry = errand.event.entry
        if not pushes:
            return
        self._network.stir()
        if entry is None:
            return
        entry.pushes += pushes
        entry.is_missed = False
        if entry.pushed_at is None:
            entry.pushed_at = self._network.now

    def _miss(self, errand: Errand) -> None:
        if errand.event.entry is not None and not errand.event.entry.pushes:
            errand.event.entry.is_missed = True
        errand.finish(is_pushed=False)
