"""The chat server of one bot: what its pages, its routes and its command line share."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from posthouse.channels.web.crypto import Invitation, Signer
from posthouse.channels.web.errands import Errands
from posthouse.channels.web.live import Live
from posthouse.channels.web.mentions import bot_names, mentioned
from posthouse.channels.web.settings import (
    MEMBERS_MAX,
    NUMBER_MAX,
    ROOMS_PER_PERSON_MAX,
    TEXT_CHARS_MAX,
    WebOptions,
)
from posthouse.channels.web.view import RoomLine, RoomPage, message_view, room_line, room_view
from posthouse.channels.web.visitors import Seat, Visitors
from posthouse.channels.web.words import Declined
from posthouse.model.address import ChatKind, Person
from posthouse.model.message import Media
from posthouse.store.media import Shelf
from posthouse.store.reader import Roads
from posthouse.store.rooms import Message, Room, Rooms, Said

PAGE_MESSAGES = 50
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # control characters that are no line breaks


class Chat(Struct, frozen=True, kw_only=True):
    """Everything a web bot works with."""

    bot: str
    options: WebOptions
    rooms: Rooms
    reader: Roads | None
    visitors: Visitors
    signer: Signer
    errands: Errands
    live: Live
    shelf: Shelf
    clock: Callable[[], float]
    new_key: Callable[[], str]
    public_url: str

    # --- rooms --------------------------------------------------------------------------

    async def lines(self, person: Person) -> list[RoomLine]:
        """Return somebody's list of rooms."""
        found = await self.rooms.rooms_of(self.bot, person.id, ROOMS_PER_PERSON_MAX)
        return [room_line(line) for line in found]

    async def page(self, seat: Seat) -> RoomPage:
        """Return what a page needs to show a room.

        The room, and with it the version, was read before the messages are: what happens between
        is told to the page once more, and changes nothing there.
        """
        room, me = seat.room, seat.me
        found = await self.rooms.before(room.id, None, PAGE_MESSAGES + 1)
        return RoomPage(
            room=room_view(room, await self.rooms.members(room.id), me.id),
            messages=tuple(message_view(message, me.id) for message in found[-PAGE_MESSAGES:]),
            is_more=len(found) > PAGE_MESSAGES,
            version=room.version,
            read_number=me.read_number,
        )

    async def open_room(self, person: Person, kind: ChatKind, title: str, language: str) -> Room:
        """Open a room with its first person in it; the bot speaks their ``language`` there.

        Raises:
            TryLater: it is open, but the road could not be told yet.
        """
        now = self.clock()
        new = Room(
            id=self.new_key()[:12],
            bot=self.bot,
            kind=kind,
            title=title,
            created_at=now,
            language=language,
        )
        room = await self.rooms.create(new, person.id, now)
        await self.errands.run(room.id)
        return room

    async def welcome(self, person: Person, language: str) -> Room:
        """Give somebody new a room of their own to begin in."""
        return await self.open_room(person, ChatKind.PRIVATE, self.options.bot_name, language)

    def join_link(self, room: str, expires_s: float = 0.0) -> tuple[str, float]:
        """Return a link that lets people into a room (``""``: into the house), and until when.

        It begins with the public address where one is configured, else with the bot's path.
        """
        expires_at = self.clock() + (expires_s or self.options.join_link_s)
        token = self.signer.invite(Invitation(self.bot, expires_at, room))
        return f"{self.public_url.rstrip('/')}{self.options.path}/join/{token}", expires_at

    async def join(self, room: str, person: Person) -> None:
        """Let somebody into a room by an invitation.

        Raises:
            Declined: the room is gone or full.
            TryLater: they are in, but the road could not be told yet.
        """
        if await self.rooms.room(self.bot, room) is None:
            raise Declined("link_invalid")
        if not await self.rooms.join(room, person.id, self.clock(), MEMBERS_MAX):
            raise Declined("room_full")
        await self.tell(room)

    # --- messages -----------------------------------------------------------------------

    async def said(self, seat: Seat, text: str, media: tuple[Media, ...]) -> Said:
        """Return what a person wants to say, and whom it mentions.

        Raises:
            Declined: it is nothing, or too much.
        """
        text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        if not text.strip() and not media:
            raise Declined("empty")
        if len(text) > TEXT_CHARS_MAX:
            raise Declined("too_long")
        members = await self.rooms.members(seat.room.id)
        people = [Person(id=member.id, name=member.name) for member in members]
        mentions = mentioned(text, [*bot_names(self.options.bot_name), *people])
        return Said(text=text, media=media, mentions=mentions)

    async def message(self, seat: Seat, number: int) -> Message:
        """Return a message of a room.

        Raises:
            Declined: there is none by that number.
        """
        message = None
        if 0 < number <= NUMBER_MAX:
            message = await self.rooms.message(seat.room.id, number)
        if message is None:
            raise Declined("message_not_found")
        return message

    async def tell(self, room: str) -> None:
        """Let everybody see a change, and return once the road has it in its book.

        Raises:
            TryLater: the road could not take it; it will be told again.
        """
        self.live.changed(room)
        await self.errands.run(room)
