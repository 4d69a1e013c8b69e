"""How much one person, or one address, may do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from posthouse.channels.web.words import Declined

_KEYS_MAX = 10_000  # the longest unheard-of is forgotten first: it has a full bucket by then


class Buckets:
    """A token bucket per key: bursts of ``burst``, on average ``per_s`` a second."""

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def check(self, key: str) -> None:
        """Take one token.

        Raises:
            Declined: there is none; it says how long to wait.
        """
        wait_s = self.take(key)
        if wait_s:
            raise Declined("too_fast", wait_s)

    def take(self, key: str) -> float:
        """Take one token; returns 0, or how many seconds to wait for it."""
        now = self._clock()
        tokens, at = self._levels.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - at) * self._per_s)
        wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self._per_s
        self._levels[key] = (tokens if wait_s else tokens - 1, now)
        if len(self._levels) > _KEYS_MAX:
            self._levels.popitem(last=False)
        return wait_s
