"""Tells the road what happened in the rooms, each room in its order, until the road has it."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from posthouse.channels.channel import Door
from posthouse.channels.web.codec import event_of
from posthouse.model.address import Entrance
from posthouse.model.errors import TryLater
from posthouse.model.event import Event
from posthouse.store.rooms import Errand, Rooms

_BATCH = 50


class NotServing(TryLater):
    """The house is starting or stopping; send it again in a moment."""


class Errands:
    """Between the rooms and the door of one bot.

    A room is told by one at a time. Whoever changed a room waits until the errand it left has
    been taken; a crash before that leaves the errand, and the next start tells it. The road
    recognises what it was told twice.
    """

    def __init__(self, bot: str, bot_name: str, rooms: Rooms) -> None:
        self._bot = bot
        self._bot_name = bot_name
        self._rooms = rooms
        self._door: Door | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def attach(self, door: Door) -> None:
        self._door = door

    async def run(self, room: str) -> None:
        """Tell what happened in one room.

        Raises:
            TryLater: the road could not take it; it stays, and is told again later.
        """
        async with self._locks.setdefault(room, asyncio.Lock()):
            while waiting := await self._rooms.errands(self._bot, room, _BATCH):
                await self._tell(waiting)

    async def run_all(self) -> None:
        """Tell what was left over, room by room.

        Raises:
            TryLater: as above.
        """
        while waiting := await self._rooms.errands(self._bot, None, _BATCH):
            for room in dict.fromkeys(errand.room for errand in waiting):
                await self.run(room)

    async def _tell(self, errands: tuple[Errand, ...]) -> None:
        if self._door is None:
            raise NotServing
        found = [await self._event(errand) for errand in errands]
        events = [event for event in found if event is not None]
        if events:
            await self._door.accept(events, Entrance.WEBHOOK)
        await self._rooms.done([errand.id for errand in errands])

    async def _event(self, errand: Errand) -> Event | None:
        room = await self._rooms.room(self._bot, errand.room)
        if room is None:
            return None
        message = await self._rooms.message(errand.room, errand.number) if errand.number else None
        return event_of(errand, room, message, self._bot_name)
