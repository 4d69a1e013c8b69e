"""A program with all its descendants: its CPU time and memory, read from /proc (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

MIB = 1024 * 1024
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
STOP_WITHIN_S = 15.0

PROC = Path("/proc")


class Memory(Struct, frozen=True):
    """What a tree holds; PSS counts a page that several share once."""

    rss_mib: float
    pss_mib: float
    processes: int


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends, so that none leaves the count."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Program:
    """A running program; whatever else descends from this process counts as its own.

    So also those count whose parent has ended: at most one program runs at a time.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, command: Sequence[str], folder: Path, environ: Mapping[str, str], log: Path
    ) -> Program:
        """Start it; what it prints is appended to ``log``."""
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=environ, stdout=out, stderr=out, start_new_session=True
            )
        return cls(process)

    @property
    def has_ended(self) -> bool:
        """Whether the program itself is gone."""
        return self._process.returncode is not None

    def cpu_s(self) -> float:
        """Return the CPU time of the tree so far, with descendants that have ended."""
        return sum(map(cpu_s, family(os.getpid())[1:]))

    def memory(self) -> Memory:
        """Return the memory of the tree now."""
        pids = family(os.getpid())[1:]
        rss, pss = (sum(_rollup_mib(pid, name) for pid in pids) for name in ("Rss", "Pss"))
        return Memory(rss, pss, len(pids))

    async def kill(self) -> None:
        """Kill the program as a crash or the kernel would; its descendants must notice."""
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """End it in order, or by force when that takes too long."""
        if not self.has_ended:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        self._end_what_is_left()

    def _end_what_is_left(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it began a session of its own


def family(pid: int) -> list[int]:
    """Return a process and all below it that are alive."""
    found = [pid]
    for parent in found:
        found += _children(parent)
    return found


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in sorted((PROC / str(pid) / "task").iterdir()):
            yield from map(int, (task / "children").read_text().split())


def cpu_s(pid: int) -> float:
    """Return the CPU time of one process and of its children that it has waited for."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return ticks((PROC / str(pid) / "stat").read_text()) / TICKS_PER_S
    return 0.0


def own_cpu_s() -> float:
    """Return the CPU time of this process alone."""
    return sum(os.times()[:2])


def ticks(stat: str) -> int:
    """Sum user and system time, its own and of ended children, out of a line of /proc/…/stat."""
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))


def _rollup_mib(pid: int, name: str) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / MIB
    return 0.0
