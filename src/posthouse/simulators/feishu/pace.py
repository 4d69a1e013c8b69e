"""Rate limits: so many calls in a window that begins with the second or the minute."""

from __future__ import annotations

import math
from collections.abc import Callable

WINDOWS_MAX = 10_000


class Windows:
    """Counts calls by key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}  # (key, span) → window, count

    def over(self, key: str, calls_max: int, span_s: int) -> int | None:
        """Count a call; too many: how many seconds the window still lasts, at least one."""
        now = self._clock()
        window = int(now // span_s)
        before, count = self._counts.get((key, span_s), (window, 0))
        count = count + 1 if before == window else 1
        self._forget_some()
        self._counts[key, span_s] = (window, count)
        return None if count <= calls_max else max(1, math.ceil((window + 1) * span_s - now))

    def _forget_some(self) -> None:
        if len(self._counts) >= WINDOWS_MAX:
            self._counts.clear()  # a moment of leniency is better than a leak
