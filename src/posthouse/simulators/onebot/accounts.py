"""The QQ accounts that are logged in, and how each reaches its bot server."""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake

ACCOUNTS_MAX = 64
FIRST_SELF_ID = 10_000


class IdStyle(StrEnum):
    """What message ids look like; implementations differ."""

    INT32 = "int32"  # NapCat: positive
    SIGNED = "signed"  # go-cqhttp: negative ones occur
    INT64 = "int64"  # beyond what a double holds exactly


class MessageFormat(StrEnum):
    """How messages are written in events."""

    ARRAY = "array"
    STRING = "string"


class Role(StrEnum):
    """What somebody is in a group."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Account(Struct, frozen=True, kw_only=True):
    """One account with its OneBot implementation."""

    name: str
    self_id: int
    nickname: str = "Posthouse"
    token: str = ""  # access token in both directions; empty: none
    urls: tuple[str, ...] = ()  # bot servers to dial (reverse WebSocket)
    forward_port: int | None = None  # where bot programs dial in; 0: any free one; None: nowhere
    message_format: MessageFormat = MessageFormat.ARRAY
    ids: IdStyle = IdStyle.INT32
    role: Role = Role.MEMBER  # of the account itself, in every group
    reports_self: bool = False  # tell the bot server of its own messages (message_sent)
    heartbeat_s: float = 30.0  # 0: none
    reconnect_s: float = 3.0


def parse_accounts(text: str, pattern: Account | None = None) -> tuple[Account, ...]:
    """Read ``a=10000,b=10001``; a name alone gets the next free number.

    Args:
        text: names and numbers.
        pattern: what the accounts are like in everything else.

    Raises:
        OperatorMistake: not of that form, or a name or number twice.
    """
    base = pattern or Account(name="a", self_id=FIRST_SELF_ID)
    found = tuple(
        _parse_account(part.strip(), FIRST_SELF_ID + place, base)
        for place, part in enumerate(text.split(","))
    )
    names, numbers = {each.name for each in found}, {each.self_id for each in found}
    if not len(names) == len(numbers) == len(found) <= ACCOUNTS_MAX:
        raise OperatorMistake(
            f"{text!r}: give each account its own name and number, at most {ACCOUNTS_MAX}"
        )
    return found


def _parse_account(text: str, number: int, base: Account) -> Account:
    found = re.fullmatch(r"([A-Za-z_][\w-]{0,63})(?:=([1-9]\d{4,11}))?", text)
    if found is None:
        raise OperatorMistake(f"{text!r} is not name=number; write for example a=10000,b=10001")
    return replace(base, name=found[1], self_id=int(found[2] or number))
