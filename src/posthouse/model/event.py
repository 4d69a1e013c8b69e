"""What comes in, and the keys by which a repeated delivery is recognised."""

from __future__ import annotations

from msgspec import Struct

from posthouse.model.address import Person, Place
from posthouse.model.message import Part


class ReplyContext(Struct, frozen=True, omit_defaults=True):
    """What a platform hands out for answering this one event, and how long it is good."""

    token: str
    expires_at: float = 0.0


class MessageReceived(Struct, frozen=True, tag="message", omit_defaults=True):
    """Somebody said something."""

    key: str
    place: Place
    sender: Person
    message_id: str
    parts: tuple[Part, ...]
    at: float  # the platform's own time
    thread: str = ""
    is_addressed: bool = False  # private chat, mention by the bot's id, or reply to the bot
    reply_context: ReplyContext | None = None


class MessageEdited(Struct, frozen=True, tag="edited", omit_defaults=True):
    """Somebody changed what they had said; ``parts`` is the whole new text."""

    key: str
    place: Place
    sender: Person
    message_id: str
    parts: tuple[Part, ...]
    at: float
    thread: str = ""
    is_addressed: bool = False
    reply_context: ReplyContext | None = None


class MessageRecalled(Struct, frozen=True, tag="recalled", omit_defaults=True):
    """Somebody took back what they had said."""

    key: str
    place: Place
    sender: Person
    message_id: str
    at: float


class ButtonPressed(Struct, frozen=True, tag="pressed", omit_defaults=True):
    """Somebody pressed a button of a message of ours; ``token`` is what the button carried."""

    key: str
    place: Place
    sender: Person
    message_id: str
    token: str
    at: float
    thread: str = ""


class ReactionChanged(Struct, frozen=True, tag="reaction", omit_defaults=True):
    """Somebody put a reaction under a message, or took it away."""

    key: str
    place: Place
    sender: Person
    message_id: str
    emoji: str
    at: float
    is_added: bool = True


class MembersChanged(Struct, frozen=True, tag="members", omit_defaults=True):
    """People, or the bot itself, came or left."""

    key: str
    place: Place
    sender: Person
    at: float
    joined: tuple[Person, ...] = ()
    left: tuple[Person, ...] = ()
    is_about_me: bool = False


class Internal(Struct, frozen=True, tag="internal", omit_defaults=True):
    """Something the house tells itself: a timer, work that outlived its turn, a backend."""

    key: str
    place: Place
    sender: Person
    kind: str
    at: float
    payload: str = ""
    session: str = ""
    handler: str = ""


class Undecodable(Struct, frozen=True, tag="undecodable"):
    """A verified payload that the codec could not read; stored raw, counted, visible."""

    key: str
    place: Place
    sender: Person
    raw: str
    problem: str
    at: float


Event = (
    MessageReceived
    | MessageEdited
    | MessageRecalled
    | ButtonPressed
    | ReactionChanged
    | MembersChanged
    | Internal
    | Undecodable
)


def message_key(chat_platform_id: str, message_id: str) -> str:
    """Key a message by its own id: a redelivery may come under a new event id."""
    return f"m:{chat_platform_id}:{message_id}"


def edit_key(chat_platform_id: str, message_id: str, stamp: str) -> str:
    """Key an edit by message and by the edit's time stamp or a hash of the new text."""
    return f"e:{chat_platform_id}:{message_id}:{stamp}"


def recall_key(chat_platform_id: str, message_id: str) -> str:
    """Key a recall by the message it takes back."""
    return f"r:{chat_platform_id}:{message_id}"


def press_key(chat_platform_id: str, press_id: str) -> str:
    """Key a button press by the platform's id of the press."""
    return f"p:{chat_platform_id}:{press_id}"


def other_key(event_id: str) -> str:
    """Key anything else by the platform's event id."""
    return f"x:{event_id}"
