"""People who press buttons, and what they are shown where they pressed."""

import asyncio

from posthouse.model.address import Entrance
from tests.house.kit import HouseKit
from tests.house.people import ROOM, pressed

WAIT_S = 2.0


class Press:
    """Somebody presses a button, and sees what the response carries."""

    def __init__(self, house: HouseKit, token: str, who: str = "ann", room: str = ROOM) -> None:
        self.house = house
        self.toast: bytes | None = None
        self.took_s = 0.0
        self.event = pressed(token, who=who, room=room, at=house.clock())
        self.task = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        door, began_at = self.house.house.inbox.door(self.house.house.bots["b"]), self.house.clock()
        self.toast = await door.answer((self.event,), Entrance.WEBHOOK, WAIT_S)
        await door.answered((self.event,), is_written=True)
        self.took_s = self.house.clock() - began_at
