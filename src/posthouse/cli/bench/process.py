"""The whole process, as an operator meets it: how soon it answers, how much memory it takes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from aiohttp import ClientError, ClientSession

from posthouse.cli.bench.figure import Figure
from posthouse.settings.data_directory import owner_of

START_S_MAX = 1.0
STARTS = 5
PSS_MB_MAX = 95.0
SETTLED_AFTER_S = 60.0
GIVE_UP_AFTER_S = 60.0
LOOK_EVERY_S = 0.005
MIB = 1024 * 1024


@contextlib.asynccontextmanager
async def running(data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start ``posthouse run`` with its defaults on a free port; end it afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "posthouse",
        "run",
        "--port",
        "0",
        "--data",
        str(data),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def first_page_s(data: Path) -> float:
    """Return how long after its start a house serves the chat page."""
    begun_at = time.monotonic()
    async with running(data), ClientSession() as session:
        while time.monotonic() < begun_at + GIVE_UP_AFTER_S:
            owner = owner_of(data)
            if owner is not None and owner.url:
                with contextlib.suppress(ClientError):
                    async with session.get(owner.url + "/chat") as answer:
                        await answer.read()
                        answer.raise_for_status()
                        return time.monotonic() - begun_at
            await asyncio.sleep(LOOK_EVERY_S)
    raise TimeoutError


async def measure_start(data: Path, starts: int = STARTS) -> tuple[Figure, ...]:
    """Measure starts after the first one: from the command to the first page."""
    await first_page_s(data)
    times = [await first_page_s(data) for _ in range(starts)]
    return (
        Figure(
            name="start: to the first page",
            value=median(times),
            unit="s",
            target=START_S_MAX,
            note=f"median of {starts}, after a first start",
        ),
    )


async def measure_memory(data: Path, settled_after_s: float) -> tuple[Figure, ...]:
    """Measure the memory of the process and its children, a while after the start."""
    async with running(data) as process:
        await asyncio.sleep(settled_after_s)
        found = sum(_pss_bytes(pid) for pid in family_of(process.pid)) / MIB
    return (
        Figure(
            name="memory: PSS of the process tree",
            value=found,
            unit="MiB",
            target=PSS_MB_MAX,
            note=f"{settled_after_s:.0f} s after the start",
        ),
    )


def family_of(pid: int) -> list[int]:
    """Return a process and all below it (Linux)."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
