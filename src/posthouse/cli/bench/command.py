"""``posthouse bench``: measure this machine, and print each number beside its target."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from posthouse.cli.bench.backlog import WAITING, measure_backlog, measure_claims
from posthouse.cli.bench.feishu import measure_feishu
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.flood import measure_flood
from posthouse.cli.bench.http import measure_accepts, measure_http
from posthouse.cli.bench.process import SETTLED_AFTER_S, measure_memory, measure_start
from posthouse.cli.bench.road import measure_road
from posthouse.cli.bench.scenes import measure_scenes
from posthouse.cli.bench.shared import URL, measure_shared
from posthouse.cli.run import fast_loop

MESSAGES = 10_000
ROUNDS = 5

Measure = Callable[[Path], Awaitable[tuple[Figure, ...]]]


def benchmarks(messages: int = MESSAGES, rounds: int = ROUNDS) -> dict[str, Measure]:
    """Return every benchmark by its name, in the order of the road."""
    has_url = URL in os.environ
    return {
        "road": lambda data: measure_road(data, messages, rounds),
        "http": lambda data: measure_http(data, messages, rounds),
        "scenes": lambda data: measure_scenes(data, messages, rounds),
        "accepts": lambda data: measure_accepts(data, messages, rounds),
        "feishu": lambda data: measure_feishu(data, messages, rounds),
        "claims": lambda data: measure_claims(data, WAITING),
        "backlog": lambda data: measure_backlog(data, WAITING),
        "flood": lambda data: measure_flood(data, messages, rounds),
        "start": measure_start,
        "memory": lambda data: measure_memory(data, SETTLED_AFTER_S),
        **({"shared": lambda data: measure_shared(data, messages, rounds)} if has_url else {}),
    }


def measure(name: str, messages: int = MESSAGES, rounds: int = ROUNDS) -> tuple[Figure, ...]:
    """Run one benchmark in a data directory of its own, which is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="posthouse-bench-") as folder,
        asyncio.Runner(loop_factory=fast_loop()) as runner,
    ):
        return runner.run(_run(benchmarks(messages, rounds)[name], Path(folder)))


async def _run(benchmark: Measure, data: Path) -> tuple[Figure, ...]:
    return await benchmark(data)
