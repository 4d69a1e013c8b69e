"""Being a gateway: an epoch of our own, and until when."""

from __future__ import annotations

from posthouse.store.journal import Gateway


class Lease:
    """What this process holds; it acts only well before its time is up."""

    def __init__(self, gateway: Gateway, until_at: float, margin_s: float) -> None:
        self.gateway = gateway
        self.until_at = until_at
        self._margin_s = margin_s
        self._is_doubted = False

    def holds_at(self, now: float) -> bool:
        """Whether something begun now may still count as ours."""
        return not self._is_doubted and now < self.until_at - self._margin_s

    def left_s(self, now: float) -> float:
        """How much longer it may act; 0 when it may not."""
        return self.until_at - self._margin_s - now if self.holds_at(now) else 0.0

    def doubt(self) -> None:
        """Begin nothing more: the book says that we are not the gateway it knows."""
        self._is_doubted = True

    def extend(self, until_at: float) -> None:
        """Stay longer."""
        self.until_at = until_at
        self._is_doubted = False
