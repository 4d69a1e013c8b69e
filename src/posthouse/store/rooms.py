"""The web channel's chat server: people, rooms, and what was said in them.

Every room counts its changes. A message's ``number`` is the count at which it appeared, its
``version`` the count at which it last changed; a page that knows version *n* asks for what changed
after *n* and gets each changed message once, as it is now. That is all a page needs to come back
after the network, the server or both were away: nothing lost, nothing twice.

What people do is told to the road by way of *errands*: each is written in the transaction that
changes the room, and removed when the road has it in its book. A crash between the two leaves the
errand, never a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, Protocol

from msgspec import Struct

from posthouse.model.address import ChatKind, Person, Role
from posthouse.model.message import Choice, Media

BOT = ""  # the sender of the bot's own messages; no person has this id


class Room(Struct, frozen=True, kw_only=True):
    """A place to talk with one bot."""

    id: str
    bot: str
    kind: ChatKind
    title: str
    created_at: float
    version: int = 0  # how many changes it has seen
    people_version: int = 0  # at which of them its title, or somebody in it, last changed
    language: str = ""  # of the person who opened it; "" = the bot's


class Member(Struct, frozen=True, kw_only=True):
    """Somebody in a room, under today's name."""

    id: str
    name: str
    role: Role
    joined_at: float
    read_number: int = 0  # has seen messages up to this number


class Said(Struct, frozen=True, omit_defaults=True):
    """What a message says."""

    text: str = ""
    format: Literal["plain", "markdown"] = "markdown"
    media: tuple[Media, ...] = ()
    choices: tuple[Choice, ...] = ()
    mentions: tuple[Person, ...] = ()


class Press(Struct, frozen=True):
    """Somebody's choice among the buttons below a message."""

    person: str
    name: str
    token: str
    is_vain: bool = False  # it did nothing: only who made it learns of it


class Quoted(Struct, frozen=True, kw_only=True):
    """The message that another one replies to, as far as it is shown there."""

    number: int
    sender: str
    sender_name: str
    text: str  # its beginning; empty when it was recalled
    is_recalled: bool


class Message(Struct, frozen=True, kw_only=True):
    """One message as it is now; a recalled one says nothing."""

    room: str
    number: int
    version: int
    sender: str  # a person's id, or ``BOT``
    sender_name: str
    said: Said
    at: float
    key: str = ""  # by which its sender recognises it
    quoted: Quoted | None = None
    edited_at: float | None = None
    is_recalled: bool = False
    is_draft: bool = False  # more is being written
    presses: tuple[Press, ...] = ()


class NewMessage(Struct, frozen=True, kw_only=True):
    """A message to be written; the same sender and key again gives the first one back."""

    room: str
    sender: str
    key: str  # chosen by the page, or the delivery's
    said: Said
    quote: int | None = None
    is_draft: bool = False


class Changes(Struct, frozen=True, kw_only=True):
    """What happened in a room after some version, at most as many messages as were asked for."""

    version: int  # ask for what is after this next time
    messages: tuple[Message, ...]  # in the order of their changes
    has_people_changed: bool  # title or members
    is_more: bool


class RoomOfPerson(Struct, frozen=True, kw_only=True):
    """A room in somebody's list."""

    room: Room
    role: Role
    unread: int
    last: Message | None


class Upload(Struct, frozen=True, kw_only=True):
    """A file that somebody brought into a room and has not sent yet, or has."""

    room: str
    person: str
    media: Media


class ErrandKind(StrEnum):
    """What the road is to be told."""

    POSTED = "posted"
    EDITED = "edited"
    RECALLED = "recalled"
    PRESSED = "pressed"
    CREATED = "created"
    JOINED = "joined"
    LEFT = "left"


class Errand(Struct, frozen=True, kw_only=True):
    """Something that happened in a room and that the road does not have in its book yet."""

    id: int
    room: str
    kind: ErrandKind
    version: int  # of the room when it happened; with the room it names the errand for good
    number: int  # of the message; 0 where there is none
    person: Person
    token: str = ""  # of the button
    at: float


class Rooms(Protocol):
    """Each method is one transaction and returns when it is durable.

    ``now`` is always the caller's clock. Who may do what is decided by the caller, except that
    people edit and recall only what they said themselves, and only while it is not recalled.
    """

    # --- people -------------------------------------------------------------------------

    async def name_person(self, bot: str, person: str, name: str, now: float) -> tuple[str, ...]:
        """Enter somebody, or give them another name; returns the rooms that show it."""
        ...

    async def person_name(self, bot: str, person: str) -> str | None:
        """Return the name of somebody who was entered; None for a stranger."""
        ...

    # --- rooms --------------------------------------------------------------------------

    async def create(self, room: Room, owner: str, now: float) -> Room:
        """Open a room with its owner in it; leaves a ``CREATED`` errand."""
        ...

    async def room(self, bot: str, room: str) -> Room | None:
        """Return a room of this bot."""
        ...

    async def retitle(self, room: str, title: str) -> None:
        """Give a room another title."""
        ...

    async def join(self, room: str, person: str, now: float, members_max: int) -> bool:
        """Let somebody in; leaves a ``JOINED`` errand unless they are in. False: it is full."""
        ...

    async def leave(self, room: str, person: str, now: float) -> bool:
        """Let somebody out, with a ``LEFT`` errand; False when they are not in.

        When the owner leaves, whoever has been there longest becomes the owner.
        """
        ...

    async def member(self, room: str, person: str) -> Member | None:
        """Return somebody if they are in the room."""
        ...

    async def members(self, room: str) -> tuple[Member, ...]:
        """Return who is in the room, in the order they came."""
        ...

    async def rooms_of(self, bot: str, person: str, limit: int) -> tuple[RoomOfPerson, ...]:
        """Return somebody's rooms, the one with the newest message first."""
        ...

    async def mark_read(self, room: str, person: str, number: int) -> None:
        """Remember that somebody has seen messages up to ``number``; it never goes back."""
        ...

    # --- messages -----------------------------------------------------------------------

    async def post(self, message: NewMessage, now: float) -> tuple[Message, bool]:
        """Write a message; False when its key was there before (nothing changed then).

        A person's message leaves a ``POSTED`` errand, and has been read by its sender.

        Raises:
            Refused: there is no such room.
        """
        ...

    async def edit(self, room: str, number: int, person: str, said: Said, now: float) -> bool:
        """Change the words of one's own message, with an ``EDITED`` errand.

        The same words again change nothing. False when it is not theirs, or gone.
        """
        ...

    async def recall(self, room: str, number: int, person: str, now: float) -> bool:
        """Take back one's own message: its words and files are erased.

        Leaves a ``RECALLED`` errand the first time. False when it is not theirs.
        """
        ...

    async def press(self, room: str, number: int, person: str, token: str, now: float) -> bool:
        """Record somebody's first press below a message, with a ``PRESSED`` errand.

        Another press by the same person changes nothing. False when no such button is there.
        """
        ...

    async def press_in_vain(self, room: str, number: int, person: str) -> None:
        """Note that somebody's press below a message did nothing; leaves no errand."""
        ...

    async def rewrite(
        self, room: str, number: int, said: Said, now: float, *, is_draft: bool
    ) -> bool:
        """Give the bot's message other words; the same words again change nothing.

        A draft that gets its final words is not shown as edited; presses of buttons that are no
        longer there are forgotten. False: gone, or not the bot's.
        """
        ...

    async def withdraw(self, room: str, number: int, now: float) -> bool:
        """Take back the bot's message; doing it again is fine. False when it was never there."""
        ...

    async def message(self, room: str, number: int) -> Message | None:
        """Return one message."""
        ...

    async def before(self, room: str, number: int | None, limit: int) -> tuple[Message, ...]:
        """Return messages older than ``number`` (None: the newest), oldest first."""
        ...

    async def changes(self, room: str, after: int, limit: int) -> Changes:
        """Return what changed after version ``after``, at most ``limit`` messages."""
        ...

    # --- files --------------------------------------------------------------------------

    async def keep_upload(self, upload: Upload, now: float) -> None:
        """Remember that somebody brought a file into a room."""
        ...

    async def upload(self, room: str, person: str, ref: str) -> Upload | None:
        """Return a file that somebody brought into a room."""
        ...

    async def forget_uploads(self, before_at: float, limit: int) -> tuple[str, ...]:
        """Forget old uploads; returns references that no message and no upload uses any more."""
        ...

    # --- the road -----------------------------------------------------------------------

    async def errands(self, bot: str, room: str | None, limit: int) -> tuple[Errand, ...]:
        """Return what the road has not got yet, oldest first, of one room or of all."""
        ...

    async def done(self, errands: Sequence[int]) -> None:
        """Remove errands that the road has in its book."""
        ...
