"""After a restore the house is held: it listens, but says nothing before an operator has looked."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from posthouse.model.delivery import State


class HeldDelivery(Struct, frozen=True, kw_only=True):
    """What would be sent."""

    id: int
    bot: str
    chat: int
    chat_title: str
    state: State
    text: str
    queued_at: float


class Decision(StrEnum):
    """What an operator says about a held delivery."""

    SEND = "send"
    DROP = "drop"
    SENT = "sent"  # it had been sent after the backup was taken


class House(Struct, frozen=True):
    """Whether the house is held, and how old the snapshot is that it was restored from."""

    is_held: bool
    snapshot_at: float | None = None  # redelivered events older than this are stored, not answered


class Holding(Protocol):
    """Who may leave a restored house."""

    async def house(self) -> House:
        """Return whether the house is held."""
        ...

    async def held(self, limit: int = 1000) -> tuple[HeldDelivery, ...]:
        """Return what waits to be sent, oldest first."""
        ...

    async def decide(
        self, decision: Decision, deliveries: tuple[int, ...] | None, now: float
    ) -> int:
        """Decide about deliveries (None: all); returns how many. With none left, the hold ends."""
        ...

    async def release(self) -> None:
        """End the hold: what still waits is sent."""
        ...
