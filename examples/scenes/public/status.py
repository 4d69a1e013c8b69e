"""机器状态。How the machine is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from posthouse.scene import Image


def cmd_load() -> Iterator[object]:
    """负载和图表。Show the load of the last 1, 5 and 15 minutes, with a chart."""
    from _chart import bars  # from `services`, a neighbour

    loads = os.getloadavg()
    processors = os.cpu_count() or 1
    yield "Load: " + ", ".join(f"{load:.2f}" for load in loads) + f" on {processors} processors"
    yield Image(bars([min(1.0, load / processors) for load in loads]), "load.png")


def cmd_disk(path: str = "/") -> str:
    """磁盘用量。Say how full a disk is."""
    usage = shutil.disk_usage(path)
    return f"{path}: {usage.used / usage.total:.0%} of {usage.total / 2**30:.0f} GiB used"
