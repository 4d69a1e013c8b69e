"""What the API may know about the running house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from posthouse.channels.channel import Status
from posthouse.model.relay import BotState


class BotVitals(Struct, frozen=True, kw_only=True):
    """One bot: which platform it is on, and how it is connected."""

    name: str
    channel: str
    status: Status


class Vitals(Protocol):
    """The state of this gateway; every answer is at hand, nothing here waits."""

    @property
    def started_at(self) -> float:
        """When the house was opened."""
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether it takes nothing new because it is closing."""
        ...

    @property
    def has_lease(self) -> bool:
        """Whether this process may work on lanes.

        Each renewal is a durable write, so True also means that the store could be written a
        moment ago.
        """
        ...

    @property
    def is_full(self) -> bool:
        """Whether the store is above its quota, or the disk is full."""
        ...

    def vitals_of_bots(self) -> tuple[BotVitals, ...]:
        """Return every bot with the state of its connection."""
        ...

    def broken_scenes(self) -> tuple[str, ...]:
        """Return the scenes that do not load, by name; ``*`` for all of a handler."""
        ...

    def relayed(self) -> tuple[BotState, ...]:
        """Return what waits here for houses, bot by bot; only a relay has something."""
        ...

    def totals(self) -> Mapping[tuple[str, str], float]:
        """Return what was counted since the start: (metric, label value) → number.

        The metrics are those of ``metrics.TOTALS``; what was never counted may be missing.
        """
        ...
