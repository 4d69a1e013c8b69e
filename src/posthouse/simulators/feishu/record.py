"""What a run leaves behind: what people saw, what was pushed and called, what was wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from posthouse.simulators.feishu.faults import Fault, Verb

SHOWN_CHARACTERS = 2000

T = TypeVar("T")


class Limits(Struct, frozen=True, kw_only=True):
    """How much a tenant remembers."""

    messages_max: int = 200_000
    events_max: int = 200_000
    calls_max: int = 500_000
    complaints_max: int = 1000
    connections_max: int = 10_000
    files_bytes_max: int = 512 * 1024 * 1024


class Button(Struct, frozen=True, kw_only=True):
    """Something on a card that can be pressed."""

    label: str
    value: object = None
    name: str = ""
    url: str = ""  # a link only: nobody is called back


class Change(Struct, frozen=True, kw_only=True):
    """What became of a message after it was said."""

    what: str  # edited, updated (a card), recalled, reacted, unreacted
    at: float
    text: str = ""  # as it reads now, or the emoji
    by: str = ""


class MessageEntry(Struct, kw_only=True):
    """A message as people see it, whoever sent it."""

    bot: str  # name of the app; of a person's message empty
    chat: str
    chat_id: str
    message_id: str
    sender: str
    is_own: bool  # of a bot
    key: str  # uuid
    kind: str  # msg_type
    text: str  # as a person reads it
    at: float
    buttons: tuple[Button, ...] = ()
    quote: str | None = None
    thread: str | None = None
    reactions: dict[str, list[str]] = {}  # emoji → who
    edits: int = 0
    history: tuple[Change, ...] = ()
    is_streaming: bool = False  # a card that still says "generating"
    recalled_at: float | None = None
    recalled_by: str | None = None
    content: str = ""

    @property
    def is_recalled(self) -> bool:
        return self.recalled_at is not None


class EventEntry(Struct, kw_only=True):
    """Something that happened, as one app is told of it."""

    bot: str
    chat: str
    sender: str
    type: str  # such as im.message.receive_v1
    event_id: str
    message_id: str | None
    text: str
    said_at: float
    pushes: int = 0  # attempts, successful or not
    acknowledged_at: float | None = None
    problem: str = ""  # of the last attempt that failed
    is_abandoned: bool = False  # after the last redelivery
    handled_ms: int | None = None  # as the client says (biz_rt)


class CallEntry(Struct, kw_only=True):
    """One call of a bot program."""

    bot: str
    chat: str
    verb: Verb
    method: str
    path: str
    key: str
    message_id: str
    log_id: str
    began_at: float
    ended_at: float | None = None
    fault: Fault | None = None
    status: int | None = None  # what was answered, or would have been
    code: int | None = None
    is_clear: bool = False  # a complete answer below 500 was written


class Complaint(Struct, frozen=True, kw_only=True):
    """Something a bot program should not have sent; tests ask that there is none."""

    bot: str
    at: float
    problem: str
    shown: str  # the beginning of what it sent


class ConnectionEntry(Struct, kw_only=True):
    """One attempt to hold a long connection, from discovery on."""

    bot: str
    began_at: float
    code: int = 0  # of the discovery
    opened_at: float | None = None
    pings: int = 0
    closed_at: float | None = None
    problem: str = ""


class Record(Struct, frozen=True, kw_only=True):
    """Everything, each list in the order it happened."""

    messages: tuple[MessageEntry, ...] = ()
    events: tuple[EventEntry, ...] = ()
    calls: tuple[CallEntry, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    connections: tuple[ConnectionEntry, ...] = ()
    forgotten: int = 0  # entries that did not fit; a run with any cannot be judged


class Pages(Generic[T]):
    """The newest entries of a kind, and how many older ones are gone."""

    def __init__(self, entries_max: int) -> None:
        self.entries: deque[T] = deque(maxlen=entries_max)
        self.forgotten = 0

    def add(self, entry: T) -> None:
        self.forgotten += len(self.entries) == self.entries.maxlen
        self.entries.append(entry)


class Notes:
    """Events, calls, complaints and connections of all apps."""

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        self._clock = clock
        self.events: Pages[EventEntry] = Pages(limits.events_max)
        self.calls: Pages[CallEntry] = Pages(limits.calls_max)
        self.complaints: Pages[Complaint] = Pages(limits.complaints_max)
        self.connections: Pages[ConnectionEntry] = Pages(limits.connections_max)

    @property
    def forgotten(self) -> int:
        kept = (self.events, self.calls, self.complaints, self.connections)
        return sum(pages.forgotten for pages in kept)

    def complain(self, bot: str, problem: str, shown: str | bytes = "") -> None:
        """Write down what a bot program should not have sent."""
        text = shown if isinstance(shown, str) else shown.decode("utf-8", "replace")
        self.complaints.add(
            Complaint(bot=bot, at=self._clock(), problem=problem, shown=text[:SHOWN_CHARACTERS])
        )
