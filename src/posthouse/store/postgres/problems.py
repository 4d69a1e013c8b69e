"""What PostgreSQL says when something is wrong, as errors that say what to do."""

from __future__ import annotations

import psycopg
from psycopg import errors

from posthouse.model.errors import OperatorMistake, StorageFull, TryLater

_FULL = (errors.DiskFull,)

# Somebody else was faster; the same operation, run again, sees what they did.
_TRY_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)

_TAKES_TOO_LONG = (errors.QueryCanceled, errors.LockNotAvailable)

# Not the operation's fault: the server, the way to it, or its room.
_ELSEWHERE = (
    psycopg.OperationalError,  # lost connections, shutting down, no room for more connections
    psycopg.InterfaceError,  # the connection is closed
    errors.InsufficientResources,
    errors.ReadOnlySqlTransaction,  # it has become a standby
    errors.IdleInTransactionSessionTimeout,
)


def is_worth_another_try(problem: Exception) -> bool:
    """Whether the same operation may succeed when it is run again at once."""
    return isinstance(problem, _TRY_AGAIN)


def is_elsewhere(problem: Exception) -> bool:
    """Whether the database failed, rather than one operation."""
    return isinstance(problem, (*_FULL, *_ELSEWHERE)) and not is_worth_another_try(problem)


def translated(problem: Exception) -> Exception:
    """Put what PostgreSQL says into an error that says what to do; a defect stays what it is."""
    if isinstance(problem, _FULL):
        return StorageFull()
    if isinstance(problem, _TAKES_TOO_LONG):
        return TryLater(f"the database takes too long ({_said(problem)}): try again in a moment")
    if is_elsewhere(problem):
        return TryLater(
            f"the database cannot be reached or written ({_said(problem)}): check that PostgreSQL "
            "runs and that this machine may connect"
        )
    return problem


def explained(problem: psycopg.Error) -> OperatorMistake:
    """Say why a database cannot be opened; without its address, which may hold a password."""
    return OperatorMistake(
        f"the database of `store` cannot be opened ({_said(problem)}): check the address, the "
        "password, and that this role may create tables there",
        zh=f"打不开 store 里的数据库（{_said(problem)}）："
        "请检查地址、密码，以及该角色能否在其中建表",
    )


def _said(problem: Exception) -> str:
    """Return the first line of what was said."""
    return next(iter(str(problem).strip().splitlines()), type(problem).__name__)
