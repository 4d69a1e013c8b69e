"""How the assistant behaves where: rules of chats and people, handoffs to humans, trained gates."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

GATES_KEPT = 20  # of a base, beside the one in use


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What differs from the handler's settings for a bot, a chat or a person; None: as elsewhere.

    Rules are laid over one another: bot, then chat, then person in that chat.
    """

    bases: tuple[str, ...] | None = None  # which knowledge answers here
    model: str | None = None  # the name of a ``[models.<name>]``; "" for none
    tone: str | None = None  # how it should sound, in the operator's words
    language: str | None = None  # "zh", "en"; "" for that of the question
    hours: str | None = None  # "Mon-Fri 09:00-18:00"; "" for always
    questions_per_day: int | None = None  # of one person; 0 for no limit
    tokens_per_day: int | None = None  # of the chat, or the person it is set for; 0: no limit


class Scope(Struct, frozen=True, kw_only=True):
    """Where a rule holds; an empty field stands for all."""

    handler: str
    bot: str = ""
    chat: int = 0
    person: str = ""


class Handoff(Struct, frozen=True, kw_only=True):
    """Somebody talks with a human now: the assistant is silent for them in this chat."""

    handler: str
    chat: int
    person: str
    since_at: float
    turn: int  # the one that asked for it


class Gate(Struct, frozen=True, kw_only=True):
    """What was learnt about which messages want answers; ``figures`` says how well it does."""

    id: int
    base: str
    model: bytes  # opaque to the store
    figures: str  # JSON, before and after
    author: str
    at: float
    is_used: bool


class Conduct(Protocol):
    """How the assistant behaves where."""

    async def rule(self, scope: Scope) -> Rule:
        """Return the rule in force: of the bot, the chat and the person, laid over one another."""
        ...

    async def levels(self, scope: Scope) -> tuple[tuple[Scope, Rule], ...]:
        """Return what was set for the person, the chat and the bot, the nearest first."""
        ...

    async def rules(self, handler: str) -> tuple[tuple[Scope, Rule], ...]:
        """Return everything that was set, as it was set."""
        ...

    async def set_rule(self, scope: Scope, rule: Rule, author: str, now: float) -> None:
        """Set what holds in a scope, audited; a rule without fields is removed."""
        ...

    async def hand_off(self, handoff: Handoff) -> bool:
        """Let a human take over; whether nobody had yet."""
        ...

    async def handoff(self, handler: str, chat: int, person: str) -> Handoff | None:
        """Return the handoff that is open for somebody in a chat."""
        ...

    async def handoffs(self) -> tuple[Handoff, ...]:
        """Return all that are open, oldest first."""
        ...

    async def take_back(
        self, handler: str, chat: int, person: str, author: str, now: float
    ) -> bool:
        """Let the assistant answer again, with a fresh context; whether a human had taken over."""
        ...

    async def fresh_since(self, handler: str, chat: int, person: str) -> float:
        """Return when the last handoff ended: what was said before is no context; 0 for never."""
        ...

    async def gate(self, base: str) -> Gate | None:
        """Return the gate in use for a base; None: the shipped one."""
        ...

    async def gates(self, base: str) -> tuple[Gate, ...]:
        """Return the gates that were trained for a base, newest first."""
        ...

    async def add_gate(self, base: str, model: bytes, figures: str, author: str, now: float) -> int:
        """Keep a trained gate; it is not used yet. The oldest of many are forgotten."""
        ...

    async def use_gate(self, base: str, gate: int, author: str, now: float) -> None:
        """Decide with that gate from now on; 0 for the shipped one. Audited.

        Raises:
            Refused: there is no such gate of this base.
        """
        ...
