"""Reading what the kernel says about processes and disks."""

from pathlib import Path

from benchmarks.peers.machine import busy_ticks, filesystem
from benchmarks.peers.processes import ticks

STAT = "42 (python (a) b) S 1 42 42 0 -1 4194560 900 800 0 0 100 20 3 4 20 0 3"


def test_cpu_time_counts_ended_children() -> None:
    assert ticks(STAT) == 127


def test_idle_time_and_waiting_for_disks_are_not_busy() -> None:
    assert busy_ticks("cpu  10 1 20 99999 55555 3 4 5 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n") == 43


def test_the_innermost_mount_names_the_file_system() -> None:
    mounts = "/dev/a / ext4 rw 0 0\ntmpfs /mnt tmpfs rw 0 0\n/dev/b /mnt/disk xfs rw 0 0\n"
    assert filesystem(Path("/home/x"), mounts) == "ext4"
    assert filesystem(Path("/mnt/y"), mounts) == "tmpfs"
    assert filesystem(Path("/mnt/disk/z"), mounts) == "xfs"
