"""The road in one process: from ``accept`` with the bytes in hand to delivered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from statistics import median

from posthouse.bootstrap import House, build_house
from posthouse.channels.channel import Door
from posthouse.cli.bench.channel import BOT, Answers, BenchChannel, Said, decode, encode
from posthouse.cli.bench.figure import Figure
from posthouse.model.address import Entrance
from posthouse.settings.settings import BotSettings, GatewaySettings, HandlerSettings, Settings

CHATS = 500
IN_FLIGHT = 100
ROAD_US_MAX = 150.0


def settings_for(data: Path, *, turns_max: int = 200, handler: str = "commands") -> Settings:
    """Return settings of a house with nothing but the benchmarks' bot."""
    return Settings(
        data=data,
        bots={BOT: BotSettings(channel="posthouse.cli.bench.channel:BenchChannel")},
        handlers={handler: HandlerSettings(kind=handler)},
        gateway=GatewaySettings(turns_max=turns_max),
    )


@contextlib.asynccontextmanager
async def house_in(settings: Settings) -> AsyncIterator[House]:
    """Open a house and close it again."""
    house = build_house(settings)
    try:
        await house.open()
        yield house
    finally:
        await house.close()


class Driver:
    """Accepts messages, a fixed number on their way at once."""

    def __init__(self, door: Door, in_flight: int) -> None:
        self._door = door
        self._free = asyncio.Semaphore(in_flight)
        self._numbers = count()
        self._answers = Answers()
        BenchChannel.on_send = self._on_send

    def _on_send(self) -> None:
        self._answers.add()
        self._free.release()

    async def drive(self, messages: int) -> None:
        """Return when so many messages have been answered."""
        goal = self._answers.count + messages
        async with asyncio.TaskGroup() as group:
            for _ in range(messages):
                await self._free.acquire()
                group.create_task(self._accept(next(self._numbers)))
        await self._answers.reach(goal)

    async def _accept(self, number: int) -> None:
        said = Said(f"chat-{number % CHATS}", str(number), f"/echo m-{number}", time.time())
        await self._door.accept((decode(encode(said)),), Entrance.WEBHOOK)


async def measure_road(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure CPU and wall time per message over the whole road, ``rounds`` times."""
    async with house_in(settings_for(data)) as house:
        driver = Driver(house.inbox.door(house.bots[BOT]), IN_FLIGHT)
        await driver.drive(min(messages, 1000))  # warm caches and the disk
        cpu_us, rates = [], []
        for _ in range(rounds):
            cpu, wall = time.process_time(), time.perf_counter()
            await driver.drive(messages)
            cpu_us.append((time.process_time() - cpu) / messages * 1e6)
            rates.append(messages / (time.perf_counter() - wall))
    return (
        Figure(
            name="road: CPU per message",
            value=median(cpu_us),
            unit="µs",
            target=ROAD_US_MAX,
            note=f"accept to delivered, null channel, /echo, {IN_FLIGHT} in flight, FULL",
        ),
        Figure(name="road: messages", value=median(rates), unit="/s", is_smaller_better=False),
    )
