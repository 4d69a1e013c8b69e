"""The road through HTTP, with the generator in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from posthouse.api.server import listen
from posthouse.cli.bench.channel import PATH, Answers, BenchChannel
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.road import settings_for
from posthouse.cli.logs import LineWriter
from posthouse.cli.run import opened
from posthouse.house import House
from posthouse.settings.settings import ServerSettings, Settings

IN_FLIGHT = 64
HTTP_US_MAX = 280.0
ACCEPT_US_MAX = 150.0
ACCEPTS_PER_S_MIN = 3000.0
ACK_P99_MS_MAX = 50.0


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[House, str]]:
    """Serve a house on a free port of this machine; yields it and the webhook's address."""
    settings = settings.model_copy(update={"server": ServerSettings(port=0)})
    listening = listen(settings.server)
    writer = LineWriter(io.StringIO())
    async with opened(settings, listening, "", writer) as (house, server):
        answering = asyncio.create_task(server.serve())
        try:
            yield house, listening.url + PATH
        finally:
            server.stop()
            await answering
    writer.close()


async def generate(url: str, messages: int, words: str = "/echo") -> dict[str, float]:
    """Let the generator post messages that begin with ``words``; returns what it saw."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "posthouse.cli.bench.generator",
        url,
        str(messages),
        str(IN_FLIGHT),
        words,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    seen: dict[str, float] = json.loads(output)
    return seen


async def measure_http(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure the whole road behind a webhook: CPU of this process per message."""
    answers = Answers()
    BenchChannel.on_send = answers.add
    cpu_us = []
    async with serving(settings_for(data)) as (_, url):
        await generate(url, min(messages, 1000))
        for _ in range(rounds):
            goal, cpu = answers.count + messages, time.process_time()
            await generate(url, messages)
            await answers.reach(goal)
            cpu_us.append((time.process_time() - cpu) / messages * 1e6)
    return (
        Figure(
            name="http: CPU per message",
            value=median(cpu_us),
            unit="µs",
            target=HTTP_US_MAX,
            note=f"signed webhook to delivered, {IN_FLIGHT} in flight, FULL",
        ),
    )


async def measure_accepts(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure durable acknowledgements alone: nobody works on what is accepted."""
    cpu_us, rates, p99_ms = [], [], []
    async with serving(settings_for(data)) as (house, url):
        await house.dispatcher.stop(0)
        await generate(url, min(messages, 1000))
        for _ in range(rounds):
            cpu = time.process_time()
            seen = await generate(url, messages)
            cpu_us.append((time.process_time() - cpu) / messages * 1e6)
            rates.append(seen["rate"])
            p99_ms.append(seen["p99_s"] * 1000)
    return (
        Figure(
            name="accepts: durable acknowledgements",
            value=median(rates),
            unit="/s",
            target=ACCEPTS_PER_S_MIN,
            is_smaller_better=False,
            note=f"{IN_FLIGHT} in flight, FULL, generator in another process",
        ),
        Figure(name="accepts: p99", value=median(p99_ms), unit="ms", target=ACK_P99_MS_MAX),
        Figure(name="accepts: CPU each", value=median(cpu_us), unit="µs", target=ACCEPT_US_MAX),
    )
