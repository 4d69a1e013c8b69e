"""A message as HuixiangDou's worker knows it, for those who still run one behind a relay.

Source: InternLM/HuixiangDou be7daa0, ``frontend/lark_group.py``: texts of groups and nothing else,
six keys, the words with the places of mentions (``@_user_1``) left in.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from posthouse.channels.feishu.codec import Header
from posthouse.channels.feishu.contents import UNREADABLE

RECEIVED = "im.message.receive_v1"


class _Ids(Struct, frozen=True):
    user_id: str | None = None
    open_id: str | None = None


class _Sender(Struct, frozen=True):
    sender_id: _Ids = _Ids()


class _Message(Struct, frozen=True):
    message_id: str = ""
    chat_id: str = ""
    chat_type: str = ""
    message_type: str = ""
    content: str = ""
    create_time: str = ""


class _Event(Struct, frozen=True):
    message: _Message = _Message()
    sender: _Sender = _Sender()


class _Payload(Struct, frozen=True):
    header: Header = Header()
    event: _Event = _Event()


class _Text(Struct, frozen=True):
    text: str = ""


def old_record(payload: bytes) -> Mapping[str, str] | None:
    """Return the record; None for what the old listener left out."""
    try:
        read = msgspec.json.decode(payload, type=_Payload)
        message, who = read.event.message, read.event.sender.sender_id
        is_known = read.header.event_type == RECEIVED
        if not is_known or (message.chat_type, message.message_type) != ("group", "text"):
            return None
        return {
            "source": "lark",
            "msg_id": message.message_id,
            "user_id": who.user_id or who.open_id or "",
            "content": msgspec.json.decode(message.content, type=_Text).text,
            "group_id": message.chat_id,
            "msg_time": message.create_time,
        }
    except UNREADABLE:
        return None
