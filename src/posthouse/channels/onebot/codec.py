"""OneBot v11 and ours: frames → events, content → the bytes of an action. Pure, both ways."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence

import msgspec
from msgspec import Struct

from posthouse.channels.channel import Letter
from posthouse.channels.onebot.segments import (
    FileRef,
    Reading,
    Segment,
    is_to_bot,
    parts_of,
    ref_of,
)
from posthouse.model.address import ChatKind, Person, Place, Role
from posthouse.model.delivery import Kind
from posthouse.model.errors import NotUnderstood
from posthouse.model.event import (
    Event,
    Internal,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
    Undecodable,
    message_key,
    other_key,
    recall_key,
)
from posthouse.model.message import Content, File, Media

PROBLEM_CHARACTERS_MAX = 500
RAW_CHARACTERS_MAX = 64 * 1024
DIGITS_MAX = 19  # of 64 bits

# What bytes from outside can do to a decoder: no JSON, the wrong shape, not UTF-8, too deep.
UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError, NotUnderstood)

Id = int | str | None

# --- frames ---------------------------------------------------------------------------------


class Sender(Struct, frozen=True):
    nickname: str | None = None
    card: str | None = None  # the name in this group
    role: str | None = None
    group_id: Id = None  # of a temporary session


class Anonymous(Struct, frozen=True):
    id: Id = None
    name: str | None = None


class Upload(Struct, frozen=True):
    id: Id = None
    name: str | None = None
    size: int | str | None = None
    url: str | None = None


class Like(Struct, frozen=True):
    emoji_id: Id = None


class Health(Struct, frozen=True):
    online: bool | None = None


class Frame(Struct, frozen=True, kw_only=True):
    """Any frame of an implementation: an event (``post_type``), or the answer to an action."""

    post_type: str = ""
    self_id: Id = None
    time: float | None = None
    message_type: str | None = None
    sub_type: str | None = None
    notice_type: str | None = None
    request_type: str | None = None
    meta_event_type: str | None = None
    message_id: Id = None
    message_seq: Id = None
    user_id: Id = None
    group_id: Id = None
    operator_id: Id = None
    target_id: Id = None
    group_name: str | None = None
    message: Sequence[Segment] | str | None = None
    sender: Sender | None = None
    anonymous: Anonymous | None = None
    file: Upload | None = None
    likes: Sequence[Like] | None = None
    code: Id = None  # of a reaction (Lagrange)
    is_add: bool | None = None
    flag: str | None = None
    interval: float | None = None  # of heartbeats, in milliseconds
    # of answers; a heartbeat's ``status`` is an object
    status: msgspec.Raw = msgspec.Raw()
    retcode: int | None = None
    data: msgspec.Raw = msgspec.Raw()
    echo: msgspec.Raw = msgspec.Raw()
    msg: str | None = None
    wording: str | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it answers an action."""
        return not self.post_type and self.retcode is not None


FRAMES = msgspec.json.Decoder(Frame)


def read(payload: str | bytes) -> Frame:
    """Read a frame.

    Raises:
        one of ``UNREADABLE``: it is none.
    """
    frame = FRAMES.decode(payload)
    if not frame.post_type and frame.retcode is None:
        raise NotUnderstood("neither an event nor an answer")
    return frame


# --- in -------------------------------------------------------------------------------------


class Context(Struct, frozen=True):
    """What the meaning of a frame depends on beside its bytes."""

    bot: str
    now: float
    mine: Container[str] = frozenset()  # ids of messages that the bot sent


def decode(payload: str | bytes, context: Context) -> tuple[Event, ...]:
    """Read what an implementation sent; what cannot be read becomes ``Undecodable``.

    Heartbeats, answers and somebody's typing are no events.
    """
    try:
        return events_of(read(payload), payload, context)
    except UNREADABLE as error:
        return (undecodable(payload, f"{type(error).__name__}: {error}", context),)


def is_online(frame: Frame) -> bool | None:
    """Return whether QQ itself is connected, as heartbeats tell; None: it does not say."""
    if frame.notice_type == "bot_offline":
        return False
    if frame.meta_event_type != "heartbeat" or not bytes(frame.status):
        return None
    try:
        return msgspec.json.decode(frame.status, type=Health).online
    except UNREADABLE:
        return None


def events_of(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    """Return the events that a frame tells of.

    Raises:
        one of ``UNREADABLE``: something that its kind needs is missing.
    """
    match frame.post_type:
        case "message" | "message_sent":
            return (_message(frame, payload, context),)
        case "notice":
            return _notice(frame, payload, context)
        case "request":
            return (_told(frame, payload, context, f"onebot.request.{frame.request_type}"),)
        case "meta_event" | "":
            return ()
        case other:
            raise NotUnderstood(f"unknown post_type {other}")


def undecodable(payload: str | bytes, problem: str, context: Context) -> Event:
    """Keep what cannot be read under its own hash, so a repeat is one entry."""
    return Undecodable(
        key=other_key(_hash(payload)),
        place=Place(context.bot, "undecodable"),
        sender=Person("undecodable"),
        raw=_raw(payload),
        problem=problem[:PROBLEM_CHARACTERS_MAX],
        at=context.now,
    )


def _hash(payload: str | bytes) -> str:
    data = payload.encode(errors="surrogatepass") if isinstance(payload, str) else payload
    return hashlib.sha256(data).hexdigest()


def _raw(payload: str | bytes) -> str:
    text = payload if isinstance(payload, str) else payload.decode("utf-8", "backslashreplace")
    return text[:RAW_CHARACTERS_MAX]


def _message(frame: Frame, payload: str | bytes, context: Context) -> Event:
    self_id = _id(frame.self_id)
    place = _place(frame, context.bot)
    parts = parts_of(frame.message or "", Reading(self_id, context.mine))
    sender = _sender(frame)
    is_own = sender.is_bot
    message_id = _id(frame.message_id)
    key = message_key(place.platform_id, message_id) if message_id else other_key(_hash(payload))
    is_addressed = place.kind is ChatKind.PRIVATE or any(map(is_to_bot, parts))
    return MessageReceived(
        key=key,
        place=place,
        sender=sender,
        message_id=message_id,
        parts=parts,
        at=_at(frame, context),
        is_addressed=is_addressed and not is_own,
    )


def _place(frame: Frame, bot: str) -> Place:
    """Say where: ``group:<id>``, ``private:<id>``, or ``temp:<group>:<id>`` between strangers."""
    group, user = _id(frame.group_id), _id(frame.user_id)
    if frame.message_type != "private" and group:
        return Place(bot, f"group:{group}", ChatKind.GROUP, frame.group_name or "")
    if user == _id(frame.self_id):
        user = _id(frame.target_id) or user  # the bot's own words: to whom
    if not user:
        raise NotUnderstood("neither user_id nor group_id")
    title = (frame.sender.nickname if frame.sender else "") or ""
    from_group = _id(frame.sender.group_id if frame.sender else None) or group
    if frame.sub_type == "group" and from_group:
        return Place(bot, f"temp:{from_group}:{user}", ChatKind.PRIVATE, title)
    return Place(bot, f"private:{user}", ChatKind.PRIVATE, title)


_ROLES = {"owner": Role.OWNER, "admin": Role.ADMIN}


def _sender(frame: Frame) -> Person:
    if frame.anonymous is not None and _id(frame.anonymous.id):  # all of them share one user_id
        return Person(f"anonymous:{_id(frame.anonymous.id)}", frame.anonymous.name or "")
    said = frame.sender or Sender()
    user = _id(frame.user_id)
    return Person(
        id=user,
        name=said.card or said.nickname or "",
        role=_ROLES.get(said.role or "", Role.MEMBER),
        is_bot=frame.post_type == "message_sent" or user == _id(frame.self_id),
    )


def _id(value: Id) -> str:
    return "" if value is None or value == 0 else str(value)


def _at(frame: Frame, context: Context) -> float:
    return context.now if frame.time is None else frame.time


# --- notices and requests -------------------------------------------------------------------


def _notice(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    kind = frame.notice_type or ""
    if frame.sub_type == "input_status":
        return ()  # somebody types: over before anybody could look at it
    return _NOTICES.get(kind, _other)(frame, payload, context)


def _recalled(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    if _id(frame.user_id) == _id(frame.self_id):  # what the bot had said: the book knows, or why
        return (_told(frame, payload, context, "onebot.notice.own_recalled"),)
    place, message_id = _place(frame, context.bot), _id(frame.message_id)
    if not message_id:
        raise NotUnderstood("a recall without message_id")
    sender = Person(_id(frame.operator_id) or _id(frame.user_id))
    key = recall_key(place.platform_id, message_id)
    return (MessageRecalled(key, place, sender, message_id, _at(frame, context)),)


def _members(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    person = Person(_id(frame.user_id), is_bot=_id(frame.user_id) == _id(frame.self_id))
    has_joined = frame.notice_type == "group_increase"
    return (
        MembersChanged(
            key=other_key(_hash(payload)),
            place=_place(frame, context.bot),
            sender=Person(_id(frame.operator_id) or person.id),
            at=_at(frame, context),
            joined=(person,) if has_joined else (),
            left=() if has_joined else (person,),
            is_about_me=person.is_bot or frame.sub_type == "kick_me",
        ),
    )


def _reactions(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    """NapCat lists ``likes``; Lagrange has one ``code``, and says ``add`` or ``remove``."""
    codes = [_id(like.emoji_id) for like in frame.likes or ()] or [_id(frame.code)]
    digest = _hash(payload)
    return tuple(
        ReactionChanged(
            key=other_key(f"{digest}:{number}"),
            place=_place(frame, context.bot),
            sender=Person(_id(frame.operator_id) or _id(frame.user_id)),
            message_id=_id(frame.message_id),
            emoji=emoji_of(code),
            at=_at(frame, context),
            is_added=frame.is_add is not False and frame.sub_type != "remove",
        )
        for number, code in enumerate(codes)
    )


def _uploaded(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    if frame.file is None:
        raise NotUnderstood("an upload without file")
    size = str(frame.file.size or "")
    ref = FileRef("file", _id(frame.file.id) or frame.file.name or "", frame.file.url or "")
    media = Media(
        ref=ref_of(ref),
        name=frame.file.name or "",
        size_bytes=int(size) if size.isdecimal() else 0,
    )
    place, digest = _place(frame, context.bot), _hash(payload)
    return (
        MessageReceived(
            key=other_key(digest),
            place=place,
            sender=_sender(frame),
            message_id="",
            parts=(File(media),),
            at=_at(frame, context),
            is_addressed=place.kind is ChatKind.PRIVATE,
        ),
    )


def _other(frame: Frame, payload: str | bytes, context: Context) -> tuple[Event, ...]:
    kind = frame.sub_type if frame.notice_type == "notify" else frame.notice_type
    return (_told(frame, payload, context, f"onebot.notice.{kind}"),)


def _told(frame: Frame, payload: str | bytes, context: Context, kind: str) -> Event:
    """Write down what has no meaning on the road: pokes, bans, honours, requests."""
    has_place = _id(frame.group_id) or _id(frame.user_id)
    place = _place(frame, context.bot) if has_place else Place(context.bot, "account")
    person = Person(_id(frame.operator_id) or _id(frame.user_id) or _id(frame.self_id))
    key, at = other_key(_hash(payload)), _at(frame, context)
    return Internal(key, place, person, kind[:64], at, payload=_raw(payload))


_NOTICES: dict[str, Callable[[Frame, str | bytes, Context], tuple[Event, ...]]] = {
    "group_recall": _recalled,
    "friend_recall": _recalled,
    "group_increase": _members,
    "group_decrease": _members,
    "group_msg_emoji_like": _reactions,
    "reaction": _reactions,
    "group_upload": _uploaded,
    "offline_file": _uploaded,
}


def emoji_of(code: str) -> str:
    """Return the character of an emoji's number; QQ's own faces keep their small ones."""
    is_unicode = code.isdecimal() and 0x2000 <= int(code) <= 0x10FFFF  # noqa: PLR2004 - no faces there
    return chr(int(code)) if is_unicode else code


def code_of(emoji: str) -> str:
    """Return what ``set_msg_emoji_like`` calls an emoji: the opposite of ``emoji_of``."""
    return emoji if emoji.isascii() else str(ord(emoji[0]))


# --- out ------------------------------------------------------------------------------------


class OutMedia(Struct, frozen=True, omit_defaults=True):
    """A file that is put in when the call is made: bytes of this size are not stored twice."""

    ref: str
    name: str = ""
    kind: str = "file"  # the segment: image, record, video; or an upload


class Call(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An action with what it needs; ``media`` comes first, so a look tells whether there is one."""

    media: OutMedia | None = None
    action: str
    params: Mapping[str, object]


_ENCODER = msgspec.json.Encoder()
_CALLS = msgspec.json.Decoder(Call)


def encode(content: Content, letter: Letter) -> bytes:
    """Write one message as an action, without the ``echo`` that a call adds."""
    if letter.kind is Kind.REACT:
        emoji = {"message_id": number(letter.quote_message_id), "emoji_id": code_of(content.text)}
        return encode_call("set_msg_emoji_like", emoji)
    segments = _segments(content, letter)
    if content.media is None:
        action, params = address(letter.chat.platform_id)
        return encode_call(f"send_{action}_msg", {**params, "message": segments})
    media = _out_media(content.media)
    action, params = address(letter.chat.platform_id)
    if media.kind == "file":
        call = Call(
            media=media,
            action=f"upload_{action}_file",
            params={**params, "name": media.name or "file"},
        )
    else:
        call = Call(
            media=media, action=f"send_{action}_msg", params={**params, "message": segments}
        )
    return _ENCODER.encode(call)


def approval_of(frame: Frame, *, friends: bool, groups: bool) -> bytes:
    """Return the action that says yes to a request, where the operator wants that; else nothing.

    Into a group the bot only follows an invitation; it lets nobody else in.
    """
    if frame.post_type != "request" or not frame.flag:
        return b""
    if frame.request_type == "friend" and friends:
        return encode_call("set_friend_add_request", {"flag": frame.flag, "approve": True})
    if frame.request_type == "group" and frame.sub_type == "invite" and groups:
        params = {"flag": frame.flag, "sub_type": "invite", "type": "invite", "approve": True}
        return encode_call("set_group_add_request", params)
    return b""


def encode_call(action: str, params: Mapping[str, object]) -> bytes:
    """Write an action."""
    return _ENCODER.encode(Call(action=action, params=params))


def decode_call(body: bytes) -> Call:
    """Read what ``encode`` wrote.

    Raises:
        one of ``UNREADABLE``: these are no bytes of ours.
    """
    return _CALLS.decode(body)


def with_echo(body: bytes, echo: str) -> str:
    """Add to an encoded action what its answer will be known by."""
    return f'{body[:-1].decode()},"echo":"{echo}"}}'


def address(platform_id: str) -> tuple[str, dict[str, object]]:
    """Say how an action names a chat: ``group`` or ``private``, and the ids it needs."""
    kind, _, rest = platform_id.partition(":")
    if kind == "group":
        return "group", {"group_id": number(rest)}
    group, colon, user = rest.partition(":")
    if kind == "temp" and colon:
        return "private", {"user_id": number(user), "group_id": number(group)}
    return "private", {"user_id": number(rest or platform_id)}


def number(text: str) -> int | str:
    """Write an id as the number it is; what is none goes out as it came."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX):
        return text
    return int(text)


def _segments(content: Content, letter: Letter) -> list[Segment]:
    found: list[Segment] = []
    if letter.quote_message_id:
        found.append(Segment("reply", {"id": letter.quote_message_id}))
    if letter.chat.kind is ChatKind.GROUP:
        found += [Segment("at", {"qq": person.id}) for person in content.mentions]
    if content.text or not found:
        gap = " " if content.mentions and letter.chat.kind is ChatKind.GROUP else ""
        found.append(Segment("text", {"text": gap + content.text}))
    return found


_KINDS = {"image": "image", "audio": "record", "video": "video"}


def _out_media(media: Media) -> OutMedia:
    return OutMedia(media.ref, media.name, _KINDS.get(media.mime.partition("/")[0], "file"))


def with_media(call: Call, media: OutMedia, file: str) -> bytes:
    """Put a file into its action: ``base64://…`` or an address."""
    if media.kind == "file":
        return encode_call(call.action, {**call.params, "file": file})
    said = msgspec.convert(call.params.get("message", []), list[Segment])
    words = [each for each in said if each.type != "text" or each.get("text")]
    message = [*words, Segment(media.kind, {"file": file})]
    return encode_call(call.action, {**call.params, "message": message})
