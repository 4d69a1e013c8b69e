"""Tells the road what happened in the rooms, each room in its order, until the road has it."""

from __future__ import annotations

import asyncio
from itertools import groupby
from weakref import WeakValueDictionary

from posthouse.channels.channel import Door
from posthouse.channels.web.codec import event_of
from posthouse.model.address import Entrance
from posthouse.model.errors import TryLater
from posthouse.model.event import Event
from posthouse.store.rooms import Errand, ErrandKind, Rooms

_BATCH = 50
TOASTS_MAX = 100  # for presses whose request is on its way
NOT_WAITING_S = 0.0  # a page sees by itself what comes of a press that counts


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
        self._toasts: dict[tuple[str, int, str], str] = {}
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

    def toast(self, room: str, number: int, person: str) -> str:
        """Take what is to be shown to somebody about their press; empty when there is nothing."""
        return self._toasts.pop((room, number, person), "")

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
        found = [(errand, await self._event(errand)) for errand in errands]
        told = [(errand, event) for errand, event in found if event is not None]
        for is_press, group in groupby(told, key=lambda each: each[0].kind is ErrandKind.PRESSED):
            if is_press:
                for errand, event in group:
                    await self._tell_press(self._door, errand, event)
            else:
                await self._door.accept([event for _, event in group], Entrance.WEBHOOK)
        await self._rooms.done([errand.id for errand in errands])

    async def _tell_press(self, door: Door, errand: Errand, event: Event) -> None:
        """Keep what is shown about a press in vain, for the request that it came with.

        It must not stand below the message as if somebody had chosen so.
        """
        shown = await door.answer((event,), Entrance.WEBHOOK, NOT_WAITING_S)
        if shown is None:
            return
        await door.answered((event,), is_written=True)  # a toast that nobody sees is no loss
        await self._rooms.press_in_vain(errand.room, errand.number, errand.person.id)
        self._toasts[errand.room, errand.number, errand.person.id] = shown.decode()
        if len(self._toasts) > TOASTS_MAX:
            del self._toasts[next(iter(self._toasts))]

    async def _event(self, errand: Errand) -> Event | None:
        room = await self._rooms.room(self._bot, errand.room)
        if room is None:
            return None
        message = await self._rooms.message(errand.room, errand.number) if errand.number else None
        return event_of(errand, room, message, self._bot_name)
