"""What scripts asked the house to say: by their own key, so that a repeat says nothing twice."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery
from posthouse.model.disposition import NewDelivery, NewQuestion
from posthouse.model.errors import Refused
from posthouse.store.journal import NewAmend

OWNER = 0  # the token of the house's own tools, which need none
EDIT_MARK = "~"  # between a push's origin and the number of its edit; no key has one


class KeyUsed(Refused):
    """This Idempotency-Key came with another body before; use a new key for a new message."""


class TakenBack(Refused):
    """This push has been taken back; send a new one under another key."""


class Target(Struct, frozen=True):
    """One chat that a push goes to, and how the caller named it."""

    to: str
    chat: int
    bot: str


class Push(Struct, frozen=True, kw_only=True):
    """A push as the book has it; its targets stay those that were found the first time."""

    id: int
    token: int
    key: str
    targets: tuple[Target, ...]
    put_at: float
    edits: int = 0
    recalled_at: float | None = None

    @property
    def origin(self) -> str:
        """The origin of what it says, unique for ever."""
        return f"push:{self.token}:{self.key}"

    def edit_origin(self, ordinal: int) -> str:
        """Return the origin of what its newest edit says to a target."""
        return f"{self.origin}{EDIT_MARK}{self.edits}.{ordinal}"


class Words(Struct, frozen=True, kw_only=True):
    """What a push says to one target, stored in one transaction."""

    deliveries: tuple[NewDelivery, ...] = ()
    questions: tuple[NewQuestion, ...] = ()
    amends: tuple[NewAmend, ...] = ()
    withdraw: tuple[int, ...] = ()


class Pushes(Protocol):
    """Each method is one transaction, and doing it again changes nothing."""

    async def begin(
        self, token: int, key: str, body_hash: bytes, targets: tuple[Target, ...], now: float
    ) -> Push:
        """Enter a push, or return the one that was entered under its key.

        Raises:
            KeyUsed: that one had another body.
        """
        ...

    async def find(self, token: int, key: str, body_hash: bytes | None = None) -> Push | None:
        """Return a push by its key.

        Raises:
            KeyUsed: ``body_hash`` is given and is not its own.
        """
        ...

    async def put(self, push: int, ordinal: int, words: Words, now: float) -> tuple[int, ...]:
        """Queue what a push says to the target ``ordinal``; returns the deliveries' numbers.

        What was put before stays. A push that was edited or taken back puts nothing more.
        """
        ...

    async def begin_edit(self, push: int, body_hash: bytes) -> Push:
        """Count an edit, unless the newest one had the same body.

        Raises:
            TakenBack: the push was taken back.
        """
        ...

    async def put_edit(
        self, push: Push, ordinal: int, words: Words, capabilities: Capabilities, now: float
    ) -> None:
        """Give a target other words, unless this edit has been put or another one has begun."""
        ...

    async def recall(self, push: int, now: float) -> Push:
        """Note that a push is taken back: it puts nothing more."""
        ...

    async def deliveries(self, push: Push) -> tuple[Delivery, ...]:
        """Return everything it said, edits included, target by target."""
        ...
