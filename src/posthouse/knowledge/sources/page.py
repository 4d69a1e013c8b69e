"""A page somewhere."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.knowledge.sources.place import Fetched, Item
from posthouse.knowledge.sources.visitor import Address, Visitor, is_public


class Page:
    """One page.

    Args:
        address: where it is.
        is_allowed: which addresses may be connected to.
    """

    def __init__(self, address: str, is_allowed: Callable[[Address], bool] = is_public) -> None:
        self._address = address
        self._visitor = Visitor(is_allowed)

    async def items(self) -> tuple[Item, ...]:
        """Return the page itself."""
        return (Item(self._address),)

    async def fetch(self, item: Item) -> Fetched:
        """Read it."""
        return (await self._visitor.visit(item.path)).fetched
