"""What a run leaves behind: what people saw, what was pushed and called, what was wrong."""

from __future__ import annotations

from msgspec import Struct

from posthouse.simulators.onebot.faults import Fault, Verb
from posthouse.simulators.onebot.segments import Segments


class FileEntry(Struct, frozen=True, kw_only=True):
    """A picture, recording or file as it was sent; the content of links is not fetched."""

    kind: str
    name: str
    size_bytes: int
    sha256: str = ""
    url: str = ""


class MessageEntry(Struct, kw_only=True):
    """A message that people of a chat see, whoever sent it."""

    bot: str
    chat: str  # group:<id> or private:<id>
    message_id: int
    sender: int
    is_own: bool  # of the account, so of its bot server
    text: str  # as a person reads it
    segments: Segments
    at: float
    quote: int | None = None
    files: tuple[FileEntry, ...] = ()
    reactions: list[str] = []  # emoji ids set by the bot server
    echo: str = ""  # of the action that sent it, as JSON
    recalled_at: float | None = None
    recalled_by: int | None = None

    @property
    def is_recalled(self) -> bool:
        return self.recalled_at is not None


class EventEntry(Struct, kw_only=True):
    """Something that happened, and how often it was pushed. OneBot knows no acknowledgement."""

    bot: str
    chat: str
    sender: int
    type: str  # message, recalled, joined, …
    message_id: int | None
    text: str
    happened_at: float
    pushes: int = 0  # frames written, over all connections
    pushed_at: float | None = None  # the first of them
    is_missed: bool = False  # nobody was connected, and it is not kept


class CallEntry(Struct, kw_only=True):
    """One action of a bot server."""

    bot: str
    chat: str
    action: str
    verb: Verb
    echo: str  # as JSON; empty: there was none
    message_id: int | None
    began_at: float
    text: str = ""  # of what was to be said
    ended_at: float | None = None
    fault: Fault | None = None
    status: str = ""  # what was answered, or would have been
    retcode: int | None = None
    is_clear: bool = False  # a complete answer that says what became of it was written


class Complaint(Struct, frozen=True, kw_only=True):
    """Something a bot server should not have sent; tests ask that there is none."""

    bot: str
    at: float
    problem: str
    frame: str  # its beginning


class ConnectionEntry(Struct, kw_only=True):
    """One attempt to be connected."""

    bot: str
    road: str  # reverse or forward
    url: str
    began_at: float
    opened_at: float | None = None
    closed_at: float | None = None
    close_code: int | None = None
    problem: str = ""  # why it never opened


class Record(Struct, frozen=True, kw_only=True):
    """Everything, each list in the order it happened."""

    messages: tuple[MessageEntry, ...] = ()
    events: tuple[EventEntry, ...] = ()
    calls: tuple[CallEntry, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    connections: tuple[ConnectionEntry, ...] = ()
    forgotten: int = 0  # entries that did not fit; a run with any cannot be judged
