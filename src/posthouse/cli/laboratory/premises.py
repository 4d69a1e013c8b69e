"""The real process: ``python -m posthouse run`` on a data directory that outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO

import aiohttp

from posthouse.settings.data_directory import Owner, owner_of

OPEN_WITHIN_S = 60.0  # a machine may be busy
END_WITHIN_S = 15.0
COMMAND_WITHIN_S = 60.0
LOOK_EVERY_S = 0.01
LOG_TAIL_CHARACTERS = 4000
KEPT_VARIABLES = ("HOME", "LANG", "PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR")


class Ended(AssertionError):
    """The process ended when nobody expected it to; the message has the end of its log."""


class RunningHouse:
    """One life of the house."""

    def __init__(self, premises: Premises, process: asyncio.subprocess.Process) -> None:
        self._premises = premises
        self._process = process
        self.started_at = time.time()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def until_open(self) -> Owner:
        """Wait until it serves, and return what it announces."""
        async with asyncio.timeout(OPEN_WITHIN_S), aiohttp.ClientSession() as session:
            while True:
                if self.has_ended:
                    raise Ended(self._premises.log_tail())
                owner = owner_of(self._premises.data)
                if owner is not None and owner.pid == self.pid and owner.url:
                    with contextlib.suppress(aiohttp.ClientError):
                        async with session.get(f"{owner.url}/livez") as answer:
                            if answer.ok:
                                return owner
                await asyncio.sleep(LOOK_EVERY_S)

    async def kill(self) -> None:
        """Let the kernel end it, at whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def until_ended(self, within_s: float = END_WITHIN_S) -> int:
        """Wait for its own end; returns the exit code."""
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    def memory_bytes(self) -> int:
        """Return how much memory it has in use."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


class Premises:
    """Where a house lives: its settings, its data, its port and its log."""

    def __init__(self, folder: Path, settings: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.data = folder / "data"
        self.log = folder / "house.log"
        self._config = folder / "posthouse.toml"
        self._config.write_text(settings, "utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.data / "posthouse.db"

    def log_tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-LOG_TAIL_CHARACTERS:]

    async def until_logged(self, words: str) -> None:
        """Wait until the house has said it in its log."""
        async with asyncio.timeout(OPEN_WITHIN_S):
            while True:
                if words in self.log.read_text("utf-8", "replace"):
                    return
                await asyncio.sleep(LOOK_EVERY_S)

    @contextlib.asynccontextmanager
    async def house(
        self, *, port: int | None = None, environ: Mapping[str, str] | None = None
    ) -> AsyncIterator[RunningHouse]:
        """Start a house; what still runs of it at the end is killed."""
        arguments = ("run", "--config", self._config, "--data", self.data)
        with self.log.open("ab") as log:
            process = await _start(
                *arguments, "--port", port or self.port, output=log, environ=environ
            )
        running = RunningHouse(self, process)
        try:
            yield running
        finally:
            await running.kill()

    async def command(
        self, *arguments: object, within_s: float = COMMAND_WITHIN_S
    ) -> tuple[int, str]:
        """Run another command of the house to its end; returns its exit code and output."""
        options = ("--config", self._config, "--data", self.data)
        process = await _start(*arguments, *options, output=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(within_s):
                said, _ = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert process.returncode is not None
        return process.returncode, said.decode("utf-8", "replace")


async def _start(
    *arguments: object, output: int | IO[bytes], environ: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "posthouse",
        *map(str, arguments),
        env={**kept, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
    )


def free_port() -> int:
    """Return a port that nobody uses now; a killed house comes back to it."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
