"""Who may use the console and the push API: operators, their sessions, tokens, and the audit."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from posthouse.model.permission import OperatorRole


class Operator(Struct, frozen=True, kw_only=True):
    """A named person of the console."""

    id: int
    name: str
    role: OperatorRole
    created_at: float
    is_disabled: bool = False


class Session(Struct, frozen=True, kw_only=True):
    """A log-in of an operator; the secret itself is never stored, only its hash."""

    id: int
    operator: int
    created_at: float
    seen_at: float
    expires_at: float
    agent: str = ""  # the browser, for the list
    address: str = ""


class Token(Struct, frozen=True, kw_only=True):
    """A token of the push API; shown once, stored hashed."""

    id: int
    name: str
    scopes: tuple[str, ...]  # "push", "push:bot=ops", "push:tag=alerts", "read"
    created_at: float
    created_by: str
    last_used_at: float | None = None
    expires_at: float | None = None


class AuditLine(Struct, frozen=True, kw_only=True):
    """Who changed what, when; written in the transaction of the change, never changed."""

    id: int
    at: float
    author: str
    action: str  # "grant", "revoke", "operator.add", "recall", "pause", "token.create" …
    subject: str
    details: str = ""  # JSON, without secrets


class Access(Protocol):
    """Operators, sessions, tokens, codes, audit. Hashing of passwords is the caller's."""

    async def operators(self) -> tuple[Operator, ...]:
        """Return all operators, by name."""
        ...

    async def add_operator(
        self, name: str, role: OperatorRole, password_hash: str, author: str, now: float
    ) -> Operator:
        """Add an operator.

        Raises:
            Refused: the name is taken.
        """
        ...

    async def change_operator(
        self,
        operator: int,
        author: str,
        now: float,
        *,
        role: OperatorRole | None = None,
        password_hash: str | None = None,
        is_disabled: bool | None = None,
    ) -> Operator:
        """Change what is given; a new password or being disabled ends all sessions.

        Raises:
            Refused: it would leave the house without an enabled admin.
        """
        ...

    async def password_hash(self, name: str) -> tuple[Operator, str] | None:
        """Return an enabled operator and their hash, by name."""
        ...

    async def open_session(
        self,
        operator: int,
        secret_hash: bytes,
        now: float,
        expires_at: float,
        *,
        agent: str = "",
        address: str = "",
    ) -> Session:
        """Remember a log-in; an operator's oldest ones end where there are too many."""
        ...

    async def session(self, secret_hash: bytes, now: float) -> tuple[Session, Operator] | None:
        """Return who is logged in with this secret; None when it is unknown, over or revoked."""
        ...

    async def touch_session(self, session: int, now: float, expires_at: float) -> None:
        """Let a session live on."""
        ...

    async def sessions(self, now: float, operator: int | None = None) -> tuple[Session, ...]:
        """Return sessions that are alive, newest first."""
        ...

    async def end_session(self, session: int, author: str, now: float) -> bool:
        """Log somebody out."""
        ...

    async def add_token(
        self,
        name: str,
        scopes: tuple[str, ...],
        secret_hash: bytes,
        author: str,
        now: float,
        expires_at: float | None = None,
    ) -> Token:
        """Add a token."""
        ...

    async def token(self, secret_hash: bytes, now: float) -> Token | None:
        """Return the token with this secret, and note that it was used (at most once a minute)."""
        ...

    async def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, newest first."""
        ...

    async def revoke_token(self, token: int, author: str, now: float) -> bool:
        """Let a token be worth nothing."""
        ...

    async def put_code(self, purpose: str, code_hash: bytes, expires_at: float, now: float) -> None:
        """Remember a one-time code (``claim``, ``setup``, ``link``) in place of an older one."""
        ...

    async def is_code(self, purpose: str, code_hash: bytes, now: float) -> bool:
        """Whether a code could be used; tries are not counted, so never ask for a guessable one."""
        ...

    async def use_code(
        self, purpose: str, code_hash: bytes, now: float, *, is_guessable: bool = True
    ) -> bool:
        """Use a code up.

        Args:
            purpose: what it is for.
            code_hash: the hash of what somebody gave.
            now: when.
            is_guessable: it has few digits, so ten wrong tries make it worth nothing. A code of
                128 random bits or more needs no such limit, by which strangers could void it.
        """
        ...

    async def audit(self, author: str, action: str, subject: str, details: str, now: float) -> None:
        """Write a line about something that another protocol changed."""
        ...

    async def audit_lines(
        self, before: int | None = None, limit: int = 100
    ) -> tuple[AuditLine, ...]:
        """Return lines, newest first, from ``before`` back."""
        ...
