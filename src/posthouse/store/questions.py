"""Questions that wait for a person."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.disposition import Question
from posthouse.model.turn import TurnState


class Underway(Struct, frozen=True):
    """A turn, as far as a press of the button that stops it needs to know it."""

    chat: int
    person: str  # whom it answers
    state: TurnState
    is_called_off: bool  # somebody has stopped it, and it has not ended yet


class Questions(Protocol):
    """Looking up what a press or a typed answer belongs to; answering happens in ``accept``."""

    async def find(self, question: str) -> Question | None:
        """Return a question by its id."""
        ...

    async def open_in(self, session: str, now: float) -> Question | None:
        """Return the newest open question of a session that takes typed answers."""
        ...

    async def underway(self, turn: int) -> Underway | None:
        """Return the turn that a stop button names."""
        ...
