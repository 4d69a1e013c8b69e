"""Rows as the database has them → structs of the model, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from posthouse.model.action import Policy
from posthouse.model.address import Chat, ChatKind, ChatMode, SessionKind
from posthouse.model.delivery import Delivery, Kind, State
from posthouse.model.event import Event
from posthouse.model.message import Content
from posthouse.model.turn import Answer
from posthouse.store.sql.database import Row

DELIVERY_COLUMNS = 30

_encoder = msgspec.json.Encoder()
_events = msgspec.json.Decoder(Event)
_contents = msgspec.json.Decoder(Content)
_answers = msgspec.json.Decoder(Answer)
_words = msgspec.json.Decoder(tuple[str, ...])
_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...])

# A dictionary finds a member five times faster than the enum's own call.
_CHAT_KINDS = {str(kind): kind for kind in ChatKind}
_MODES = {str(mode): mode for mode in ChatMode}
_SESSION_KINDS = {str(kind): kind for kind in SessionKind}
_KINDS = {str(kind): kind for kind in Kind}
_STATES = {str(state): state for state in State}
_POLICIES = {str(policy): policy for policy in Policy}


def json(value: object) -> str:
    """Encode a struct or tuple for a text column."""
    return _encoder.encode(value).decode()


def event(text: str) -> Event:
    decoded: Event = _events.decode(text)
    return decoded


def content(text: str) -> Content:
    return _contents.decode(text)


def answer(text: str | None) -> Answer | None:
    return None if text is None else _answers.decode(text)


def words(text: str) -> tuple[str, ...]:
    return () if text == "[]" else _words.decode(text)


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    return () if text == "[]" else _pairs.decode(text)


def chat(row: Sequence[Any]) -> Chat:
    """Make a chat of the columns ``chats.*``."""
    number, bot, platform_id, kind, title, mode, since_at, until_at, session_kind = row[:9]
    language, mode_before, handler = row[9:]
    return Chat(
        number,
        bot,
        platform_id,
        _CHAT_KINDS[kind],
        title,
        _MODES[mode],
        since_at,
        until_at,
        _SESSION_KINDS[session_kind],
        language,
        _MODES[mode_before],
        handler,
    )


class Entry(Struct):
    """A delivery with what only the store keeps about it."""

    delivery: Delivery
    content: str  # JSON
    put_at: float
    settled_at: float | None
    person: str
    recall: int | None
    is_edit_parked: bool


def entry(row: Row) -> Entry:
    """Make an entry of the columns ``deliveries.*``."""
    content_, put_at, settled_at, person, _, recall, is_edit_parked, _ = row[22:DELIVERY_COLUMNS]
    return Entry(delivery(row), content_, put_at, settled_at, person, recall, bool(is_edit_parked))


def delivery(row: Row) -> Delivery:
    """Make a delivery of the columns ``deliveries.*``."""
    return Delivery(
        id=row[0],
        bot=row[1],
        chat=row[2],
        origin=row[3],
        ordinal=row[4],
        part=row[5],
        kind=_KINDS[row[6]],
        state=_STATES[row[7]],
        policy=_POLICIES[row[8]],
        key=row[9],
        body=row[10],
        target=row[11],
        attempts=row[12],
        queued_at=row[13],
        first_sent_at=row[14],
        unclear_since_at=row[15],
        unclear_calls=row[16],
        is_repeated=bool(row[17]),
        may_be_duplicate=bool(row[18]),
        withdraw_wanted=bool(row[19]),
        platform_ids=words(row[20]),
        reason=row[21],
    )
