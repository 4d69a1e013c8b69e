"""The road in one process: from ``accept`` with the bytes in hand to delivered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from itertools import count, islice
from pathlib import Path
from statistics import median

from posthouse.bootstrap import build_house
from posthouse.channels.channel import Door
from posthouse.cli.bench.channel import BOT, Answers, BenchChannel, Said, decode, encode
from posthouse.cli.bench.figure import Figure
from posthouse.cli.run import settle_heap
from posthouse.house import House
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
        settle_heap()
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

    def payloads(self, messages: int) -> list[bytes]:
        """Make so many payloads as they come from the wire."""
        now = time.time()
        return [
            encode(Said(f"chat-{number % CHATS}", str(number), f"/echo m-{number}", now))
            for number in islice(self._numbers, messages)
        ]

    async def drive(self, payloads: list[bytes]) -> None:
        """Return when every one has been answered."""
        goal = self._answers.count + len(payloads)
        async with asyncio.TaskGroup() as group:
            for payload in payloads:
                await self._free.acquire()
                group.create_task(self._accept(payload))
        await self._answers.reach(goal)

    async def _accept(self, payload: bytes) -> None:
        await self._door.accept((decode(payload),), Entrance.WEBHOOK)

    def _on_send(self) -> None:
        self._answers.add()
        self._free.release()


async def measure_road(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure CPU and wall time per message over the whole road, ``rounds`` times."""
    async with house_in(settings_for(data)) as house:
        driver = Driver(house.inbox.door(house.bots[BOT]), IN_FLIGHT)
        await driver.drive(driver.payloads(min(messages, 1000)))  # warm caches and the disk
        cpu_us, rates = [], []
        for _ in range(rounds):
            payloads = driver.payloads(messages)
            cpu, wall = time.process_time(), time.perf_counter()
            await driver.drive(payloads)
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
