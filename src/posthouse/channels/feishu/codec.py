"""Feishu's payloads as events: one envelope in, one event out. Pure.

Source: open.feishu.cn, event pages of ``im.*``, ``application.bot.menu_v6`` and
``card.action.trigger``; the bodies in ``tests/channels/feishu/vectors.json``. Long connection and
webhook bring the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from posthouse.channels.feishu.contents import RAW_CHARACTERS_MAX, UNREADABLE, Said, parts_of
from posthouse.channels.feishu.emojis import emoji_of
from posthouse.model.address import ChatKind, Person, Place
from posthouse.model.errors import NotUnderstood
from posthouse.model.event import (
    ButtonPressed,
    Event,
    Internal,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
    ReplyContext,
    Undecodable,
    message_key,
    other_key,
    press_key,
    recall_key,
)
from posthouse.model.message import Mention, Part, Quote, Text

PROBLEM_CHARACTERS_MAX = 500
BUTTON_FIELD = "t"  # of a button's value: what the press brings back
UNKNOWN_CHAT = "unknown"  # the event does not say where it happened


class Identity(Struct, frozen=True, kw_only=True):
    """Who the bot is: its name in the house, its app, and its own open_id."""

    bot: str
    app_id: str
    open_id: str


# --- the envelope --------------------------------------------------------------------------


class Ids(Struct, frozen=True):
    open_id: str = ""
    union_id: str = ""


class Header(Struct, frozen=True):
    event_id: str = ""
    event_type: str = ""
    create_time: str = ""
    token: str = ""
    app_id: str = ""


class Envelope(Struct, frozen=True):
    """Version 2; of version 1 only what differs."""

    event: msgspec.Raw = msgspec.Raw()
    header: Header = Header()
    challenge: str = ""
    type: str = ""  # version 1: ``url_verification``, ``event_callback``
    token: str = ""  # version 1
    uuid: str = ""  # version 1: the event's id
    ts: str = ""  # version 1: seconds
    encrypt: str = ""

    @property
    def is_version_1(self) -> bool:
        return not self.header.event_type

    @property
    def verification_token(self) -> str:
        return self.token if self.is_version_1 else self.header.token


_ENVELOPES = msgspec.json.Decoder(Envelope)


def read_envelope(payload: bytes) -> Envelope:
    """Read the outside of a payload.

    Raises:
        NotUnderstood: it is no JSON object of that shape.
    """
    try:
        return _ENVELOPES.decode(payload)
    except UNREADABLE as error:
        raise NotUnderstood(f"{type(error).__name__}: {error}") from None


def decode(payload: bytes, me: Identity, now: float) -> Event | None:
    """Read one payload.

    Args:
        payload: the JSON of an event, decrypted.
        me: who the bot is; a mention of ``me.open_id`` addresses it.
        now: when it came, for what does not say.

    Returns:
        The event; None for what is deliberately ignored (read receipts); ``Undecodable`` for what
        cannot be read.
    """
    try:
        envelope = read_envelope(payload)
        kind = envelope.header.event_type or _type_of_version_1(envelope)
        if kind in IGNORED:
            return None
        read = _READERS.get(kind, _unknown)
        return read(_Read(envelope, kind, payload, me, now))
    except (*UNREADABLE, NotUnderstood) as error:
        return _undecodable(payload, me, f"{type(error).__name__}: {error}", now)


def is_callback(payload: bytes) -> bool:
    """Say whether somebody waits for the answer: a press, not an event."""
    if CALLBACK not in payload:
        return False
    try:
        return read_envelope(payload).header.event_type == CALLBACK.decode()
    except NotUnderstood:
        return False


class _OldPress(Struct, frozen=True, kw_only=True):
    """A press as apps with an address for cards of their own get it, without an envelope."""

    open_message_id: str
    open_chat_id: str
    open_id: str
    token: str  # of this press
    action: msgspec.Raw


def renewed_press(payload: bytes) -> bytes | None:
    """Write a press of the old kind as one of today's; None when it is no such thing."""
    try:
        old = msgspec.json.decode(payload, type=_OldPress)
    except UNREADABLE:
        return None
    header = {"event_type": CALLBACK.decode(), "event_id": old.token}
    context = {"open_message_id": old.open_message_id, "open_chat_id": old.open_chat_id}
    event = {"operator": {"open_id": old.open_id}, "action": old.action, "context": context}
    return msgspec.json.encode({"schema": "2.0", "header": header, "event": event})


CALLBACK = b"card.action.trigger"
IGNORED = frozenset({"im.message.message_read_v1"})


class _Typed(Struct, frozen=True):
    type: str = ""


def _type_of_version_1(envelope: Envelope) -> str:
    return msgspec.json.decode(bytes(envelope.event) or b"{}", type=_Typed).type


class _Read(Struct, frozen=True):
    """An envelope on its way to an event."""

    envelope: Envelope
    kind: str
    payload: bytes
    me: Identity
    now: float

    @property
    def event(self) -> bytes:
        return bytes(self.envelope.event) or b"{}"

    @property
    def event_id(self) -> str:
        return self.envelope.header.event_id or self.envelope.uuid or _hash(self.payload)

    @property
    def at(self) -> float:
        envelope = self.envelope
        return seconds(envelope.header.create_time or envelope.ts, self.now)

    @property
    def key(self) -> str:
        return other_key(self.event_id)

    def place(self, chat_id: str, kind: ChatKind = ChatKind.GROUP, title: str = "") -> Place:
        return Place(self.me.bot, chat_id or UNKNOWN_CHAT, kind, title)

    @property
    def myself(self) -> Person:
        return Person(self.me.open_id, is_bot=True)


_SECONDS_MAX = 1e11  # what is larger counts in finer units


def seconds(stamp: str, default: float) -> float:
    """Read a time by its size: seconds, milliseconds or microseconds, all of them occur."""
    try:
        value = float(stamp)
    except ValueError:
        return default
    while value >= _SECONDS_MAX:
        value /= 1000.0
    return value if value > 0 else default


def _hash(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


# --- messages ------------------------------------------------------------------------------


class WireMention(Struct, frozen=True):
    key: str
    id: Ids = Ids()
    name: str = ""


class WireSender(Struct, frozen=True):
    sender_id: Ids = Ids()
    sender_type: str = "user"


class WireMessage(Struct, frozen=True):
    message_id: str
    chat_id: str
    message_type: str
    content: str = ""
    chat_type: str = "group"
    parent_id: str = ""
    thread_id: str = ""
    create_time: str = ""
    mentions: tuple[WireMention, ...] | None = None


class _Message(Struct, frozen=True):
    message: WireMessage
    sender: WireSender = WireSender()


def _message(read: _Read) -> Event:
    body = msgspec.json.decode(read.event, type=_Message)
    message, sender = body.message, body.sender
    mentions = {each.key: mention_of(each, read.me) for each in message.mentions or ()}
    is_private = message.chat_type == "p2p"
    return MessageReceived(
        # The page of this event asks for the message's id: a redelivery may have a new event id.
        key=message_key(message.chat_id, message.message_id),
        place=read.place(message.chat_id, ChatKind.PRIVATE if is_private else ChatKind.GROUP),
        sender=Person(sender.sender_id.open_id, is_bot=sender.sender_type != "user"),
        message_id=message.message_id,
        parts=_quote(message) + parts_of(_said(message, mentions)),
        at=seconds(message.create_time, read.at),
        thread=message.thread_id,
        is_addressed=is_private or any(mention.is_me for mention in mentions.values()),
        reply_context=ReplyContext(message.message_id) if message.thread_id else None,
    )


def _said(message: WireMessage, mentions: Mapping[str, Mention]) -> Said:
    return Said(
        type=message.message_type,
        content=message.content,
        message_id=message.message_id,
        mentions=mentions,
    )


def mention_of(wire: WireMention, me: Identity) -> Mention:
    """Return who was mentioned; the bot is known by its own open_id and nothing else."""
    open_id = wire.id.open_id
    return Mention(open_id, wire.name, is_me=bool(open_id) and open_id == me.open_id)


def _quote(message: WireMessage) -> tuple[Part, ...]:
    """Inside a thread every message has the thread's first one as its parent: that is no quote."""
    is_quoting = message.parent_id and not message.thread_id
    return (Quote(message.parent_id),) if is_quoting else ()


class _Recalled(Struct, frozen=True):
    message_id: str
    chat_id: str
    recall_time: str = ""


def _recalled(read: _Read) -> Event:
    body = msgspec.json.decode(read.event, type=_Recalled)
    return MessageRecalled(
        key=recall_key(body.chat_id, body.message_id),
        place=read.place(body.chat_id),
        sender=Person(""),  # the event tells the role of who did it, not the name
        message_id=body.message_id,
        at=seconds(body.recall_time, read.at),
    )


# --- reactions, members --------------------------------------------------------------------


class _Emoji(Struct, frozen=True):
    emoji_type: str = ""


class _Reaction(Struct, frozen=True):
    message_id: str
    reaction_type: _Emoji = _Emoji()
    operator_type: str = "user"
    user_id: Ids = Ids()
    app_id: str = ""
    action_time: str = ""


def _reaction(*, is_added: bool) -> Callable[[_Read], Event]:
    def read_it(read: _Read) -> Event:
        body = msgspec.json.decode(read.event, type=_Reaction)
        is_bot = body.operator_type != "user"
        return ReactionChanged(
            key=read.key,
            place=read.place(""),  # the event names the message only
            sender=Person(body.app_id if is_bot else body.user_id.open_id, is_bot=is_bot),
            message_id=body.message_id,
            emoji=emoji_of(body.reaction_type.emoji_type),
            at=seconds(body.action_time, read.at),
            is_added=is_added,
        )

    return read_it


class _Member(Struct, frozen=True):
    user_id: Ids = Ids()
    name: str = ""


class _Members(Struct, frozen=True):
    chat_id: str
    operator_id: Ids = Ids()
    name: str = ""
    users: tuple[_Member, ...] = ()


def _members(*, is_joining: bool, is_about_me: bool) -> Callable[[_Read], Event]:
    def read_it(read: _Read) -> Event:
        body = msgspec.json.decode(read.event, type=_Members)
        others = tuple(Person(user.user_id.open_id, user.name) for user in body.users)
        people = (read.myself,) if is_about_me else others
        return MembersChanged(
            key=read.key,
            place=read.place(body.chat_id, title=body.name),
            sender=Person(body.operator_id.open_id),
            at=read.at,
            joined=people if is_joining else (),
            left=() if is_joining else people,
            is_about_me=is_about_me,
        )

    return read_it


# --- presses, menus, first visits ----------------------------------------------------------


class _Operator(Struct, frozen=True):
    open_id: str = ""
    operator_id: Ids = Ids()  # of a menu
    operator_name: str = ""


class _Context(Struct, frozen=True):
    open_message_id: str = ""
    open_chat_id: str = ""


class _ActionValue(Struct, frozen=True):
    value: msgspec.Raw = msgspec.Raw()


class _Press(Struct, frozen=True):
    operator: _Operator
    action: _ActionValue
    context: _Context = _Context()


def _press(read: _Read) -> Event:
    body = msgspec.json.decode(read.event, type=_Press)
    return ButtonPressed(
        key=press_key(body.context.open_chat_id, read.event_id),
        place=read.place(body.context.open_chat_id),
        sender=Person(body.operator.open_id),
        message_id=body.context.open_message_id,
        token=_token(bytes(body.action.value)),
        at=read.at,
    )


def _token(value: bytes) -> str:
    """Return what our button carried; empty for a button that is not ours."""
    found = msgspec.json.decode(value) if value else None
    token = found.get(BUTTON_FIELD) if isinstance(found, dict) else None
    return token if isinstance(token, str) else ""


class _Menu(Struct, frozen=True):
    operator: _Operator
    event_key: str


def _menu(read: _Read) -> Event:
    """Take a press of the bot's menu for its key, typed by that person to the bot alone."""
    body = msgspec.json.decode(read.event, type=_Menu)
    operator = body.operator
    open_id = operator.operator_id.open_id
    return MessageReceived(
        key=read.key,
        place=read.place(open_id, ChatKind.PRIVATE, operator.operator_name),
        sender=Person(open_id, operator.operator_name),
        message_id="",
        parts=(Text(body.event_key),),
        at=read.at,
        is_addressed=True,
    )


class _Entered(Struct, frozen=True):
    chat_id: str
    operator_id: Ids = Ids()
    user: _Operator = _Operator()  # version 1


def _entered(read: _Read) -> Event:
    body = msgspec.json.decode(read.event, type=_Entered)
    return Internal(
        key=read.key,
        place=read.place(body.chat_id, ChatKind.PRIVATE),
        sender=Person(body.operator_id.open_id or body.user.open_id),
        kind="entered",
        at=read.at,
    )


# --- what is left --------------------------------------------------------------------------


def _unknown(read: _Read) -> Event:
    return _undecodable(read.payload, read.me, f"unknown type {read.kind}", read.at, key=read.key)


def _undecodable(
    payload: bytes, me: Identity, problem: str, at: float, key: str = ""
) -> Undecodable:
    return Undecodable(
        key=key or other_key(_hash(payload)),
        place=Place(me.bot, UNKNOWN_CHAT),
        sender=Person(UNKNOWN_CHAT),
        raw=payload.decode("utf-8", "backslashreplace")[:RAW_CHARACTERS_MAX],
        problem=problem[:PROBLEM_CHARACTERS_MAX],
        at=at,
    )


_READERS: Mapping[str, Callable[[_Read], Event]] = {
    "im.message.receive_v1": _message,
    "im.message.recalled_v1": _recalled,
    "im.message.reaction.created_v1": _reaction(is_added=True),
    "im.message.reaction.deleted_v1": _reaction(is_added=False),
    "im.chat.member.bot.added_v1": _members(is_joining=True, is_about_me=True),
    "im.chat.member.bot.deleted_v1": _members(is_joining=False, is_about_me=True),
    "im.chat.disbanded_v1": _members(is_joining=False, is_about_me=True),
    "im.chat.member.user.added_v1": _members(is_joining=True, is_about_me=False),
    "im.chat.member.user.deleted_v1": _members(is_joining=False, is_about_me=False),
    "im.chat.member.user.withdrawn_v1": _members(is_joining=False, is_about_me=False),
    "im.chat.access_event.bot_p2p_chat_entered_v1": _entered,
    "p2p_chat_create": _entered,
    "application.bot.menu_v6": _menu,
    "card.action.trigger": _press,
}
