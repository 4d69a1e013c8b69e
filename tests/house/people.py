"""What people do on a platform, as the events that a codec would make of it."""

from itertools import count

from posthouse.model.address import ChatKind, Person, Place, Role
from posthouse.model.event import (
    ButtonPressed,
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
from posthouse.model.message import Mention, Part, Quote, Text

BOT = "b"
ROOM = "room"
NOON = 1_750_000_000.0

_numbers = count(1)


def place(room: str = ROOM, bot: str = BOT, kind: ChatKind = ChatKind.GROUP) -> Place:
    return Place(bot=bot, platform_id=room, kind=kind, title=f"Room {room}")


def said(
    text: str,
    *,
    who: str = "ann",
    role: Role = Role.MEMBER,
    room: str = ROOM,
    bot: str = BOT,
    kind: ChatKind = ChatKind.GROUP,
    message_id: str = "",
    at: float = NOON,
    thread: str = "",
    is_addressed: bool = True,
    is_bot: bool = False,
    parts: tuple[Part, ...] | None = None,
) -> MessageReceived:
    """Somebody says something; in a group it mentions the bot unless ``is_addressed`` is false."""
    message_id = message_id or f"om{next(_numbers)}"
    return MessageReceived(
        key=message_key(room, message_id),
        place=place(room, bot, kind),
        sender=Person(who, who.title(), role, is_bot),
        message_id=message_id,
        parts=(Text(text),) if parts is None else parts,
        at=at,
        thread=thread,
        is_addressed=is_addressed,
    )


def mentioning(text: str) -> tuple[Part, ...]:
    """``@bot text``, as platforms send it."""
    return (Mention("bot-id", "Posthouse", is_me=True), Text(text))


def quoting(text: str) -> tuple[Part, ...]:
    """A reply to a message of the bot."""
    return (Quote("om0", "what it said", is_mine=True), Text(text))


def edited(
    message: MessageReceived, text: str, *, at: float | None = None, stamp: str = "1"
) -> MessageEdited:
    return MessageEdited(
        key=edit_key(message.place.platform_id, message.message_id, stamp),
        place=message.place,
        sender=message.sender,
        message_id=message.message_id,
        parts=(Text(text),),
        at=message.at if at is None else at,
        thread=message.thread,
        is_addressed=message.is_addressed,
    )


def recalled(message: MessageReceived, *, at: float | None = None) -> MessageRecalled:
    return MessageRecalled(
        key=recall_key(message.place.platform_id, message.message_id),
        place=message.place,
        sender=message.sender,
        message_id=message.message_id,
        at=message.at if at is None else at,
    )


def pressed(
    token: str,
    *,
    who: str = "ann",
    room: str = ROOM,
    bot: str = BOT,
    kind: ChatKind = ChatKind.GROUP,
    at: float = NOON,
) -> ButtonPressed:
    number = next(_numbers)
    return ButtonPressed(
        key=press_key(room, f"press{number}"),
        place=place(room, bot, kind),
        sender=Person(who, who.title()),
        message_id=f"om-with-buttons-{number}",
        token=token,
        at=at,
    )


def joined(*, room: str = ROOM, is_about_me: bool = True, at: float = NOON) -> MembersChanged:
    newcomer = Person("bot-id" if is_about_me else "zoe")
    return MembersChanged(
        key=other_key(f"members{next(_numbers)}"),
        place=place(room),
        sender=Person("ann"),
        at=at,
        joined=(newcomer,),
        is_about_me=is_about_me,
    )
