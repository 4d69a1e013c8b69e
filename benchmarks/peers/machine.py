"""What the figures were measured on, and how much of it others used meanwhile."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from msgspec import Struct

from benchmarks.peers.processes import TICKS_PER_S

BUSY_LOAD_PER_CORE = 0.75
NO_DISK = frozenset({"tmpfs", "ramfs"})


class Machine(Struct, frozen=True):
    """Where a run took place."""

    cores: int
    processor: str
    system: str
    load: float  # over the last minute, when the run began
    filesystem: str  # of the data directory

    @property
    def is_busy(self) -> bool:
        """Whether others need so much that times mean little."""
        return self.load > BUSY_LOAD_PER_CORE * self.cores


def this_machine(data: Path) -> Machine:
    """Look at the machine that this runs on."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        system=f"{platform.system()} {platform.release()}",
        load=os.getloadavg()[0],
        filesystem=filesystem(data, Path("/proc/self/mounts").read_text()),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def filesystem(path: Path, mounts: str) -> str:
    """Return the kind of the file system that holds a path, out of the list of mounts."""
    kinds = {Path(line.split()[1]): line.split()[2] for line in mounts.splitlines()}
    absolute = path.resolve()
    return next((kinds[place] for place in (absolute, *absolute.parents) if place in kinds), "?")


def busy_s() -> float:
    """Return the CPU time that all programs have used since the machine started."""
    return busy_ticks(Path("/proc/stat").read_text()) / TICKS_PER_S


def busy_ticks(stat: str) -> int:
    """Sum all but idle and waiting time out of /proc/stat; guests are counted in user time."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, stat.partition("\n")[0].split()[1:9]
    )
    return user + nice + system + irq + softirq + steal
