"""How fast we may speak: budgets that lengthen the wait and never drop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from posthouse.model.capabilities import Capabilities

SPARE_SHARE = 0.5  # drafts may use the budget down to this share of it


class TokenBucket:
    """``rate_per_s`` tokens a second (may be infinite), at most one second's worth saved up."""

    def __init__(self, rate_per_s: float, clock: Callable[[], float]) -> None:
        self.rate_per_s = rate_per_s
        self._capacity = max(1.0, rate_per_s)
        self._clock = clock
        self._tokens = self._capacity
        self._counted_at = clock()
        self._held_until_at = 0.0

    def available(self) -> float:
        """Return how many may be taken now."""
        self._count()
        return 0.0 if self._counted_at < self._held_until_at else self._tokens

    @property
    def has_spare(self) -> bool:
        """Whether one more would not be missed by those who must speak."""
        return self.available() >= max(1.0, self._capacity * SPARE_SHARE)

    def take(self, count: float = 1.0) -> None:
        """Take tokens, also ones that are not there yet: the debt lengthens the next wait."""
        self._count()
        self._tokens -= count

    def hold(self, seconds: float) -> None:
        """Give nothing for a while: the platform said so."""
        self._count()
        self._held_until_at = max(self._held_until_at, self._counted_at + seconds)

    def wait_s(self) -> float:
        """Return how long until one token is there."""
        self._count()
        missing = max(0.0, 1.0 - self._tokens)
        return max(0.0, self._held_until_at - self._counted_at, missing / self.rate_per_s)

    def _count(self) -> None:
        """Add what has come since the last look; a clock set back gives and takes nothing."""
        now = self._clock()
        elapsed_s = now - self._counted_at
        self._counted_at = now
        if elapsed_s < 0:
            self._held_until_at += elapsed_s
        elif self._tokens < self._capacity:
            self._tokens = min(self._capacity, self._tokens + elapsed_s * self.rate_per_s)


class Pace:
    """The budgets of all bots, shared evenly between the gateways that are alive."""

    def __init__(
        self,
        capabilities: Mapping[str, Capabilities],
        clock: Callable[[], float],
        gateways: int = 1,
    ) -> None:
        self._clock = clock
        self._gateways = gateways
        self._interval_s: dict[str, float] = {}
        self._buckets: dict[str, TokenBucket] = {}
        for bot, can in capabilities.items():
            self.serve(bot, can)

    def serve(self, bot: str, can: Capabilities) -> None:
        """Take a bot in, or one whose channel was built anew; what it owes, it still owes."""
        known = self._buckets.get(bot)
        if known is None or known.rate_per_s != can.bot_sends_per_s / self._gateways:
            rate_per_s = can.bot_sends_per_s / self._gateways
            self._buckets[bot] = TokenBucket(rate_per_s, self._clock)
        self._interval_s[bot] = 1.0 / can.chat_sends_per_s

    def limit(self, bot: str, at_most: int) -> int:
        """Return how many sends of a bot may start now."""
        return max(0, int(min(at_most, self._buckets[bot].available())))

    def take(self, bot: str, count: int = 1) -> None:
        """Count sends that start."""
        self._buckets[bot].take(count)

    def take_spare(self, bot: str) -> bool:
        """Take one for a draft if messages would not miss it."""
        bucket = self._buckets[bot]
        if not bucket.has_spare:
            return False
        bucket.take()
        return True

    def hold(self, bot: str, seconds: float) -> None:
        """Obey a platform that asked the whole bot to wait."""
        self._buckets[bot].hold(seconds)

    def wait_s(self, bot: str) -> float:
        """Return how long until one send of the bot may start."""
        return self._buckets[bot].wait_s()

    def chat_ready_at(self, bot: str) -> float:
        """Return when the chat that was just written to may be written to again."""
        return self._clock() + self._interval_s[bot]
