"""Feishu's long connection: what a frame costs, and how soon it is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr

from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.road import house_in
from posthouse.settings.settings import BotSettings, GatewaySettings, HandlerSettings, Settings

BOT = "feishu"
AT_ONCE = 64
FRAME_US_MAX = 150.0
PER_S = 500.0
STALL_S = 30.0
ACK_P99_MS_MAX = 100.0


class Wire:
    """The process that stands in for Feishu."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self._process = process
        self.address = address

    async def bring(self, messages: int, *, per_s: float = 0.0) -> dict[str, float]:
        """Let it bring messages; returns what it saw."""
        assert self._process.stdin is not None
        asked = {"messages": messages, "at_once": AT_ONCE, "per_s": per_s}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        return await _line(self._process)


@contextlib.asynccontextmanager
async def wire() -> AsyncIterator[Wire]:
    """Start the process, and end it afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "posthouse.cli.bench.feishu_wire",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told = await _line(process)
        yield Wire(process, str(told["address"]))
    finally:
        process.terminate()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(await process.stdout.readline())
    return told


def settings_for(data: Path, address: str) -> Settings:
    """Return settings of a house with one Feishu bot, whose handler stalls at the first word."""
    stalling = HandlerSettings.model_validate({"kind": "demo", "word_pause_s": STALL_S})
    bot = BotSettings.model_validate(
        {
            "channel": "feishu",
            "app_id": "cli_0",
            "app_secret": SecretStr("secret"),
            "domain": address,
            "streaming": False,
        }
    )
    return Settings(
        data=data,
        bots={BOT: bot},
        handlers={"demo": stalling},
        gateway=GatewaySettings(turns_max=200),
    )


async def measure_frames(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure frames alone: read, understood, in the book, acknowledged; then nothing."""
    cpu_us, rates = [], []
    async with wire() as feishu, house_in(settings_for(data, feishu.address)) as house:
        await house.dispatcher.stop(0)
        await feishu.bring(min(messages, 2000))
        for _ in range(rounds):
            cpu = time.process_time()
            seen = await feishu.bring(messages)
            cpu_us.append((time.process_time() - cpu) / messages * 1e6)
            rates.append(seen["rate"])
    return (
        Figure(
            name="feishu: CPU per frame",
            value=median(cpu_us),
            unit="µs",
            target=FRAME_US_MAX,
            note=f"socket to acknowledgement, FULL, {AT_ONCE} in flight",
        ),
        Figure(name="feishu: frames", value=median(rates), unit="/s", is_smaller_better=False),
    )


async def measure_stall(data: Path) -> tuple[Figure, ...]:
    """Measure acknowledgements for as long as every handler stalls."""
    async with wire() as feishu, house_in(settings_for(data, feishu.address)):
        await feishu.bring(1000, per_s=PER_S)
        seen = await feishu.bring(int(PER_S * (STALL_S - 5)), per_s=PER_S)
    return (
        Figure(
            name="feishu: ack p99 while handlers stall",
            value=seen["p99_s"] * 1000,
            unit="ms",
            target=ACK_P99_MS_MAX,
            note=f"{PER_S:.0f} /s; p50 {seen['p50_s'] * 1000:.1f}, max {seen['max_s'] * 1000:.0f}",
        ),
    )


async def measure_feishu(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure both."""
    frames = await measure_frames(data / "frames", messages, rounds)
    return (*frames, *await measure_stall(data / "stall"))
