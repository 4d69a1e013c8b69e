"""Commands of scenes: CPU through HTTP, how late one is ended, how soon they are loaded again."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

from posthouse.cli.bench.channel import Answers, BenchChannel
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.http import IN_FLIGHT, generate, serving
from posthouse.cli.bench.process import family_of
from posthouse.cli.bench.road import settings_for
from posthouse.handlers.commands.folders import Folders
from posthouse.handlers.commands.frames import Asking, Call, TookTooLong, Where
from posthouse.handlers.commands.pool import Pool
from posthouse.handlers.commands.process import MODULE, Limits
from posthouse.model.secret import new_secret
from posthouse.settings.settings import HandlerSettings

SCENE_US_MAX = 300.0
LATE_MS_MAX = 100.0
RELOAD_MS_MAX = 200.0
GIVE_UP_S = 0.5
TRIES = 7
MEMORY_BYTES_MAX = 1024**3
SCENE = '''
import subprocess
import time


def cmd_say(words: str):
    """Repeat."""
    return words


def cmd_hang():
    """Wait, and let a child in a session of its own wait as well."""
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    time.sleep(60)
'''


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
    late_ms, reload_ms = await _pool_figures(folder, data / "bench-scratch")
    return (
        Figure(
            name="scenes: CPU per message",
            value=house + workers,
            unit="µs",
            target=SCENE_US_MAX,
            note=f"signed webhook to delivered: house {house:.0f}, workers {workers:.0f}, "
            f"{IN_FLIGHT} in flight, FULL",
        ),
        Figure(
            name="scenes: ended after its limit",
            value=median(late_ms),
            unit="ms",
            target=LATE_MS_MAX,
            note=f"with a child in its own session; the latest of {TRIES}: {max(late_ms):.0f}",
        ),
        Figure(
            name="scenes: reload",
            value=median(reload_ms),
            unit="ms",
            target=RELOAD_MS_MAX,
            note=f"one scene, read and tried in a new worker; slowest of {TRIES}: "
            f"{max(reload_ms):.0f}",
        ),
    )


async def _pool_figures(folder: Path, scratch: Path) -> tuple[list[float], list[float]]:
    """Return how late commands that hang are ended, and how long reloads take, in ms."""
    limits = Limits(memory_bytes_max=MEMORY_BYTES_MAX, output_bytes_max=0)
    pool = Pool(Folders((), (folder,)), scratch, limits, 2, new_secret)
    await pool.open(limits.load_within_s)
    try:
        late = [await _late_ms(pool) for _ in range(TRIES)]
        reloads = [await _reload_ms(pool) for _ in range(TRIES)]
    finally:
        await pool.close()
    return late, reloads


async def _late_ms(pool: Pool) -> float:
    call = Call(
        id=new_secret(),
        scene="bench",
        function="hang",
        person=Asking("bench", "", "member", ()),
        chat=Where(1, "bench", "", is_private=True),
        bot="bench",
        language="en",
        text="",
        words=(),
        below="",
    )
    async with pool.seat() as seat:
        began_at = time.perf_counter()
        with suppress(TookTooLong):
            async for _ in seat.run(call, GIVE_UP_S):
                pass
        return (time.perf_counter() - began_at - GIVE_UP_S) * 1e3


async def _reload_ms(pool: Pool) -> float:
    began_at = time.perf_counter()
    await pool.reload()
    return (time.perf_counter() - began_at) * 1e3


def _workers_s() -> float:
    """Return the CPU time of all workers so far (Linux)."""
    ticks = 0
    for pid in family_of(os.getpid()):  # each worker has a keeper above it
        if MODULE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # in user mode and in the kernel
    return ticks / os.sysconf("SC_CLK_TCK")
