"""What a relay keeps for the houses that fetch it: payloads in order, until somebody has them."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.errors import Refused
from posthouse.model.relay import Leased


class LeasedElsewhere(Refused):
    """Another house fetches for this bot, and its lease is not over."""


class LeaseOver(Refused):
    """The parcels of this lease were given out again since, so nobody knows who has them."""


class NewParcel(Struct, frozen=True, kw_only=True):
    """A payload to be kept."""

    bot: str
    key: str  # the same for a repeat
    payload: bytes
    goes_first: bool = False  # an order: given out before words that came earlier


class Bounds(Struct, frozen=True, kw_only=True):
    """How much one lease may carry; the first parcel always goes."""

    parcels_max: int
    bytes_max: int


class Waiting(Struct, frozen=True, kw_only=True):
    """What waits for one bot."""

    bot: str
    waiting: int = 0  # leased ones included
    leased: int = 0
    oldest_at: float | None = None
    fetched_at: float | None = None  # when a house last asked
    is_held: bool = False  # a house has the lease now


class Parcels(Protocol):
    """Each method is one transaction; ``now`` is the relay's clock, seconds since the epoch."""

    async def keep(self, parcel: NewParcel, now: float) -> bool:
        """Keep a payload; False when it is known, whether it waits or somebody has it."""
        ...

    async def lease(
        self, bot: str, holder: str, bounds: Bounds, now: float, lease_s: float
    ) -> Leased:
        """Give a holder the head of the queue, and nobody else anything until the lease is over.

        Orders come first, then everything in the order in which it was kept. The same holder may
        ask again before that: it has died, and gets the same once more under a new number. What
        a clock that was set back has left far in the future is no lease.

        Raises:
            LeasedElsewhere: somebody else has a lease.
        """
        ...

    async def take(self, bot: str, lease: int, ids: tuple[int, ...], now: float) -> int:
        """The holder has these: their payloads are removed, their keys stay known.

        Returns how many that changed.

        Raises:
            LeaseOver: it is not the newest lease of this bot.
        """
        ...

    async def waiting(self, now: float) -> tuple[Waiting, ...]:
        """Return every bot for which something waits or was ever fetched, by name."""
        ...

    async def prune(self, before: float, rows_max: int = 500) -> int:
        """Forget keys of payloads that somebody had before then; returns how many."""
        ...
