"""Between a room and the road, without I/O: errand → event, content → what a room stores."""

from __future__ import annotations

import re

import msgspec

from posthouse.channels.channel import Letter
from posthouse.channels.web.mentions import BOT_ID, split
from posthouse.model.address import ChatKind, Person, Place
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MembersChanged,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    edit_key,
    message_key,
    other_key,
    press_key,
    recall_key,
)
from posthouse.model.message import (
    Audio,
    Content,
    File,
    Image,
    Media,
    Mention,
    Part,
    Quote,
    Video,
)
from posthouse.store.rooms import BOT, Errand, ErrandKind, Message, Room, Said
from posthouse.wakeup.wakeup import PAYLOAD_BYTES_MAX

_NUMBER = re.compile(r"[0-9]{1,15}")


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``encode`` leaves behind and ``perform`` writes into the room."""

    said: Said
    quote: int | None = None


class DraftGrown(msgspec.Struct, frozen=True, tag="draft"):
    """A growing message: ``text`` from character ``start`` on."""

    number: int
    start: int
    text: str


class TypingNow(msgspec.Struct, frozen=True, tag="typing"):
    """Somebody is writing (``BOT``: the bot), for a few seconds from ``at``."""

    person: str
    name: str
    at: float


Transient = DraftGrown | TypingNow


def message_id(room: str, number: int) -> str:
    """Name a message for the road; unlike the number alone it means one message of the bot."""
    return f"{room}-{number}"


def number_of(message_id: str) -> int | None:
    """Return the number inside a message's id; None when it is none of ours."""
    digits = message_id.rpartition("-")[2]
    return int(digits) if _NUMBER.fullmatch(digits) else None


# --- in: what happened in a room ------------------------------------------------------------


def place_of(room: Room) -> Place:
    return Place(
        bot=room.bot,
        platform_id=room.id,
        kind=room.kind,
        title=room.title,
        language=room.language,
    )


def event_of(errand: Errand, room: Room, message: Message | None, bot_name: str) -> Event | None:
    """Say an errand in the road's words; None when nothing is left to be said.

    A message is told as it is now: one that was taken back meanwhile is not told at all (its
    recall follows), one that was edited is told with its new words.
    """
    place, sender, at = place_of(room), errand.person, errand.at
    message = None if message is None or message.is_recalled else message
    of = message_id(room.id, errand.number)
    match errand.kind:
        case ErrandKind.POSTED | ErrandKind.EDITED:
            return _said(errand, place, message) if message else None
        case ErrandKind.RECALLED:
            return MessageRecalled(recall_key(room.id, of), place, sender, of, at)
        case ErrandKind.PRESSED:
            key = press_key(room.id, f"{errand.number}:{errand.version}")
            return ButtonPressed(key, place, sender, of, errand.token, at)
        case _:
            return _members(errand, place, bot_name)


def _said(errand: Errand, place: Place, message: Message) -> MessageReceived | MessageEdited:
    of = message_id(message.room, message.number)
    parts = parts_of(message)
    is_addressed = place.kind is ChatKind.PRIVATE or any(_is_to_bot(part) for part in parts)
    if errand.kind is ErrandKind.EDITED:
        kind: type[MessageReceived | MessageEdited] = MessageEdited
        key = edit_key(message.room, of, str(errand.version))
    else:
        kind = MessageReceived
        key = message_key(message.room, of)
    return kind(
        key=key,
        place=place,
        sender=errand.person,
        message_id=of,
        parts=parts,
        at=errand.at,
        is_addressed=is_addressed,
    )


def _is_to_bot(part: Part) -> bool:
    return (isinstance(part, Mention) and part.is_me) or (isinstance(part, Quote) and part.is_mine)


def _members(errand: Errand, place: Place, bot_name: str) -> MembersChanged | None:
    key = other_key(f"{place.platform_id}:{errand.version}")
    if errand.kind is not ErrandKind.CREATED:
        people = (errand.person,)
        joined = people if errand.kind is ErrandKind.JOINED else ()
        left = people if errand.kind is ErrandKind.LEFT else ()
        return MembersChanged(key, place, errand.person, errand.at, joined, left)
    if place.kind is ChatKind.PRIVATE:
        return None  # nobody else came: whoever opens a private room greets the bot first
    bot = Person(id=BOT_ID, name=bot_name, is_bot=True)
    return MembersChanged(key, place, errand.person, errand.at, joined=(bot,), is_about_me=True)


def parts_of(message: Message) -> tuple[Part, ...]:
    """Return what a message is made of: whom it answers, its words, its files."""
    quoted = message.quoted
    quote = () if quoted is None else (_quote(message.room, message),)
    words = tuple(split(message.said.text, message.said.mentions))
    return (*quote, *words, *(_file(media) for media in message.said.media))


def _quote(room: str, message: Message) -> Quote:
    quoted = message.quoted
    assert quoted is not None
    is_mine = quoted.sender == BOT
    sender = BOT_ID if is_mine else quoted.sender
    return Quote(message_id(room, quoted.number), quoted.text, sender, is_mine=is_mine)


def _file(media: Media) -> Part:
    match media.mime.partition("/")[0]:
        case "image":
            return Image(media)
        case "audio":
            return Audio(media)
        case "video":
            return Video(media)
        case _:
            return File(media)


# --- out: what a bot says -------------------------------------------------------------------


def encode(content: Content, letter: Letter) -> bytes:
    """Encode what the bot says as the room will store it."""
    said = Said(
        text=_with_mentions(content),
        format=content.format,
        media=() if content.media is None else (content.media,),
        choices=content.choices,
        mentions=content.mentions,
    )
    return msgspec.json.encode(Wire(said, number_of(letter.quote_message_id)))


def _with_mentions(content: Content) -> str:
    unsaid = [f"@{p.name}" for p in content.mentions if p.name and f"@{p.name}" not in content.text]
    return " ".join([*unsaid, content.text]) if unsaid else content.text


def decode_wire(body: bytes) -> Wire:
    return msgspec.json.decode(body, type=Wire)


# --- beside: what pages hear of while it happens --------------------------------------------


def nudge_of(what: Transient) -> bytes:
    """Encode a passing moment; of a long draft only its end, so that it fits a nudge."""
    payload = msgspec.json.encode(what)
    while len(payload) > PAYLOAD_BYTES_MAX and isinstance(what, DraftGrown):
        surplus_share = PAYLOAD_BYTES_MAX / len(payload)
        cut = len(what.text) - int(len(what.text) * surplus_share * 0.9)
        what = DraftGrown(what.number, what.start + cut, what.text[cut:])
        payload = msgspec.json.encode(what)
    return payload


def transient_of(payload: bytes) -> Transient | None:
    """Return the passing moment in a nudge; None: it says only that the room changed."""
    try:
        return msgspec.json.decode(payload, type=Transient) if payload else None
    except msgspec.DecodeError:
        return None  # of a newer version


def grown(before: str, draft: DraftGrown) -> str:
    """Add to a draft; where its beginning was missed, say so with an ellipsis."""
    if draft.start > len(before):
        return f"… {draft.text}"
    return before[: draft.start] + draft.text
