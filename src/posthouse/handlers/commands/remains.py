"""In the worker: what one command has left behind must not meet the next one.

What belongs to the process, such as its working directory or its alarms, is put back. What cannot
be spends the worker, and the house takes another one for the next call: a thread that still runs, a
module that was exchanged, a limit or priority that was lowered, a child that nobody has asked how
it ended, memory that is not given back. What a command has changed inside of modules, stays.
"""

from __future__ import annotations

import gc
import locale
import os
import resource
import signal
import socket
import sys
import threading
from _signal import getsignal  # type: ignore[import-not-found]  # no enums: it is asked often
from collections.abc import Callable
from contextlib import suppress
from typing import Any

MEMORY_KEPT_BYTES_MIN = 64 * 1024**2  # what all commands together may keep, at the least …
MEMORY_KEPT_PART = 4  # … and otherwise this part of the limit

_STATM = "/proc/self/statm"
_PAGE_BYTES = resource.getpagesize()
_DATA = 5  # in it: pages that can be written to, used or not

_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_SIGNALS = (
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGPIPE,
    signal.SIGPROF,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGVTALRM,
)


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - it is compared after every call
    except OSError:  # it was removed
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _environment() -> dict[bytes, bytes]:
    return dict(vars(os.environ)["_data"])  # ``copy`` decodes each, and takes twenty times as long


def _set_environment(before: dict[bytes, bytes]) -> None:
    os.environb.clear()
    os.environb.update(before)


def _handlers() -> list[Any]:
    return [getsignal(each) for each in _SIGNALS]


def _set_handlers(before: list[Any]) -> None:
    for each, handler in zip(_SIGNALS, before, strict=True):
        if handler is not None:  # it was not set by Python
            signal.signal(each, handler)


def _mask() -> set[Any]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _set_mask(before: set[Any]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _locale() -> str:
    return locale.setlocale(locale.LC_ALL)


def _set_locale(before: str) -> None:
    locale.setlocale(locale.LC_ALL, before)


def _streams() -> tuple[Any, Any]:
    return sys.stdout, sys.stderr


def _set_streams(before: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = before


def _set_path(before: list[str]) -> None:
    sys.path[:] = before


# How each is looked at, and put back.
_KEPT: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (_cwd, os.chdir),
    (_umask, os.umask),
    (_environment, _set_environment),
    (_mask, _set_mask),
    (_handlers, _set_handlers),
    (_locale, _set_locale),
    (_streams, _set_streams),
    (lambda: [*sys.path], _set_path),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
)


_LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})


def _limits() -> list[tuple[int, int]]:
    return [*map(resource.getrlimit, _LIMITS)]


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


# What one command does to these it does to all that follow, and often for good.
_FIXED: tuple[Callable[[], Any], ...] = (_limits, _priority)


def _memory_bytes() -> int:
    """Return how much memory it has for its own, also what it has not touched yet (Linux)."""
    try:
        statm = os.open(_STATM, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    except OSError:  # a command has kept all file descriptors
        return sys.maxsize
    try:
        return int(os.read(statm, 200).split()[_DATA]) * _PAGE_BYTES
    finally:
        os.close(statm)


def _memory_kept_bytes_max() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    part = 0 if limit == resource.RLIM_INFINITY else limit // MEMORY_KEPT_PART
    return max(MEMORY_KEPT_BYTES_MIN, part)


def _has_dead_children() -> bool:
    """Look without asking how one ended: the scene may still want to (Linux)."""
    if sys.platform != "linux":
        return False
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # it has none at all
        return False


class Remains:
    """Knows how the process was before its first call."""

    def __init__(self) -> None:
        self.is_out_of_memory = False  # a command was: what it got until then may stay
        self._before = [(look, put_back, look()) for look, put_back in _KEPT]
        self._fixed = [(look, look()) for look in _FIXED]
        self._memory_bytes_max = _memory_bytes() + _memory_kept_bytes_max()
        self._modules = dict(sys.modules)
        self._threads = threading.active_count()

    def clear(self) -> bool:
        """Put back what can be; returns whether the next command finds nothing of this one."""
        for timer in _TIMERS:
            signal.setitimer(timer, 0.0)
        is_clear = True
        for look, put_back, before in self._before:
            if look() != before:
                with suppress(OSError, ValueError):
                    put_back(before)
                is_clear = is_clear and look() == before
        return is_clear and not self._has_lasting()

    def _has_lasting(self) -> bool:
        return (
            self.is_out_of_memory
            or self._has_threads()
            or self._has_other_modules()
            or any(look() != before for look, before in self._fixed)
            or _has_dead_children()
            or self._has_grown()
        )

    def _has_grown(self) -> bool:
        """Whether commands keep so much memory that others could lack it."""
        if _memory_bytes() <= self._memory_bytes_max:
            return False
        gc.collect()  # it may only not have been given back yet
        return _memory_bytes() > self._memory_bytes_max

    def _has_threads(self) -> bool:
        return threading.active_count() > self._threads

    def _has_other_modules(self) -> bool:
        now = sys.modules
        return any(now.get(name) is not module for name, module in self._modules.items())
