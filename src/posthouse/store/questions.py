"""Questions that wait for a person."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.disposition import Question


class Questions(Protocol):
    """Looking up what a press or a typed answer belongs to; answering happens in ``accept``."""

    async def find(self, question: str) -> Question | None:
        """Return a question by its id."""
        ...

    async def open_in(self, session: str, now: float) -> Question | None:
        """Return the newest open question of a session that takes typed answers."""
        ...
