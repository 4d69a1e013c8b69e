"""Who nudges whom. A nudge is a hint: losing one costs time, never data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Listener = Callable[[bytes], None]

PAYLOAD_BYTES_MAX = 8000  # what PostgreSQL's NOTIFY carries

TURNS = "turns"  # a turn lane has something to hand out
SENDS = "sends"  # a send or amend lane has something to hand out
CANCELS = "cancels"  # payload: the turn's number; the gateway that runs it stops
SLOTS = "slots"  # payload: an event's number; the response that waits for its answer goes without

WITHOUT_SWEEP = frozenset({CANCELS, SLOTS})  # these mean nothing without their payload


class Wakeup(Protocol):
    """A way to say "look now" to every gateway, this one included."""

    async def open(self) -> None:
        """Start to hear nudges from elsewhere."""
        ...

    async def close(self) -> None:
        """Stop hearing; listeners are forgotten."""
        ...

    def nudge(self, topic: str, payload: bytes = b"") -> None:
        """Tell every listener of ``topic``; returns at once.

        Args:
            topic: what to look at.
            payload: at most ``PAYLOAD_BYTES_MAX`` bytes; a longer one is a ``ValueError``.
        """
        ...

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` in the event loop at each nudge; returns how to stop it."""
        ...
