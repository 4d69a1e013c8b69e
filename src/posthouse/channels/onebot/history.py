"""What was said while nobody listened: asked for after a gap, where an implementation can tell.

OneBot itself brings nothing twice. NapCat, LLOneBot and go-cqhttp keep the newest messages of a
chat, and the book knows by their ids which of them it has, and when each chat was last heard;
NapCat tells of chats that spoke up since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import UNREADABLE, Context, Frame
from posthouse.channels.onebot.outcomes import NO_SUCH_ACTION
from posthouse.model.event import Event, MessageReceived

CHATS_MAX = 200
COUNT = 100  # messages at once
PAGES_MAX = 10  # of one chat
MARGIN_S = 300.0  # before the gap: what was on its way when it began
GAP_S_MAX = 86400.0
PRIVATE_CONTACT, GROUP_CONTACT = 1, 2  # NapCat's kinds of chats

Ask = Callable[[str, dict[str, object]], Awaitable[Frame]]


class _Messages(Struct, frozen=True):
    messages: tuple[msgspec.Raw, ...] = ()


class _Contact(Struct, frozen=True, rename="camel"):
    """A chat that spoke of late, as ``get_recent_contact`` lists it."""

    chat_type: int = 0
    peer_uin: int | str = ""
    msg_time: int | str = 0


_CONTACTS = msgspec.json.Decoder(tuple[_Contact, ...] | None)
_MESSAGES = msgspec.json.Decoder(_Messages)


class CannotTell(Exception):
    """The implementation does not tell this chat's history."""


class NoHistory(Exception):
    """The implementation does not know the action at all, for any chat of this kind."""


async def contacts(since_at: float, ask: Ask) -> tuple[str, ...]:
    """Return the chats that spoke since then; none where an implementation does not list them."""
    try:
        answer = await ask("get_recent_contact", {"count": CHATS_MAX})
        listed = _CONTACTS.decode(answer.data or b"null") or ()
        recent = [each for each in listed if float(each.msg_time or 0) >= since_at]
    except (*UNREADABLE, OSError, TimeoutError):
        return ()
    kinds = {PRIVATE_CONTACT: "private", GROUP_CONTACT: "group"}
    named = [(kinds.get(each.chat_type), each.peer_uin) for each in recent]
    return tuple(f"{kind}:{peer}" for kind, peer in named if kind and peer)


async def missed_in(
    chat: str, since_at: float, ask: Ask, self_id: str, context: Context
) -> tuple[Event, ...]:
    """Return what people said in a chat since then, oldest first.

    Raises:
        CannotTell: the implementation refuses this chat, or does not answer in time.
        NoHistory: it keeps no history of such chats.
        OSError: the connection is gone.
    """
    found: dict[str, MessageReceived] = {}
    until: dict[str, object] = {}
    for _ in range(PAGES_MAX):
        page = await _page(chat, until, ask)
        seen = len(found)
        found |= {event.key: event for event in _heard(page, self_id, context)}
        oldest = min(page, key=_time_of, default=None)
        if oldest is None or len(found) == seen or _time_of(oldest) < since_at:
            break
        until = {"message_seq": oldest.message_seq or oldest.message_id}
    events = sorted(found.values(), key=lambda event: event.at)
    return tuple(event for event in events if event.at >= since_at)


async def _page(chat: str, until: dict[str, object], ask: Ask) -> tuple[Frame, ...]:
    kind, params = codec.address(chat)
    action = "get_group_msg_history" if kind == "group" else "get_friend_msg_history"
    try:
        answer = await ask(action, {**params, **until, "count": COUNT})
        if answer.retcode == NO_SUCH_ACTION:
            raise NoHistory
        return tuple(_frames(_MESSAGES.decode(answer.data).messages))
    except (*UNREADABLE, TimeoutError):
        raise CannotTell from None


def _frames(messages: tuple[msgspec.Raw, ...]) -> Iterator[Frame]:
    for raw in messages:
        with suppress(*UNREADABLE):  # what is only found again has no claim to be kept raw
            yield codec.FRAMES.decode(raw)


def _time_of(frame: Frame) -> float:
    return frame.time or 0.0


def _heard(page: tuple[Frame, ...], self_id: str, context: Context) -> Iterator[MessageReceived]:
    for frame in page:
        if not frame.message_id:
            continue
        said = replace(frame, post_type="message", self_id=frame.self_id or self_id)
        with suppress(*UNREADABLE):
            for event in codec.events_of(said, "", context):
                if isinstance(event, MessageReceived) and not event.sender.is_bot:
                    yield event
