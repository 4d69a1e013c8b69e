"""Brings an app its events: one attempt, an acknowledgement or a timer, and again later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.faults import Fault, FaultPlan, Verb
from posthouse.simulators.feishu.settings import Switches, TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.timing import Sleep, end


class Attempt(Struct, frozen=True, kw_only=True):
    """How one attempt went. Without a problem it succeeded."""

    problem: str = ""
    answer: dict[str, Any] | None = None  # of a callback
    code: int = 0  # what the person sees when a callback failed


class Road(Protocol):
    """Where an attempt can go."""

    async def push(self, event: Event, *, hangs_up: bool) -> Attempt: ...
    def cut(self) -> None: ...


class Errand:
    """One event on its way; ``done`` has the last attempt."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.done: asyncio.Future[Attempt] = asyncio.get_running_loop().create_future()


class Post:
    """All events of one app."""

    def __init__(
        self,
        app: App,
        settings: TenantSettings,
        switches: Switches,
        faults: FaultPlan,
        sleep: Sleep,
        tenant: Tenant,
    ) -> None:
        self._app = app
        self._settings = settings
        self._switches = switches
        self._faults = faults
        self._sleep = sleep
        self._tenant = tenant
        self._dice = random.Random(f"{tenant.seed}:{app.name}")
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._lines: list[Road] = []
        self._opened = asyncio.Event()
        self.webhook_of: Callable[[Event], Road | None] = lambda _: None

    # --- roads ----------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[Road, ...]:
        return tuple(self._lines)

    def opened(self, line: Road) -> None:
        self._lines.append(line)
        self._opened.set()

    def closed(self, line: Road) -> None:
        self._lines.remove(line)
        if not self._lines:
            self._opened.clear()

    async def until_opened(self) -> None:
        """Wait until somebody holds a connection."""
        await self._opened.wait()

    def _road(self, event: Event) -> Road | None:
        """Choose: an address if there is one, else one of the connections, by chance."""
        found = self.webhook_of(event)
        if found is not None or not self._lines:
            return found
        return self._dice.choice(self._lines)

    # --- events ---------------------------------------------------------------------------------

    def put(self, event: Event) -> Errand:
        """Bring an event, beside all others."""
        errand = Errand(event)
        task = asyncio.ensure_future(self._bring(errand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return errand

    async def _bring(self, errand: Errand) -> None:
        if self._switches.is_ordered:
            async with self._turn:
                attempt = await self._until_taken(errand)
        else:
            attempt = await self._until_taken(errand)
        if not errand.done.done():
            errand.done.set_result(attempt)

    async def _until_taken(self, errand: Errand) -> Attempt:
        """Attempt, wait, attempt again; a callback is attempted once."""
        event, entry = errand.event, errand.event.entry
        pauses_s = () if event.is_callback else self._settings.redelivery_s
        attempt = await self._attempt(event)
        for pause_s in pauses_s:
            if not attempt.problem:
                break
            await self._sleep(pause_s)
            attempt = await self._attempt(event)
        if attempt.problem:
            entry.is_abandoned = True
        return attempt

    async def _attempt(self, event: Event) -> Attempt:
        entry = event.entry
        fault = self._faults.draw(self._app.name, Verb.PUSH)
        if fault is Fault.DELAY:
            await self._sleep(self._faults.settings.delay_s)
        road = await self._open_road(event)
        entry.pushes += 1
        self._tenant.stir()
        attempt = await self._push(event, road, fault)
        entry.problem = attempt.problem
        self._tenant.stir()
        if not attempt.problem:
            entry.acknowledged_at = entry.acknowledged_at or self._tenant.now
        return attempt

    async def _open_road(self, event: Event) -> Road | None:
        road = self._road(event)
        while road is None and self._settings.offline == "queue" and not event.is_callback:
            await self._opened.wait()
            road = self._road(event)
        return road

    async def _push(self, event: Event, road: Road | None, fault: Fault | None) -> Attempt:
        if road is None:
            return Attempt(problem="nobody is connected", code=200340)
        if fault is Fault.RESET_BEFORE:
            road.cut()
            return Attempt(problem="reset", code=200342)
        if fault is Fault.LOST or self._switches.is_deaf:
            await self._sleep(self._settings.ack_s)
            return Attempt(problem="lost", code=200341)
        attempt = await road.push(event, hangs_up=fault is Fault.RESET_AFTER)
        if fault is Fault.TWICE and not attempt.problem:
            event.entry.pushes += 1
            return await road.push(event, hangs_up=False)
        if fault is Fault.ACK_LOST or self._switches.drops_acks:
            return Attempt(problem="the acknowledgement was lost", code=200341)
        return attempt

    async def stop(self) -> None:
        """Forget what is still on its way."""
        await end(*self._tasks)
