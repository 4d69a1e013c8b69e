"""The keeper: a small parent of the worker, to whom the orphans of a command come.

On Linux a process may ask for the orphans below it (it is a "child subreaper" then). The keeper
does, so that nothing that a command starts ever leaves its tree: neither by clearing its
environment nor by losing its parent. It does not run code of scenes, and outlives the worker by
the moment that it takes to end what the call has left; it does the same when the house is gone.
Elsewhere there is none, and the marks of ``descendants`` are all that can be followed.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from posthouse.handlers.commands.descendants import WORKER_VARIABLE, end_all

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CALL_BYTES_MAX = 64


class CurrentCall:
    """The id of the call that runs, where both the worker and its keeper can see it."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _CALL_BYTES_MAX)  # shared with whoever is forked later

    @property
    def id(self) -> str:
        """Which one runs; empty between calls."""
        return self._page[:].rstrip(b"\0").decode()

    def set(self, call: str) -> None:
        """Note which one runs from now on."""
        self._page[:] = call.encode().ljust(_CALL_BYTES_MAX, b"\0")


def keep(life: int, line: int) -> CurrentCall:
    """Become the keeper of a worker, and return as that worker.

    Args:
        life: a pipe that ends when the house does.
        line: the worker's line to the house, which the keeper lets go of.
    """
    current = CurrentCall()
    if not _ask(_PR_SET_CHILD_SUBREAPER, 1):
        _when_it_ends(life, lambda: _end(current))
        return current
    keeper = os.getpid()
    worker = os.fork()
    if worker:
        _look_after(worker, current, life, line)
    os.setsid()  # what a command does to its process group does not reach the keeper
    _ask(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    os.close(life)
    return current


def _ask(option: int, value: int) -> bool:
    """Ask the kernel for something; returns whether it agreed."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _look_after(worker: int, current: CurrentCall, life: int, line: int) -> None:
    """Bury the dead until the worker is among them; never returns."""
    os.close(line)
    _when_it_ends(life, lambda: _end(current, worker))
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0] != worker:
            pass
    if current.id:
        _end(current)
    os._exit(0)


def _when_it_ends(life: int, then: Callable[[], None]) -> None:
    """Do something once the house has ended, whatever the main thread is at."""

    def wait() -> None:
        while os.read(life, 1):
            pass
        then()

    threading.Thread(target=wait, name="posthouse life", daemon=True).start()


def _end(current: CurrentCall, worker: int = 0) -> None:
    """End the call that runs with all it started, or else only who waits for the next; and us."""
    if current.id:
        end_all(os.getpid(), os.environ.get(WORKER_VARIABLE, ""), current.id)
    if worker:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    os.killpg(os.getpgrp(), signal.SIGKILL)
