"""Commands of scenes through HTTP: CPU of the house and of its workers, and how soon they load."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

from posthouse.cli.bench.channel import Answers, BenchChannel
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.http import IN_FLIGHT, generate, serving
from posthouse.cli.bench.process import family_of
from posthouse.cli.bench.road import settings_for
from posthouse.handlers.commands.process import MODULE
from posthouse.settings.settings import HandlerSettings

SCENE_US_MAX = 300.0
SCENE = 'def cmd_say(words: str):\n    """Repeat."""\n    return words\n'


async def measure_scenes(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure a command that does nothing, behind a webhook: CPU per message with its workers."""
    folder = data / "bench-scenes"
    folder.mkdir(parents=True)
    (folder / "bench.py").write_text(SCENE, "utf-8")
    commands = HandlerSettings.model_validate({"public_dirs": [str(folder)]})
    settings = settings_for(data).model_copy(update={"handlers": {"commands": commands}})
    answers = Answers()
    BenchChannel.on_send = answers.add
    house_us, workers_us = [], []
    async with serving(settings) as (_, url):
        await generate(url, min(messages, 1000), "/bench say")
        for _ in range(rounds):
            goal, house_s, workers_s = answers.count + messages, time.process_time(), _workers_s()
            await generate(url, messages, "/bench say")
            await answers.reach(goal)
            house_us.append((time.process_time() - house_s) / messages * 1e6)
            workers_us.append((_workers_s() - workers_s) / messages * 1e6)
    house, workers = median(house_us), median(workers_us)
    return (
        Figure(
            name="scenes: CPU per message",
            value=house + workers,
            unit="µs",
            target=SCENE_US_MAX,
            note=f"signed webhook to delivered: house {house:.0f}, workers {workers:.0f}, "
            f"{IN_FLIGHT} in flight, FULL",
        ),
    )


def _workers_s() -> float:
    """Return the CPU time of all workers so far (Linux)."""
    ticks = 0
    for pid in family_of(os.getpid()):  # each worker has a keeper above it
        if MODULE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # in user mode and in the kernel
    return ticks / os.sysconf("SC_CLK_TCK")
