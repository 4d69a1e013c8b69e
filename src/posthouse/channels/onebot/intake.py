"""Between the connections and the door: events wait here only until the book has them.

The platform asks for no acknowledgement and brings nothing twice, so what is here must get into
the book: a door that refuses is asked again, a full queue lets the socket wait, and a connection
that ends or a house that stops leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import structlog

from posthouse.channels.channel import Door
from posthouse.channels.keep_connected import Sleep
from posthouse.model.address import Entrance
from posthouse.model.errors import TryLater
from posthouse.model.event import Event

WAITING_MAX = 512  # events; then whoever brings more waits
BATCH_MAX = 128  # accepted in one go

log = structlog.get_logger("posthouse.onebot")


class Intake:
    """Takes events in order, as many at once as there are."""

    def __init__(self, bot: str, sleep: Sleep) -> None:
        self._bot = bot
        self._sleep = sleep
        self._waiting: deque[Event] = deque()
        self._held: list[Event] = []
        self._is_holding = False
        self._has_some = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def hold(self) -> None:
        """Keep what comes by ``put`` back: older things are being asked for."""
        self._is_holding = True

    def release(self) -> None:
        """Let what was kept back follow."""
        self._is_holding = False
        self.put_older(self._held)
        self._held.clear()

    def put_older(self, events: Iterable[Event]) -> None:
        """Let events wait before those that are kept back."""
        self._waiting.extend(events)
        if self._waiting:
            self._is_empty.clear()
            self._has_some.set()

    async def until_accepted(self) -> None:
        """Wait until the book has everything that came so far."""
        await self._is_empty.wait()

    async def put(self, event: Event) -> None:
        """Let an event wait for its turn; returns when there is room for more."""
        if self._is_holding and len(self._held) < WAITING_MAX:
            self._held.append(event)
            return
        if self._is_holding:
            self.release()
        self._waiting.append(event)
        self._is_empty.clear()
        self._has_some.set()
        if len(self._waiting) >= WAITING_MAX:
            self._has_room.clear()
            await self._has_room.wait()

    async def run(self, door: Door) -> None:
        """Bring everything through the door until cancelled; what waits then goes in as well."""
        try:
            while True:
                await self._has_some.wait()
                await self._accept(door)
        except asyncio.CancelledError:
            await self._accept_rest(door)
            raise

    async def _accept(self, door: Door) -> None:
        batch = [self._waiting[n] for n in range(min(len(self._waiting), BATCH_MAX))]
        try:
            await door.accept(batch, Entrance.LONG_CONNECTION)
        except TryLater as refusal:
            log.warning("onebot_waits", bot=self._bot, events=len(self._waiting))
            await self._sleep(refusal.retry_after_s)
            return
        for _ in batch:
            self._waiting.popleft()
        if not self._waiting:
            self._has_some.clear()
            self._is_empty.set()
        if len(self._waiting) < WAITING_MAX // 2:
            self._has_room.set()

    async def _accept_rest(self, door: Door) -> None:
        """Once more, without waiting: what a cancelled accept has written already is no news."""
        self.release()
        while self._waiting:
            before = len(self._waiting)
            try:
                await door.accept(list(self._waiting)[:BATCH_MAX], Entrance.LONG_CONNECTION)
            except TryLater:
                log.exception("onebot_lost", bot=self._bot, events=before)
                return
            for _ in range(min(before, BATCH_MAX)):
                self._waiting.popleft()
