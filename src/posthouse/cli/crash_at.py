"""Dying on purpose: the laboratory names a moment, and the house is killed there.

``POSTHOUSE_CRASH_AT=settle:before-commit:3`` ends the process the third time it comes to
``settle:before-commit``, as the kernel would: nothing is flushed, closed or said.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import CRASH_VARIABLE
from posthouse.store.points import POINTS as STORE_POINTS

SEND_POINTS = ("send:before", "send:after", "amend:after")  # around the calls to platforms
POINTS = (*STORE_POINTS, *SEND_POINTS)

Hook = Callable[[str], None]


def crash_at(environ: Mapping[str, str], die: Callable[[], None] | None = None) -> Hook | None:
    """Return what is to be told at every named point; None when nobody asked for it.

    Args:
        environ: the process's variables.
        die: what happens at the point; by default this process is killed.

    Raises:
        OperatorMistake: the variable is not ``point:times`` with a point that there is.
    """
    wanted = environ.get(CRASH_VARIABLE, "")
    if not wanted:
        return None
    point, _, times = wanted.rpartition(":")
    if point not in POINTS or not times.isdecimal() or int(times) < 1:
        raise OperatorMistake(
            f"{CRASH_VARIABLE}={wanted}: write point:times with one of {', '.join(POINTS)}.",
            zh=f"{CRASH_VARIABLE}={wanted}：请写成 名称:次数，名称为 {'、'.join(POINTS)} 之一。",
        )
    return _Countdown(point, int(times), die or _die)


class _Countdown:
    """Each point is passed by one thread alone, so counting needs no lock."""

    def __init__(self, point: str, times: int, die: Callable[[], None]) -> None:
        self._point = point
        self._left = times
        self._die = die

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
