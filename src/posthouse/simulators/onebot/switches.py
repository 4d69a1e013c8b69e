"""What is wrong with an account's connections until somebody mends it."""

from __future__ import annotations

import asyncio

from msgspec import Struct, structs


class SwitchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an account behaves from now on; what is not given stays as it is."""

    is_reading: bool | None = None  # False: half open, nothing that comes in is looked at
    is_writing: bool | None = None  # False: half open, nothing goes out
    is_beating: bool | None = None  # False: heartbeats stop, all else goes on
    is_online: bool | None = None  # False: QQ has thrown the account out; sends fail
    is_dialling: bool | None = None  # False: a lost connection stays lost
    keeps_missed: bool | None = None  # True: what nobody heard is pushed at the next connection
    repeats_last: int | None = None  # so many events are pushed again at the next connections


class Switches:
    """The switches of one account."""

    def __init__(self) -> None:
        self.is_writing = True
        self.is_beating = True
        self.is_online = True
        self.keeps_missed = False
        self.repeats_last = 0
        self._reading = asyncio.Event()
        self._reading.set()
        self._dialling = asyncio.Event()
        self._dialling.set()

    @property
    def is_reading(self) -> bool:
        return self._reading.is_set()

    @is_reading.setter
    def is_reading(self, is_reading: bool) -> None:
        _turn(self._reading, is_on=is_reading)

    @property
    def is_dialling(self) -> bool:
        return self._dialling.is_set()

    @is_dialling.setter
    def is_dialling(self, is_dialling: bool) -> None:
        _turn(self._dialling, is_on=is_dialling)

    def change(self, settings: SwitchSettings) -> None:
        """Turn what is named."""
        for name, value in structs.asdict(settings).items():
            if value is not None:
                setattr(self, name, value)

    def shown(self) -> SwitchSettings:
        """Return how everything stands."""
        names = SwitchSettings.__struct_fields__
        return SwitchSettings(**{name: getattr(self, name) for name in names})

    async def until_reading(self) -> None:
        """Wait while nothing is to be read."""
        await self._reading.wait()

    async def until_dialling(self) -> None:
        """Wait while no connection is to be made."""
        await self._dialling.wait()


def _turn(switch: asyncio.Event, *, is_on: bool) -> None:
    if is_on:
        switch.set()
    else:
        switch.clear()
