"""Who may do what, as handlers ask for it. ``store.grants.Grants`` is one."""

from __future__ import annotations

from typing import Protocol

from posthouse.model.permission import Ruling, Wish


class Permissions(Protocol):
    """Asked before anything runs, without a cache."""

    async def rule(self, wish: Wish, now: float) -> Ruling:
        """Rule about a wish."""
        ...

    async def groups_of(self, bot: str, person: str) -> tuple[str, ...]:
        """Return the names of the groups that somebody is in."""
        ...
