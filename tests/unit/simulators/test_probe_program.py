"""The platform and the driver as programs of their own."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.unit.simulators.scene import no, open_house

PROBE = ("-m", "posthouse.simulators.probe")
LOAD = ("-m", "posthouse.simulators.probe.load")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=pipe, stderr=pipe
    )


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """A platform of its own, with the address and the seed it prints."""
    process = await start(*PROBE, *arguments)
    assert process.stdout is not None
    try:
        address, seed = (await process.stdout.readline()).decode().split()
        yield process, address, seed
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(15)  # with the usual pauses the house would wait 31 seconds
async def test_a_run_in_three_processes() -> None:
    async with open_house(*[no(503)] * 5) as house:
        options = ("--seed=5", f"--webhook=a={house.url}", "--back-off-max=0.01")
        async with running("--bots=a=keyed,b=none", *options) as (probe, address, seed):
            driver = await start(
                *LOAD, f"--address={address}", "--bots=a", "--messages=3", "--chats=1"
            )
            lines, _ = await driver.communicate()
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{address}/v1/ledger") as response:
                    ledger = await response.json()
                async with session.get(f"{address}/v1/health") as response:
                    health = await response.json()
            probe.send_signal(signal.SIGTERM)
            assert await probe.wait() == 0
    spoken = [json.loads(line) for line in lines.splitlines()]
    assert [each["n"] for each in spoken] == [0, 1, 2]
    assert all(each["acknowledged_at"] for each in spoken)
    assert [event["text"] for event in ledger["events"]] == ["m-0", "m-1", "m-2"]
    assert health == {"bots": ["a", "b"]}
    assert seed == "seed=5"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--bots=a=clever", "no class 'clever'"),
        ("--webhook=z=http://127.0.0.1:1", "a bot declared before"),
        ("--faults={plan}", "is no fault plan"),
    ],
)
async def test_a_senseless_option_is_answered_in_words(
    option: str, words: str, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"rates": 7}')
    process = await start(*PROBE, option.format(plan=plan))
    _, said = await process.communicate()
    assert process.returncode == 1
    assert words in said.decode()
    assert "Traceback" not in said.decode()


@pytest.mark.slow
async def test_a_taken_port_is_answered_in_words() -> None:
    async with running() as (_, address, _seed):
        port = address.rsplit(":", 1)[1]
        process = await start(*PROBE, f"--port={port}")
        _, said = await process.communicate()
    assert process.returncode == 1
    assert "in use" in said.decode()
    assert "Traceback" not in said.decode()
