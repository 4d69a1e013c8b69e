"""One chat floods the house: how much longer others wait for their answers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import count
from pathlib import Path
from statistics import median

from posthouse.channels.channel import Door, Part
from posthouse.cli.bench.channel import BOT, BenchChannel, Said, decode, encode
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.road import house_in, settings_for
from posthouse.model.address import Entrance

OTHERS = 50
FLOOD_PER_S = 1000
TICK_S = 0.01  # so fine is the flood
DRAIN_S = 30.0
RATIO_MAX = 1.2
WAITED_FOR = b"other-"


class Crowd:
    """People who each say something every second, and one who never stops."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._numbers = count()
        self._asked_at: dict[bytes, float] = {}
        self._waits_s: list[float] = []
        self._all_heard = asyncio.Event()
        BenchChannel.on_part = self._hear

    async def p99_s(self, lasts_s: float, *, is_flooded: bool) -> float:
        """Return the 99th percentile of how long the others wait."""
        self._waits_s.clear()
        async with asyncio.TaskGroup() as group:
            for number in range(OTHERS):
                group.create_task(self._talk(f"chat-{number}", number / OTHERS, lasts_s))
            if is_flooded:
                group.create_task(self._flood(lasts_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._all_heard.wait()
        return sorted(self._waits_s)[int(len(self._waits_s) * 0.99)]

    async def _talk(self, chat: str, begins_s: float, lasts_s: float) -> None:
        await asyncio.sleep(begins_s)
        for _ in range(max(1, int(lasts_s))):
            mark = f"{WAITED_FOR.decode()}{next(self._numbers)}"
            self._asked_at[mark.encode()] = time.perf_counter()
            self._all_heard.clear()
            await self._say(chat, mark)
            await asyncio.sleep(1.0)

    async def _flood(self, lasts_s: float) -> None:
        for _ in range(int(lasts_s / TICK_S)):
            batch = (self._say("flooded", "flood") for _ in range(int(FLOOD_PER_S * TICK_S)))
            await asyncio.gather(asyncio.sleep(TICK_S), *batch)

    async def _say(self, chat: str, mark: str) -> None:
        said = Said(chat, f"{next(self._numbers)}", f"/echo {mark}", time.time())
        await self._door.accept((decode(encode(said)),), Entrance.WEBHOOK)

    def _hear(self, part: Part) -> None:
        _, found, rest = part.body.partition(WAITED_FOR)
        asked_at = self._asked_at.pop(found + rest.partition(b'"')[0], None)
        if asked_at is not None:
            self._waits_s.append(time.perf_counter() - asked_at)
        if not self._asked_at:
            self._all_heard.set()


async def measure_flood(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure, ``rounds`` times, the others alone and beside a flood of ``messages``."""
    lasts_s = messages / FLOOD_PER_S
    alone_ms, ratios = [], []
    async with house_in(settings_for(data)) as house:
        crowd = Crowd(house.inbox.door(house.bots[BOT]))
        try:
            for _ in range(rounds):
                alone_s = await crowd.p99_s(lasts_s, is_flooded=False)
                beside_s = await crowd.p99_s(lasts_s, is_flooded=True)
                alone_ms.append(alone_s * 1000)
                ratios.append(beside_s / alone_s)
        finally:
            BenchChannel.on_part = BenchChannel.ignore
    return (
        Figure(
            name="flood: p99 of others, alone",
            value=median(alone_ms),
            unit="ms",
            note=f"{OTHERS} chats, each once a second, accept to delivered",
        ),
        Figure(
            name="flood: the same beside a flooding chat",
            value=median(ratios),
            unit="x",
            target=RATIO_MAX,
            note=f"{FLOOD_PER_S}/s for {lasts_s:g} s in one chat",
        ),
    )
