"""What a run leaves behind: everything that became visible, was pushed, and was called."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from posthouse.simulators.probe.faults import Fault, Verb
from posthouse.simulators.probe.wire import Choice, EventType


class MessageEntry(Struct, kw_only=True):
    """A message of the house that became visible."""

    bot: str
    chat: str
    message_id: str
    key: str
    text: str
    at: float
    quote: str | None = None
    thread: str | None = None
    choices: tuple[Choice, ...] = ()
    media_ref: str | None = None
    edits: list[float] = []  # when it was edited
    writes: int = 1  # overwriting counts
    is_recalled: bool = False
    is_slot: bool = False
    copies: int = 1  # entries of this chat with this key that are not recalled; see with_copies


class EventEntry(Struct, kw_only=True):
    """Something that people did, and what the house made of it."""

    bot: str
    chat: str
    sender: str
    type: EventType
    message_id: str | None
    text: str
    said_at: float
    pushes: int = 0
    acknowledged_at: float | None = None
    is_abandoned: bool = False


class CallEntry(Struct, kw_only=True):
    """One call of the house."""

    bot: str
    chat: str
    verb: Verb
    key: str
    message_id: str
    began_at: float
    ended_at: float | None = None
    fault: Fault | None = None
    status: int | None = None  # what was answered, or would have been
    is_clear: bool = False  # the house got a complete answer below 500


class Ledger(Struct, frozen=True, kw_only=True):
    """Everything, each list in the order it happened."""

    messages: tuple[MessageEntry, ...] = ()
    events: tuple[EventEntry, ...] = ()
    calls: tuple[CallEntry, ...] = ()
    forgotten: int = 0  # entries that did not fit; a run with any cannot be judged


def with_copies(messages: list[MessageEntry]) -> tuple[MessageEntry, ...]:
    """Count copies in messages that another platform's record was turned into."""
    visible = Counter((each.chat, each.key) for each in messages if not each.is_recalled)
    for message in messages:
        if message.key:
            message.copies = visible[message.chat, message.key]
    return tuple(messages)
