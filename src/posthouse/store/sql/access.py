"""Operators of the console, their sessions, tokens, codes and the audit."""

from __future__ import annotations

import hmac
from typing import cast

from posthouse.model.errors import Refused
from posthouse.model.permission import OperatorRole
from posthouse.store.access import AuditLine, Operator, Session, Token
from posthouse.store.queries import load
from posthouse.store.sql.about import DESK, NOTHING
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.rows import json, words

SQL = load("sqlite/access.sql")
STEP = "access"  # in ``store/points.py``

ROWS_MAX = 1000
SESSIONS_MAX = 20  # of one operator; a new one ends the oldest
WRONG_CODES_MAX = 10
NOTED_EVERY_S = 60.0  # that a token or a session was used
NEWEST = 2**62

_OPERATOR_COLUMNS = 5


class SqlAccess:
    """``Access`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._committer = committer
        self._reading = reading

    # --- operators ----------------------------------------------------------------------

    async def operators(self) -> tuple[Operator, ...]:
        return tuple(map(_operator, await self._reading.all(SQL["operators"])))

    async def add_operator(
        self, name: str, role: OperatorRole, password_hash: str, author: str, now: float
    ) -> Operator:
        return await self._committer.commit(
            STEP, DESK, _add_operator, name, role, password_hash, author, now
        )

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
        return await self._committer.commit(
            STEP,
            DESK,
            _change_operator,
            operator,
            author,
            now,
            role=role,
            password_hash=password_hash,
            is_disabled=is_disabled,
        )

    async def password_hash(self, name: str) -> tuple[Operator, str] | None:
        row = await self._reading.one(SQL["password_hash"], name=name)
        return None if row is None else (_operator(row), row[_OPERATOR_COLUMNS])

    # --- sessions -----------------------------------------------------------------------

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
        return await self._committer.commit(
            STEP,
            DESK,
            _open_session,
            operator,
            secret_hash,
            now,
            expires_at,
            agent=agent,
            address=address,
        )

    async def session(self, secret_hash: bytes, now: float) -> tuple[Session, Operator] | None:
        row = await self._reading.one(SQL["session"], secret_hash=secret_hash, now=now)
        if row is None:
            return None
        return _session(row[:-_OPERATOR_COLUMNS]), _operator(row[-_OPERATOR_COLUMNS:])

    async def touch_session(self, session: int, now: float, expires_at: float) -> None:
        await self._committer.commit(STEP, DESK, _touch_session, session, now, expires_at)

    async def sessions(self, now: float, operator: int | None = None) -> tuple[Session, ...]:
        rows = await self._reading.all(SQL["sessions"], operator=operator, now=now, limit=ROWS_MAX)
        return tuple(map(_session, rows))

    async def end_session(self, session: int, author: str, now: float) -> bool:
        return await self._committer.commit(STEP, DESK, _end_session, session, author, now)

    # --- tokens -------------------------------------------------------------------------

    async def add_token(
        self,
        name: str,
        scopes: tuple[str, ...],
        secret_hash: bytes,
        author: str,
        now: float,
        expires_at: float | None = None,
    ) -> Token:
        return await self._committer.commit(
            STEP, DESK, _add_token, name, scopes, secret_hash, author, now, expires_at
        )

    async def token(self, secret_hash: bytes, now: float) -> Token | None:
        row = await self._reading.one(SQL["token"], secret_hash=secret_hash, now=now)
        if row is None:
            return None
        found = _token(row)
        if found.last_used_at is None or now - found.last_used_at >= NOTED_EVERY_S:
            await self._committer.commit(STEP, DESK, _use_token, found.id, now)
        return found

    async def tokens(self) -> tuple[Token, ...]:
        return tuple(map(_token, await self._reading.all(SQL["tokens"], limit=ROWS_MAX)))

    async def revoke_token(self, token: int, author: str, now: float) -> bool:
        return await self._committer.commit(STEP, DESK, _revoke_token, token, author, now)

    # --- codes --------------------------------------------------------------------------

    async def put_code(self, purpose: str, code_hash: bytes, expires_at: float, now: float) -> None:
        await self._committer.commit(STEP, DESK, _put_code, purpose, code_hash, expires_at, now)

    async def is_code(self, purpose: str, code_hash: bytes, now: float) -> bool:
        row = await self._reading.one(SQL["code"], purpose=purpose, now=now)
        return row is not None and hmac.compare_digest(row[0], code_hash)

    async def use_code(
        self, purpose: str, code_hash: bytes, now: float, *, is_guessable: bool = True
    ) -> bool:
        return await self._committer.commit(
            STEP, DESK, _use_code, purpose, code_hash, now, is_guessable=is_guessable
        )

    # --- audit --------------------------------------------------------------------------

    async def audit(self, author: str, action: str, subject: str, details: str, now: float) -> None:
        await self._committer.commit(
            STEP, NOTHING, write_audit, author, action, subject, details, now
        )

    async def audit_lines(
        self, before: int | None = None, limit: int = 100
    ) -> tuple[AuditLine, ...]:
        rows = await self._reading.all(
            SQL["audit_lines"], before=NEWEST if before is None else before, limit=limit
        )
        return tuple(map(_audit_line, rows))


def write_audit(
    database: Database, author: str, action: str, subject: str, details: object, now: float
) -> None:
    """Write a line of the audit, inside the transaction of the change it speaks of.

    Args:
        database: the writing one.
        author: who changed something.
        action: what was done, for instance ``grant``.
        subject: to whom or what.
        details: JSON as text, or what becomes JSON; without secrets.
        now: when.
    """
    text = details if isinstance(details, str) else json(details)
    database.run(SQL["audit"], now=now, author=author, action=action, subject=subject, details=text)


def _add_operator(
    database: Database, name: str, role: OperatorRole, password_hash: str, author: str, now: float
) -> Operator:
    number = database.insert(
        SQL["add_operator"], name=name, role=role, now=now, password_hash=password_hash
    )
    if number is None:
        raise Refused(
            f"There is an operator {name} already; choose another name.",
            zh=f"已经有操作员 {name}；请换一个名字。",
        )
    write_audit(database, author, "operator.add", name, {"role": role}, now)
    return _known_operator(database, number)


def _change_operator(  # noqa: PLR0913 - the columns of a row
    database: Database,
    operator: int,
    author: str,
    now: float,
    *,
    role: OperatorRole | None,
    password_hash: str | None,
    is_disabled: bool | None,
) -> Operator:
    had_admin = database.one(SQL["has_admin"]) is not None
    database.run(
        SQL["change_operator"],
        operator=operator,
        role=role,
        password_hash=password_hash,
        is_disabled=is_disabled,
    )
    changed = _known_operator(database, operator)
    if had_admin and database.one(SQL["has_admin"]) is None:
        raise Refused(
            "Nobody would be left who may change operators; make another one admin first.",
            zh="这样就没有管理员了；请先把另一位设为管理员。",
        )
    if password_hash is not None or is_disabled:
        database.run(SQL["end_sessions"], operator=operator)
    changes: dict[str, object] = {"role": role, "is_disabled": is_disabled}
    changes["password"] = "changed" if password_hash is not None else None
    details = {name: value for name, value in changes.items() if value is not None}
    write_audit(database, author, "operator.change", changed.name, details, now)
    return changed


def _known_operator(database: Database, operator: int) -> Operator:
    row = database.one(SQL["operator"], operator=operator)
    if row is None:
        raise Refused(
            f"There is no operator {operator}; list them first.",
            zh=f"没有操作员 {operator}；请先列出全部。",
        )
    return _operator(row)


def _open_session(  # noqa: PLR0913 - the columns of a row
    database: Database,
    operator: int,
    secret_hash: bytes,
    now: float,
    expires_at: float,
    *,
    agent: str,
    address: str,
) -> Session:
    database.run(SQL["end_dead_sessions"], now=now)
    number = database.insert(
        SQL["open_session"],
        operator=operator,
        now=now,
        expires_at=expires_at,
        agent=agent,
        address=address,
        secret_hash=secret_hash,
    )
    database.run(SQL["end_oldest_sessions"], operator=operator, keep=SESSIONS_MAX)
    who = _known_operator(database, operator)
    write_audit(database, f"operator:{who.name}", "login", who.name, {"address": address}, now)
    return Session(
        id=cast("int", number),
        operator=operator,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
        agent=agent,
        address=address,
    )


def _touch_session(database: Database, session: int, now: float, expires_at: float) -> None:
    database.run(SQL["touch_session"], session=session, now=now, expires_at=expires_at)


def _end_session(database: Database, session: int, author: str, now: float) -> bool:
    row = database.one(SQL["end_session"], session=session)
    if row is None:
        return False
    who = _known_operator(database, row[0])
    write_audit(database, author, "logout", who.name, {"session": session}, now)
    return True


def _add_token(  # noqa: PLR0913, PLR0917 - the columns of a row
    database: Database,
    name: str,
    scopes: tuple[str, ...],
    secret_hash: bytes,
    author: str,
    now: float,
    expires_at: float | None,
) -> Token:
    number = database.insert(
        SQL["add_token"],
        name=name,
        scopes=json(scopes),
        now=now,
        author=author,
        expires_at=expires_at,
        secret_hash=secret_hash,
    )
    write_audit(database, author, "token.create", name, {"id": number, "scopes": scopes}, now)
    return Token(
        id=cast("int", number),
        name=name,
        scopes=scopes,
        created_at=now,
        created_by=author,
        expires_at=expires_at,
    )


def _use_token(database: Database, token: int, now: float) -> None:
    database.run(SQL["use_token"], token=token, now=now)


def _revoke_token(database: Database, token: int, author: str, now: float) -> bool:
    row = database.one(SQL["revoke_token"], token=token)
    if row is None:
        return False
    write_audit(database, author, "token.revoke", row[0], {"id": token}, now)
    return True


def _put_code(
    database: Database, purpose: str, code_hash: bytes, expires_at: float, now: float
) -> None:
    database.run(SQL["drop_dead_codes"], now=now)
    database.run(SQL["put_code"], purpose=purpose, code_hash=code_hash, expires_at=expires_at)


def _use_code(
    database: Database, purpose: str, code_hash: bytes, now: float, *, is_guessable: bool
) -> bool:
    row = database.one(SQL["code"], purpose=purpose, now=now)
    if row is None:
        return False
    expected, wrong = row
    is_right = hmac.compare_digest(expected, code_hash)
    if is_right or (is_guessable and wrong + 1 >= WRONG_CODES_MAX):
        database.run(SQL["drop_code"], purpose=purpose)
    elif is_guessable:
        database.run(SQL["count_wrong"], purpose=purpose)
    return is_right


def _operator(row: Row) -> Operator:
    number, name, role, created_at, is_disabled = row[:_OPERATOR_COLUMNS]
    return Operator(
        id=number,
        name=name,
        role=OperatorRole(role),
        created_at=created_at,
        is_disabled=bool(is_disabled),
    )


def _session(row: Row) -> Session:
    number, operator, created_at, seen_at, expires_at, agent, address = row
    return Session(
        id=number,
        operator=operator,
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
        agent=agent,
        address=address,
    )


def _token(row: Row) -> Token:
    number, name, scopes, created_at, created_by, last_used_at, expires_at = row
    return Token(
        id=number,
        name=name,
        scopes=words(scopes),
        created_at=created_at,
        created_by=created_by,
        last_used_at=last_used_at,
        expires_at=expires_at,
    )


def _audit_line(row: Row) -> AuditLine:
    number, at, author, action, subject, details = row
    return AuditLine(
        id=number, at=at, author=author, action=action, subject=subject, details=details
    )
