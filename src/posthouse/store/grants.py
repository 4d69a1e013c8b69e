"""The book of permissions, read without a cache when a turn starts and before each command."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.permission import Effect, Field, Grant, Ruling, Subject, Wish

STRANGERS_KEPT_S = 90 * 86400.0
PEOPLE_MAX = 10_000  # in one group


class NewGrant(Struct, frozen=True, kw_only=True):
    """A line to be written."""

    effect: Effect
    subject: Subject
    field: Field
    from_at: float | None = None
    until_at: float | None = None
    note: str = ""


class PeopleGroup(Struct, frozen=True, kw_only=True):
    """A named group of people of one bot."""

    name: str
    bot: str
    members: tuple[str, ...]  # verified platform ids


class Stranger(Struct, frozen=True, kw_only=True):
    """Somebody who was told that they may not."""

    bot: str
    person: str  # verified platform id
    handler: str
    reason: str  # a code of ``model.reasons``; ``not_granted deploy`` names the scene
    at: float
    name: str = ""
    chat: int = 0  # where they asked

    @property
    def scene(self) -> str:
        """The scene that was asked for; empty where somebody was turned away at the door."""
        code, _, scene = self.reason.partition(" ")
        return scene if code == "not_granted" else ""


class ChatOperator(Struct, frozen=True, kw_only=True):
    """Somebody who steers the house from inside chats of a bot."""

    bot: str
    person: str  # verified platform id
    name: str
    chat: int | None = None  # their private chat with the bot, once it is known


class Grants(Protocol):
    """Every change is audited with its author in the transaction that makes it."""

    async def rule(self, wish: Wish, now: float) -> Ruling:
        """Rule about a wish.

        A block that matches and is in force wins; else an allowance in force; else the newest
        allowance that has expired or not begun gives the reason; else ``not_granted``. A wish
        without a scene asks for the handler's door (one without a command, for the scene's): an
        allowance of anything inside opens it, a block of something inside does not close it.
        """
        ...

    async def grant(self, new: NewGrant, author: str, now: float) -> Grant:
        """Write a line; the same effect, subject and field replace the older line's times."""
        ...

    async def revoke(self, grant: int, author: str, now: float, *, bot: str | None = None) -> bool:
        """Strike a line out (of this ``bot`` alone, if given); False when it is not there."""
        ...

    async def list(
        self, subject: Subject | None = None, field: Field | None = None, limit: int = 1000
    ) -> tuple[Grant, ...]:
        """Return lines, newest first: of one subject, touching one field, or all."""
        ...

    async def set_people(self, group: PeopleGroup, author: str, now: float) -> None:
        """Make or change a group of people; without members it is removed.

        Raises:
            Refused: more than ``PEOPLE_MAX`` members.
        """
        ...

    async def people(self, limit: int = 1000) -> tuple[PeopleGroup, ...]:
        """Return all groups, by name."""
        ...

    async def groups_of(self, bot: str, person: str) -> tuple[str, ...]:
        """Return the names of the groups that somebody is in."""
        ...

    async def make_operator(self, operator: ChatOperator, author: str, now: float) -> None:
        """Let somebody steer the house from inside chats of a bot (``/grant``, ``/revoke`` …)."""
        ...

    async def reach_operator(self, bot: str, person: str, chat: int) -> None:
        """Remember the private chat in which an operator can be asked."""
        ...

    async def drop_operator(self, bot: str, person: str, author: str, now: float) -> bool:
        """Take that away again."""
        ...

    async def operators(self, bot: str | None = None) -> tuple[ChatOperator, ...]:
        """Return who steers from inside chats, of one bot or of all."""
        ...

    async def is_operator(self, bot: str, person: str) -> bool:
        """Whether somebody does."""
        ...

    async def meet(self, stranger: Stranger) -> bool:
        """Remember that somebody was told that they may not; True when they were not yet.

        The same person, handler and reason are forgotten, and told anew, after
        ``STRANGERS_KEPT_S``.
        """
        ...

    async def strangers(self, limit: int = 100) -> tuple[Stranger, ...]:
        """Return who was told so and has no line of their own since, newest first."""
        ...
