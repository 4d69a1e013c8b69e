"""Events as OneBot v11 writes them, in the words of real implementations."""

from __future__ import annotations

from msgspec import Struct

from posthouse.simulators.onebot import segments
from posthouse.simulators.onebot.accounts import Account, MessageFormat
from posthouse.simulators.onebot.happenings import Person
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.segments import Segments

Body = dict[str, object]
FONT = 14


class Status(Struct, frozen=True):
    """How the account is."""

    online: bool = True
    good: bool = True


def _event(account: Account, at: float, post_type: str, **fields: object) -> Body:
    return {"time": int(at), "self_id": account.self_id, "post_type": post_type, **fields}


def meta(account: Account, at: float, kind: str, **fields: object) -> Body:
    """Something about the connection itself."""
    return _event(account, at, "meta_event", meta_event_type=kind, **fields)


def notice(account: Account, at: float, kind: str, **fields: object) -> Body:
    """Something that happened and is no message."""
    return _event(account, at, "notice", notice_type=kind, **fields)


def request(account: Account, at: float, kind: str, **fields: object) -> Body:
    """Something that somebody may approve."""
    return _event(account, at, "request", request_type=kind, **fields)


def lifecycle(account: Account, at: float) -> Body:
    """Say hello: the first frame of every connection."""
    return meta(account, at, "lifecycle", sub_type="connect")


def heartbeat(account: Account, at: float, status: Status) -> Body:
    """Say that all is well; the interval is in milliseconds."""
    return meta(
        account,
        at,
        "heartbeat",
        status={"online": status.online, "good": status.good},
        interval=int(account.heartbeat_s * 1000),
    )


def message(account: Account, entry: MessageEntry, person: Person, group_name: str) -> Body:
    """Write a message as an event, or as ``get_msg`` and the histories answer it."""
    kind, _, number = entry.chat.partition(":")
    is_group = kind == "group"
    body = _event(
        account,
        entry.at,
        "message_sent" if entry.is_own else "message",
        message_type=kind,
        sub_type="normal" if is_group else "friend",
        message_id=entry.message_id,
        message_seq=entry.message_id,
        real_id=entry.message_id,
        user_id=entry.sender,
        message=written(account, entry.segments),
        message_format=str(account.message_format),
        raw_message=segments.as_codes(entry.segments),
        font=FONT,
        sender=sender(person, is_group=is_group),
    )
    if is_group:
        return {**body, "group_id": int(number), "group_name": group_name, "anonymous": None}
    return {**body, "target_id": int(number)} if entry.is_own else body


def written(account: Account, message: Segments) -> list[Body] | str:
    """Write a message in the account's form."""
    if account.message_format is MessageFormat.STRING:
        return segments.as_codes(message)
    return segments.as_array(message)


def sender(person: Person, *, is_group: bool) -> Body:
    """Say who wrote a message."""
    body: Body = {
        "user_id": person.user_id,
        "nickname": person.nickname,
        "sex": "unknown",
        "age": 0,
    }
    if not is_group:
        return body
    return {
        **body,
        "card": person.card,
        "area": "",
        "level": "1",
        "role": str(person.role),
        "title": "",
    }
