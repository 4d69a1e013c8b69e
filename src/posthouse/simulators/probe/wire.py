"""The words of docs/reference/probe-protocol.md as types, and the webhook's signature."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from posthouse.simulators.probe.refusals import Refusal

BODY_BYTES_MAX = 1024 * 1024

Id = Annotated[str, Meta(min_length=1, max_length=64)]
ChosenId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Key = Annotated[str, Meta(max_length=64)]
EventType = Literal["message", "edited", "recalled", "pressed", "joined", "unknown-thing"]

T = TypeVar("T")


class Chat(Struct, frozen=True, forbid_unknown_fields=True):
    """Where something happened."""

    id: Id
    kind: Literal["private", "group"] = "group"
    title: str = ""


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Who did it."""

    id: Id
    name: str = ""
    role: Literal["member", "admin", "owner"] = "member"
    is_bot: bool = False


class MediaRef(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the platform keeps."""

    ref: str
    name: str = ""
    mime: str = ""
    size_bytes: int = 0


class Saying(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person of the platform does; the platform adds ids, time and stamp."""

    bot: str
    chat: Chat
    sender: Person
    type: EventType = "message"
    message_id: Id | None = None
    text: str = ""
    mentions_bot: bool = False
    thread: str | None = None
    quote: str | None = None
    media: MediaRef | None = None
    token: str | None = None


class Envelope(Struct, frozen=True, kw_only=True):
    """An event as the house gets it."""

    event_id: str
    type: EventType
    chat: Chat
    sender: Person
    message_id: str | None
    text: str
    mentions_bot: bool
    thread: str | None
    quote: str | None
    media: MediaRef | None
    token: str | None
    stamp: str | None
    at: float


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """A button below a message of the house."""

    label: Annotated[str, Meta(max_length=64)]
    token: str


class MessageBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that the house sends."""

    chat: Id
    text: str | None = None
    choices: tuple[Choice, ...] | None = None
    quote: str | None = None
    thread: str | None = None
    media_ref: str | None = None
    key: Key | None = None
    message_id: ChosenId | None = None


class EditBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New words for a message of the house."""

    text: str
    choices: tuple[Choice, ...] | None = None


class SlotBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer inside the response to a webhook; without text there is none."""

    text: str | None = None
    choices: tuple[Choice, ...] | None = None
    key: Key | None = None


class WebhookBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a bot's events go; None: nowhere."""

    url: str | None


def decode(raw: bytes | str, expected: type[T]) -> T:
    """Read a body.

    Raises:
        Refusal: it is not as the page says.
    """
    try:
        return msgspec.json.decode(raw, type=expected)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "bad_request", str(error)) from None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a webhook body."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
