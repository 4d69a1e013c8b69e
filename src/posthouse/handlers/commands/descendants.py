"""Ends a worker and everything that its command started, also what has left its process group.

A worker and its children carry a mark in their environment: the worker's key, and behind it, in
what a command starts, the call's. On Linux, those that carry the mark and those that descend from
the worker's keeper, to whom orphans come, are found in ``/proc``; elsewhere the process group is
all that can be found.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

WORKER_VARIABLE = "POSTHOUSE_WORKER"
CALL_VARIABLE = "POSTHOUSE_CALL"
_ROUNDS_MAX = 5  # for those who were born while we looked
_PROC = Path("/proc")


def end_all(pid: int, worker: str, call: str) -> None:
    """Kill a worker and what the call started; takes some milliseconds, so call it in a thread.

    What an earlier, finished call left running in a session of its own is left alone, if it has
    kept its mark: without one, nobody can tell whose it is.

    Args:
        pid: the worker, or its keeper, which leads a process group; ended last.
        worker: the worker's key.
        call: the call's id; empty while it loads.
    """
    for _ in range(_ROUNDS_MAX):
        found = _family(pid, worker, call) - {pid, os.getpid()}
        for each in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        if not found:
            break
    for end in (os.killpg, os.kill):  # last: orphans come to it, and it may call this for itself
        with suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def _family(pid: int, worker: str, call: str) -> set[int]:
    """Find all that still run."""
    parents = _parents()
    children: dict[int, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    marks = {each: _mark(each, worker) for each in parents}
    mine = {"", call}
    family = [pid] if pid in parents else []
    for each in family:
        family += [child for child in children.get(each, []) if marks[child] in {None, *mine}]
    marked = {each for each, mark in marks.items() if mark in mine}
    return {*family, *marked}


def _parents() -> dict[int, int]:
    """Return the parent of every process that is not a zombie."""
    found: dict[int, int] = {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state not in (b"Z", b"X"):
                found[int(folder.name)] = int(parent)
    return found


def _mark(pid: int, worker: str) -> str | None:
    """Return the call that a process of this worker was started in; None for all others."""
    try:
        entries = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return None
    if f"{WORKER_VARIABLE}={worker}".encode() not in entries:
        return None
    begins = f"{CALL_VARIABLE}=".encode()
    calls = (entry[len(begins) :].decode() for entry in entries if entry.startswith(begins))
    return next(calls, "")
