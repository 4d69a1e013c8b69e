"""Rooms as a page gets them: the JSON of the chat's own interface, drawn up for one reader."""

from __future__ import annotations

from msgspec import Struct

from posthouse.channels.web import render
from posthouse.channels.web.media import INLINE_MIMES
from posthouse.channels.web.settings import PRESSES_SHOWN_MAX
from posthouse.model.address import Role
from posthouse.model.message import Media
from posthouse.store.rooms import BOT, Member, Message, Quoted, Room, RoomOfPerson

_SNIPPET_CHARS = 120


class FileView(Struct, frozen=True):
    """A file of a message; ``is_picture``: the page may show it."""

    name: str
    mime: str
    size_bytes: int
    is_picture: bool


class ChoiceView(Struct, frozen=True):
    label: str
    token: str


class PressView(Struct, frozen=True):
    person: str
    name: str
    token: str
    is_vain: bool  # it did nothing; only who made it sees it


class QuoteView(Struct, frozen=True):
    number: int
    name: str
    is_bot: bool
    text: str
    is_recalled: bool


class MessageView(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One message; ``html`` is safe to show, ``text`` is what was written."""

    number: int
    version: int
    sender: str
    name: str
    at: float
    text: str = ""
    html: str = ""
    key: str = ""  # only for its sender: how the page's outbox recognises it
    is_bot: bool = False
    is_mine: bool = False
    is_draft: bool = False
    is_recalled: bool = False
    edited_at: float | None = None
    quoted: QuoteView | None = None
    files: tuple[FileView, ...] = ()
    choices: tuple[ChoiceView, ...] = ()
    presses: tuple[PressView, ...] = ()
    mentions_me: bool = False


class PressedView(MessageView, frozen=True, omit_defaults=True, kw_only=True):
    """A message below which somebody pressed, and what is to be shown to them alone."""

    toast: str = ""


class MemberView(Struct, frozen=True):
    id: str
    name: str
    is_owner: bool


class RoomView(Struct, frozen=True, kw_only=True):
    """A room's head: its title and who is in it."""

    id: str
    kind: str
    title: str
    is_owner: bool
    members: tuple[MemberView, ...]


class RoomLine(Struct, frozen=True, kw_only=True):
    """A room in somebody's list."""

    id: str
    kind: str
    title: str
    is_owner: bool
    unread: int
    at: float
    last_name: str
    last_text: str


class RoomPage(Struct, frozen=True, kw_only=True):
    """All that a page needs to show a room and to be told what happens next."""

    room: RoomView
    messages: tuple[MessageView, ...]
    is_more: bool  # there are older ones
    version: int  # ask for what happens after this
    read_number: int


def message_view(message: Message, reader: str) -> MessageView:
    """Draw up a message for one reader."""
    said = message.said
    return MessageView(
        number=message.number,
        version=message.version,
        sender=message.sender,
        name=message.sender_name,
        at=message.at,
        text=said.text,
        html=html_of(message),
        key=message.key if message.sender == reader else "",
        is_bot=message.sender == BOT,
        is_mine=message.sender == reader,
        is_draft=message.is_draft,
        is_recalled=message.is_recalled,
        edited_at=message.edited_at,
        quoted=_quote_view(message.quoted),
        files=tuple(file_view(media) for media in said.media),
        choices=tuple(ChoiceView(choice.label, choice.token) for choice in said.choices),
        presses=tuple(
            PressView(press.person, press.name, press.token, press.is_vain)
            for press in message.presses[:PRESSES_SHOWN_MAX]
            if not press.is_vain or press.person == reader
        ),
        mentions_me=any(person.id == reader for person in said.mentions),
    )


def html_of(message: Message) -> str:
    said = message.said
    if not said.text:
        return ""
    names = tuple(person.name for person in said.mentions)
    if said.format == "plain" and message.sender == BOT:
        return render.plain(said.text)
    return (
        render.answer(said.text, names) if message.sender == BOT else render.typed(said.text, names)
    )


def file_view(media: Media) -> FileView:
    return FileView(media.name, media.mime, media.size_bytes, media.mime in INLINE_MIMES)


def _quote_view(quoted: Quoted | None) -> QuoteView | None:
    if quoted is None:
        return None
    is_bot = quoted.sender == BOT
    text = _one_line(quoted.text, is_bot=is_bot)
    return QuoteView(quoted.number, quoted.sender_name, is_bot, text, quoted.is_recalled)


def _one_line(text: str, *, is_bot: bool) -> str:
    if is_bot:
        return render.summary(text[: 4 * _SNIPPET_CHARS], _SNIPPET_CHARS)
    return " ".join(text.split())[:_SNIPPET_CHARS]


def room_view(room: Room, members: tuple[Member, ...], reader: str) -> RoomView:
    shown = tuple(MemberView(m.id, m.name, m.role == Role.OWNER) for m in members)
    return RoomView(
        id=room.id,
        kind=room.kind,
        title=room.title,
        is_owner=any(member.id == reader and member.is_owner for member in shown),
        members=shown,
    )


def room_line(line: RoomOfPerson) -> RoomLine:
    last = line.last
    return RoomLine(
        id=line.room.id,
        kind=line.room.kind,
        title=line.room.title,
        is_owner=line.role == Role.OWNER,
        unread=line.unread,
        at=last.at if last else line.room.created_at,
        last_name=last.sender_name if last else "",
        last_text=_snippet(last) if last else "",
    )


def _snippet(message: Message) -> str:
    words = _one_line(message.said.text, is_bot=message.sender == BOT)
    return words or ", ".join(media.name for media in message.said.media)[:_SNIPPET_CHARS]
