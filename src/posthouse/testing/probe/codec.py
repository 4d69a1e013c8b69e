"""The probe's words and ours: pure, both ways. See docs/reference/probe-protocol.md."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.address import ChatKind, Person, Place, Role
from posthouse.model.errors import NotUnderstood, Refused
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MembersChanged,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Undecodable,
    edit_key,
    message_key,
    other_key,
    press_key,
    recall_key,
)
from posthouse.model.message import Audio, Content, File, Image, Media, Quote, Text, Video
from posthouse.model.message import Part as Piece

CLOCK_SKEW_S = 300.0
PROBLEM_CHARACTERS_MAX = 500

# What bytes from outside can do to a decoder: no JSON, the wrong shape, not UTF-8, too deep.
UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)

# --- in -----------------------------------------------------------------------------------


class EnvelopeChat(Struct, frozen=True):
    id: str
    kind: ChatKind
    title: str


class EnvelopeSender(Struct, frozen=True):
    id: str
    name: str
    role: Role
    is_bot: bool


class EnvelopeMedia(Struct, frozen=True):
    ref: str
    name: str
    mime: str
    size_bytes: int


class Envelope(Struct, frozen=True, kw_only=True):
    """What the platform sends; ``null`` where a field does not apply."""

    event_id: str
    type: str
    chat: EnvelopeChat
    sender: EnvelopeSender
    message_id: str | None
    text: str
    mentions_bot: bool
    thread: str | None
    quote: str | None
    media: EnvelopeMedia | None
    token: str | None
    stamp: str | float | None
    at: float


_ENVELOPES = msgspec.json.Decoder(Envelope)


def verify(body: bytes, timestamp: str, signature: str, secret: bytes, now: float) -> bytes:
    """Return the body when it is the platform's and fresh.

    Raises:
        Refused: it is not; which check failed is told to nobody.
    """
    signed = timestamp.encode("utf-8", "surrogateescape") + b"." + body
    wanted = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    given = signature.encode("utf-8", "surrogateescape")
    is_genuine = hmac.compare_digest(given, wanted.encode())
    is_decimal = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12
    is_fresh = is_decimal and abs(int(timestamp) - now) <= CLOCK_SKEW_S
    if not (is_genuine and is_fresh):
        raise Refused
    return body


def decode(payload: bytes, bot: str, bot_id: str, now: float) -> Event:
    """Read one envelope; what cannot be read becomes ``Undecodable``, never an error.

    Args:
        payload: the bytes of the envelope.
        bot: the bot's name in the house.
        bot_id: its own person id on the platform.
        now: when it came, for what does not say.
    """
    try:
        envelope = _ENVELOPES.decode(payload)
        return _READERS.get(envelope.type, _unknown)(_Read(envelope, payload, bot, bot_id))
    except (*UNREADABLE, NotUnderstood) as error:
        return _undecodable(payload, bot, f"{type(error).__name__}: {error}", now)


class _Read(Struct, frozen=True):
    """An envelope on its way to an event."""

    envelope: Envelope
    payload: bytes
    bot: str
    bot_id: str

    @property
    def place(self) -> Place:
        chat = self.envelope.chat
        return Place(self.bot, chat.id, chat.kind, chat.title)

    @property
    def sender(self) -> Person:
        sender = self.envelope.sender
        return Person(sender.id, sender.name, sender.role, sender.is_bot)

    @property
    def message_id(self) -> str:
        if not self.envelope.message_id:
            raise NotUnderstood(f"{self.envelope.type} without message_id")
        return self.envelope.message_id

    @property
    def is_addressed(self) -> bool:
        return self.envelope.chat.kind is ChatKind.PRIVATE or self.envelope.mentions_bot

    @property
    def parts(self) -> tuple[Piece, ...]:
        envelope = self.envelope
        found: list[Piece] = []
        if envelope.quote is not None:
            found.append(Quote(envelope.quote))
        if envelope.text:
            found.append(Text(envelope.text))
        if envelope.media is not None:
            found.append(_media(envelope.media))
        return tuple(found)


def _media(media: EnvelopeMedia) -> Piece:
    reference = Media(media.ref, media.name, media.mime, media.size_bytes)
    match media.mime.partition("/")[0]:
        case "image":
            return Image(reference)
        case "audio":
            return Audio(reference)
        case "video":
            return Video(reference)
        case _:
            return File(reference)


def _message(read: _Read) -> Event:
    return MessageReceived(
        key=message_key(read.envelope.chat.id, read.message_id),
        place=read.place,
        sender=read.sender,
        message_id=read.message_id,
        parts=read.parts,
        at=read.envelope.at,
        thread=read.envelope.thread or "",
        is_addressed=read.is_addressed,
    )


def _edited(read: _Read) -> Event:
    return MessageEdited(
        key=edit_key(read.envelope.chat.id, read.message_id, str(read.envelope.stamp)),
        place=read.place,
        sender=read.sender,
        message_id=read.message_id,
        parts=read.parts,
        at=read.envelope.at,
        thread=read.envelope.thread or "",
        is_addressed=read.is_addressed,
    )


def _recalled(read: _Read) -> Event:
    return MessageRecalled(
        key=recall_key(read.envelope.chat.id, read.message_id),
        place=read.place,
        sender=read.sender,
        message_id=read.message_id,
        at=read.envelope.at,
    )


def _pressed(read: _Read) -> Event:
    if read.envelope.token is None:
        raise NotUnderstood("pressed without token")
    return ButtonPressed(
        key=press_key(read.envelope.chat.id, read.envelope.event_id),
        place=read.place,
        sender=read.sender,
        message_id=read.message_id,
        token=read.envelope.token,
        at=read.envelope.at,
        thread=read.envelope.thread or "",
    )


def _joined(read: _Read) -> Event:
    return MembersChanged(
        key=other_key(read.envelope.event_id),
        place=read.place,
        sender=read.sender,
        at=read.envelope.at,
        joined=(read.sender,),
        is_about_me=read.sender.id == read.bot_id,
    )


def _unknown(read: _Read) -> Event:
    return Undecodable(
        key=other_key(read.envelope.event_id),
        place=read.place,
        sender=read.sender,
        raw=_raw(read.payload),
        problem=f"unknown type {read.envelope.type}"[:PROBLEM_CHARACTERS_MAX],
        at=read.envelope.at,
    )


_READERS: dict[str, Callable[[_Read], Event]] = {
    "message": _message,
    "edited": _edited,
    "recalled": _recalled,
    "pressed": _pressed,
    "joined": _joined,
}


def _undecodable(payload: bytes, bot: str, problem: str, now: float) -> Event:
    """Keep the bytes under their own hash, so a repeat is one entry; nobody's chat is known."""
    return Undecodable(
        key=other_key(hashlib.sha256(payload).hexdigest()),
        place=Place(bot, "undecodable"),
        sender=Person("undecodable"),
        raw=_raw(payload),
        problem=problem[:PROBLEM_CHARACTERS_MAX],
        at=now,
    )


def _raw(payload: bytes) -> str:
    return payload.decode("utf-8", "backslashreplace")


# --- out ----------------------------------------------------------------------------------


class WireChoice(Struct, frozen=True):
    label: str
    token: str


class WireMessage(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message as the platform takes it, without what a call adds to it."""

    chat: str
    text: str
    choices: tuple[WireChoice, ...] = ()
    quote: str | None = None
    thread: str | None = None


class WireSlotAnswer(Struct, frozen=True, omit_defaults=True):
    """An answer inside the platform's own request."""

    text: str
    choices: tuple[WireChoice, ...] = ()


class Sending(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message on its way."""

    chat: str
    text: str
    key: str
    choices: tuple[WireChoice, ...] = ()
    quote: str | None = None
    thread: str | None = None
    message_id: str | None = None  # only where the house chooses it


class Editing(Struct, frozen=True):
    """New words for a message."""

    text: str
    choices: tuple[WireChoice, ...]


class Call(Struct, frozen=True, kw_only=True):
    """One call, before it is known by which road it goes."""

    verb: Verb
    chat: str
    message_id: str = ""
    key: str = ""
    body: Sending | Editing | None = None


LABEL_CHARACTERS_MAX = 64
KEY_CHARACTERS_MAX = 64

_ENCODER = msgspec.json.Encoder()
_MESSAGES = msgspec.json.Decoder(WireMessage)


def encode(content: Content, letter: Letter) -> bytes:
    """Write a message without what a call adds to it."""
    return _ENCODER.encode(
        WireMessage(
            chat=letter.chat.platform_id,
            text=content.text,
            choices=_choices(content),
            quote=letter.quote_message_id or None,
            thread=letter.thread or None,
        )
    )


def encode_slot(content: Content) -> bytes | None:
    """Write an answer for the inside of a response; None when it says nothing in words."""
    if not content.text:
        return None
    return _ENCODER.encode(WireSlotAnswer(content.text, _choices(content)))


def _choices(content: Content) -> tuple[WireChoice, ...]:
    return tuple(
        WireChoice(choice.label[:LABEL_CHARACTERS_MAX], choice.token) for choice in content.choices
    )


def to_call(part: Part, chat: str, *, chooses_id: bool) -> Call:
    """Say which call carries out a part.

    Args:
        part: what is to be done.
        chat: the chat as the platform names it.
        chooses_id: the house names its messages, so writing twice shows one.

    Raises:
        one of ``UNREADABLE``: ``part.body`` is not from ``encode``.
    """
    message_id = part.message_ids[0] if part.message_ids else ""
    key = part.key[:KEY_CHARACTERS_MAX]
    call = Call(verb=part.verb, chat=chat, message_id=message_id, key=key)
    match part.verb:
        case Verb.SEND:
            return replace(call, body=_sending(part.body, key, chooses_id=chooses_id))
        case Verb.EDIT:
            message = _MESSAGES.decode(part.body)
            return replace(call, body=Editing(message.text, message.choices))
        case _:
            return call


def _sending(body: bytes, key: str, *, chooses_id: bool) -> Sending:
    message = _MESSAGES.decode(body)
    return Sending(
        chat=message.chat,
        text=message.text,
        key=key,
        choices=message.choices,
        quote=message.quote,
        thread=message.thread,
        message_id=key if chooses_id else None,
    )
