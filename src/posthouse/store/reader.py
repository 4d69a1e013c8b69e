"""Reading the book without writing: for ``why``, the console, and people with questions."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.delivery import Delivery
from posthouse.model.turn import TurnState


class EventRow(Struct, frozen=True, kw_only=True):
    """An event as people read it."""

    id: int
    chat: int
    kind: str
    key: str
    message_id: str
    sender_id: str
    sender_name: str
    text: str
    entrance: str
    platform_at: float
    accepted_at: float
    state: str
    reason: str
    turn: int | None


class TurnRow(Struct, frozen=True, kw_only=True):
    """A turn as people read it."""

    id: int
    lane: str
    session: str
    handler: str
    state: TurnState
    reason: str
    accepted_at: float
    started_at: float | None
    finished_at: float | None
    tries: int
    is_running: bool
    notes: tuple[tuple[str, str], ...] = ()


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery as people read it."""

    delivery: Delivery
    text: str
    settled_at: float | None


class Road(Struct, frozen=True, kw_only=True):
    """The road of one event: event → turn → deliveries."""

    event: EventRow
    turn: TurnRow | None
    deliveries: tuple[DeliveryRow, ...]


class Reader(Protocol):
    """Read only; may be a little behind."""

    async def road(self, event: int) -> Road | None:
        """Return the road of one event."""
        ...

    async def find_message(self, bot: str, message_id: str) -> tuple[int, ...]:
        """Return the events that carry the platform's message id, newest first."""
        ...

    async def recent(self, chat: int, limit: int = 20) -> tuple[Road, ...]:
        """Return the newest events of a chat with their roads, newest first."""
        ...

    async def troubled(self, limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Return failed and doubtful deliveries, newest first."""
        ...

    async def buried(self, limit: int = 100) -> tuple[TurnRow, ...]:
        """Return buried turns, newest first."""
        ...
