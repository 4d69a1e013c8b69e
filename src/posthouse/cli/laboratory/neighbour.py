"""A platform beside the probe, in the laboratory's words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from posthouse.cli.laboratory.book import Book
from posthouse.simulators.probe.ledger import Ledger
from posthouse.simulators.probe.wire import Saying


class Neighbour(Protocol):
    """One bot on another pretended platform, and the people who talk to it."""

    @property
    def repeats(self) -> bool:
        """Whether the platform brings again what was not acknowledged."""
        ...

    def opened(self) -> AbstractAsyncContextManager[object]:
        """Open it; ``settings`` are known then."""
        ...

    def settings(self) -> str:
        """Return the lines of the house's settings that concern it."""
        ...

    def tell(self, happens: Callable[[], None], shows: Callable[[], None]) -> None:
        """Call somebody whenever something happens, and whenever the bot says something new."""
        ...

    def do(self, saying: Saying) -> str | None:
        """Let somebody do something; returns the id of the message that it concerns."""
        ...

    async def until_connected(self) -> None:
        """Wait until the house holds a connection."""
        ...

    async def until_handed_over(self) -> None:
        """Wait until the house has taken everything that the platform brings until it is taken."""
        ...

    def untaken(self, book: Book) -> int:
        """Count what people said, the platform brings no more, and the house does not have."""
        ...

    def ledger(self, book: Book) -> Ledger:
        """Return what people saw."""
        ...
