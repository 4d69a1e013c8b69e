"""How platforms speak: the few verbs every channel has.

A channel folder holds ``settings`` (its options), ``codec`` (pure: payload → events, content →
body), ``client`` (I/O) and ``channel`` (this protocol). Reading from the platform ends in
``Door.accept``; nothing is acknowledged before it returned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec import Struct
from starlette.routing import BaseRoute

from posthouse.model.address import Chat, Entrance
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Kind, Outcome
from posthouse.model.event import Event, ReplyContext
from posthouse.model.message import Content, Media
from posthouse.model.secret import RetiredSecret
from posthouse.store.reader import Roads
from posthouse.store.rooms import Rooms
from posthouse.wakeup.wakeup import Wakeup

if TYPE_CHECKING:  # only named here: importing a client takes a tenth of a second
    from aiohttp import ClientSession


class Letter(Struct, frozen=True, kw_only=True):
    """What ``encode`` needs to know beside the content."""

    chat: Chat
    quote_message_id: str = ""  # show it as a reply to this message
    thread: str = ""
    reply_context: ReplyContext | None = None
    kind: Kind = Kind.SEND


class Verb(StrEnum):
    """What a part does to the platform."""

    SEND = "send"  # a new message
    EDIT = "edit"  # give the message ``message_ids`` new words
    RECALL = "recall"  # take the message ``message_ids`` back
    LOOK_UP = "look_up"  # search the chat for the message with ``key``
    TYPING = "typing"  # show that somebody is at work


class Part(Struct, frozen=True, kw_only=True):
    """One call to be made: what, with which bytes, under which key."""

    verb: Verb
    body: bytes = b""  # from ``encode``; stored before the first byte leaves
    key: str = ""  # the delivery's 128 random bits (hex); shorten per platform
    message_ids: tuple[str, ...] = ()
    is_draft: bool = False  # more will follow for the same message
    first_sent_at: float | None = None  # for LOOK_UP: since when it may be there


class Receipts(Struct, frozen=True, kw_only=True):
    """What ``Door.accept`` wrote into the book, one number per event, in order."""

    events: tuple[int, ...]
    new: tuple[bool, ...]


class Door(Protocol):
    """The one door behind every entrance of a bot."""

    async def accept(self, events: Sequence[Event], entrance: Entrance) -> Receipts:
        """Write events into the book; acknowledge to the platform only after this returned.

        Raises:
            TryLater: not written; do not acknowledge (webhooks: 503 and Retry-After).
        """
        ...

    async def answer(
        self, events: Sequence[Event], entrance: Entrance, wait_s: float
    ) -> bytes | None:
        """Accept, and wait at most ``wait_s`` for a body to be sent inside the response.

        A repeat of an event that was answered this way gets the same bytes. None: answer empty;
        whatever comes later goes the normal road. After writing the bytes (or failing to), call
        ``answered``.
        """
        ...

    async def answered(self, events: Sequence[Event], *, is_written: bool) -> None:
        """Tell whether the bytes from ``answer`` were written to the platform's connection."""
        ...


class ConnectionState(StrEnum):
    """How a bot is connected, in words that people read."""

    OFF = "off"  # needs no connection, or was not started
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"  # lost; will try again
    SUPERSEDED = "superseded"  # another process took over: we do not fight
    REFUSED = "refused"  # credentials are wrong


class Status(Struct, frozen=True, kw_only=True):
    """The state of a bot's connection."""

    state: ConnectionState
    since_at: float
    failures: int = 0  # attempts in a row that did not hold
    detail: str = ""  # never a secret
    is_alarming: bool = False  # an operator should know; False again means recovered


class Channel(Protocol):
    """One bot on one platform."""

    @property
    def capabilities(self) -> Capabilities:
        """What this bot can do here."""
        ...

    @property
    def status(self) -> Status:
        """How it is connected now."""
        ...

    async def run(self, door: Door) -> None:
        """Keep the bot connected until cancelled; a channel without a connection just waits."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """HTTP routes for the platform's webhooks or, for the web, its pages."""
        ...

    def attach(self, door: Door) -> None:
        """Receive the door that ``routes`` lead to; called once before serving."""
        ...

    def encode(self, content: Content, letter: Letter) -> bytes:
        """Encode one message; pure, and the same bytes every time.

        ``degrade.split`` has made the content fit ``capabilities`` before.
        """
        ...

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:
        """Encode an answer inside the platform's own HTTP request; None where that cannot be."""
        ...

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        """Make one call. Never raises across this line; what nobody can tell is ``Unknown``.

        For LOOK_UP: ``Sent(ids)`` found, ``NotSent`` certainly absent, ``Unknown`` cannot tell.
        For EDIT and RECALL: ``Sent`` done (also when it had been done before).
        """
        ...

    def download(self, media: Media) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that came in, at most the configured size."""
        ...

    async def close(self) -> None:
        """Let go of sockets and sessions."""
        ...


class ChannelTools(Struct, frozen=True, kw_only=True):
    """What the house lends to a channel when it is built."""

    clock: Callable[[], float]  # seconds since the epoch
    sleep: Callable[[float], Awaitable[None]]  # by the same clock, in seconds
    random: Random
    new_key: Callable[[], str]  # 128 fresh random bits, hex
    http: Callable[[], ClientSession]  # a new session; whoever asked for it closes it
    wakeup: Wakeup
    data_dir: Path
    language: str = "zh"  # of the house's own words: ``zh`` or ``en``
    rooms: Rooms | None = None  # the web's chat server; None: this house has none
    reader: Roads | None = None  # what became of a message, for people who ask
    retired: tuple[RetiredSecret, ...] = ()  # replaced secrets that still count
    host: str = "127.0.0.1"  # where the house listens
    public_url: str = ""  # the address people use; empty when none is configured
    on_status: Callable[[str, Status], None] = lambda _bot, _status: None  # at every change


class ChannelClass(Protocol):
    """What a catalogue entry names: a class that builds its bots from the config."""

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> Channel:
        """Build the bot ``name`` from the further keys of ``[bots.<name>]``.

        Secrets arrive as plain strings, whatever way the config named them.

        Raises:
            OperatorMistake: a key is unknown, missing or wrong; the message names the remedy.
        """
        ...


class Inlet(Protocol):
    """Where an outpost puts what it was sent."""

    async def take(self, payload: bytes, events: Sequence[Event]) -> None:
        """Keep a verified payload; acknowledge to the platform only after this returned.

        Args:
            payload: what the house will read; its own channel decides what it says.
            events: what is in it, as far as can be read without knowing the bot's own id.

        Raises:
            TryLater: not kept; do not acknowledge (503 and Retry-After).
        """
        ...


class Outpost(Protocol):
    """What a bot leaves on a public machine: it verifies, opens and hands over. It sends nothing.

    It knows the secrets that prove who called, and none that could be used to speak.
    """

    def routes(self) -> Sequence[BaseRoute]:
        """HTTP routes for the platform's webhooks."""
        ...

    def old_record(self, payload: bytes) -> Mapping[str, str] | None:
        """Return a payload as older workers know it; None where they never got such a thing."""
        ...


@runtime_checkable
class Relayable(Protocol):
    """A channel class whose bots can have an outpost on another machine."""

    @classmethod
    def build_outpost(
        cls, name: str, options: Mapping[str, object], tools: ChannelTools, inlet: Inlet
    ) -> Outpost:
        """Build the outpost of the bot ``name`` from the further keys of ``[bots.<name>]``.

        Raises:
            OperatorMistake: a key is unknown, missing or wrong, or has no business there.
        """
        ...


@runtime_checkable
class Toasting(Protocol):
    """A channel whose platform shows a few words to whoever pressed a button, where they did.

    It takes presses by ``Door.answer``, and its response carries the bytes.
    """

    def encode_toast(self, text: str) -> bytes:
        """Encode the words for the response to a press."""
        ...


@runtime_checkable
class Inviting(Protocol):
    """A channel that lets people in by links of its own."""

    def join_link(self, room: str = "", expires_s: float = 0.0) -> str:
        """Return a link into a room, or (``""``) into the house; 0 seconds: the usual time."""
        ...
