"""The handling of one or more events of one session by exactly one handler."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from posthouse.model.address import Chat, Person
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MessageEdited,
    MessageReceived,
)
from posthouse.model.message import Part, plain_text


class OnCrash(StrEnum):
    """What happens to a turn that was running when the process died."""

    RERUN = "rerun"  # nothing of it was seen; start again
    REPORT = "report"  # it may have done something; tell the person, never run it twice


class OnEdit(StrEnum):
    """What happens when the message behind a turn is edited."""

    RERUN = "rerun"
    IGNORE = "ignore"


class TurnState(StrEnum):
    """Where a turn is in its life; which one is *running* is a column of its lane."""

    WAITING = "waiting"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # found started after a crash, reported to the person
    BURIED = "buried"  # given up after too many attempts; an operator can revive it


class EventState(StrEnum):
    """What became of an event when it was accepted."""

    ROUTED = "routed"  # it belongs to a turn
    IGNORED = "ignored"  # no rule wants it
    LATE = "late"  # too old to answer
    REFUSED = "refused"  # overload, pause, not allowed: covered by one notice
    RECALLED = "recalled"  # taken back by its author
    UNDECODABLE = "undecodable"


class LaneKind(StrEnum):
    """What a lane hands out, one at a time."""

    TURN = "t"
    CONTROL = "c"
    SEND = "s"
    AMEND = "a"


class StoredEvent(Struct, frozen=True):
    """An event with its number in the book."""

    id: int
    event: Event
    accepted_at: float
    has_slot: bool = False  # somebody may be waiting for the answer inside an HTTP request


class Answer(Struct, frozen=True):
    """The answer to a question that an earlier turn asked."""

    question: str
    state: str  # what the asking handler wanted back
    choice: int | None = None  # which button, counted from 0
    text: str = ""  # what was typed instead


class Turn(Struct, frozen=True, kw_only=True):
    """What a handler is given to work on."""

    id: int
    chat: Chat
    session: str
    handler: str
    person: Person  # who asked: the sender of the newest event
    events: tuple[StoredEvent, ...]
    attempt: int = 1
    crashes: int = 0  # how often the process went away while it was running; no attempts
    is_started: bool = False  # a ``report`` handler began with it before a crash
    has_spoken: bool = False  # something of it was put before: a growing message, first outputs
    replaces: int | None = None  # the turn whose answer this one corrects, after an edit
    answer: Answer | None = None
    accepted_at: float = 0.0

    @property
    def is_again(self) -> bool:
        """Whether it was handed out before, whatever became of that."""
        return self.attempt > 1 or self.crashes > 0

    @property
    def text(self) -> str:
        """The words of all its messages, a line each."""
        lines = (plain_text(message.parts) for message in self.messages)
        return "\n".join(line for line in lines if line)

    @property
    def messages(self) -> tuple[MessageReceived | MessageEdited, ...]:
        """Its events that carry words or files, in order."""
        return tuple(
            stored.event
            for stored in self.events
            if isinstance(stored.event, MessageReceived | MessageEdited)
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of all its messages, in order."""
        return tuple(part for message in self.messages for part in message.parts)

    @property
    def last_message_id(self) -> str:
        """The platform's id of the newest message or press; empty for internal events."""
        for stored in reversed(self.events):
            if isinstance(stored.event, MessageReceived | MessageEdited | ButtonPressed):
                return stored.event.message_id
        return ""
