"""Who may do what until when: subjects, what they wish to do, and what was ruled.

A *grant* allows or blocks a subject in a field of things: bot × handler × scene × command. ``*``
in a field means any. A block beats every allowance; an allowance counts only inside its time.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

ANY = "*"
DOOR = ""  # as a scene: the way to the handler, and nothing inside it


class Effect(StrEnum):
    """What a grant does."""

    ALLOW = "allow"
    BLOCK = "block"


class SubjectKind(StrEnum):
    """Who a grant speaks of."""

    PERSON = "person"  # a verified platform id, or ``*`` for everybody
    PEOPLE = "people"  # a group of people, by its name
    CHAT = "chat"  # everybody in a chat, by its number


class Field(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which things: every part is a name or ``*``."""

    bot: str = ANY
    handler: str = ANY
    scene: str = ANY
    command: str = ANY


class Subject(Struct, frozen=True):
    """Who, in one word for tables and chats: ``person:ou_1``, ``people:ops``, ``chat:7``."""

    kind: SubjectKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Grant(Struct, frozen=True, kw_only=True):
    """One line of the book of permissions."""

    id: int
    effect: Effect
    subject: Subject
    field: Field
    from_at: float | None = None  # None: from ever
    until_at: float | None = None  # None: for ever
    author: str = ""  # who wrote it: "operator:ann", "person:web:p1", "cli", "import"
    created_at: float = 0.0
    note: str = ""


class Wish(Struct, frozen=True, kw_only=True):
    """Somebody wants to do something, somewhere."""

    person: str  # verified platform id
    chat: int
    bot: str
    handler: str
    scene: str = ""
    command: str = ""


class Ruling(Struct, frozen=True, kw_only=True):
    """What was ruled about a wish.

    ``reason`` is a code of ``model.reasons``: ``granted``, ``blocked``, ``not_granted``,
    ``grant_expired 2026-11-03``, ``grant_not_yet 2026-12-01``.
    """

    is_allowed: bool
    reason: str
    grant: int | None = None


class OperatorRole(StrEnum):
    """What somebody may do in the console; each may do what those before may."""

    VIEWER = "viewer"  # look
    OPERATOR = "operator"  # recall, retry, pause, reply, grant
    ADMIN = "admin"  # operators, tokens, settings


ROLE_RANKS = {OperatorRole.VIEWER: 0, OperatorRole.OPERATOR: 1, OperatorRole.ADMIN: 2}
