"""What was said while nobody listened: asked for after a gap, where an implementation can tell.

OneBot itself brings nothing twice. NapCat, LLOneBot and go-cqhttp keep the newest messages of a
chat, and the book knows by their ids which of them it has. Since when to ask must survive a crash:
a small file in the data directory remembers when each chat was last heard; NapCat tells of chats
that spoke up since.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import UNREADABLE, Context, Frame
from posthouse.model.event import Event, MessageReceived

CHATS_MAX = 200
COUNT = 100  # messages at once
PAGES_MAX = 10  # of one chat
MARGIN_S = 300.0  # before the gap: what was on its way when it began
GAP_S_MAX = 86400.0
SAVE_EVERY_S = 2.0
PRIVATE_CONTACT, GROUP_CONTACT = 1, 2  # NapCat's kinds of chats

Ask = Callable[[str, dict[str, object]], Awaitable[Frame]]
log = structlog.get_logger("posthouse.onebot")


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
    """The implementation keeps no history."""


class Recent:
    """The chats with the newest traffic, and when each was last heard.

    Args:
        path: the file that remembers them; one that cannot be read or written costs a gap.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard_at: dict[str, float] = {}
        self._is_saved = True

    def heard(self, platform_id: str, at: float) -> None:
        """Remember that a chat was heard."""
        before_at = self._heard_at.pop(platform_id, at)
        self._heard_at[platform_id] = max(at, before_at)
        if len(self._heard_at) > CHATS_MAX:
            del self._heard_at[next(iter(self._heard_at))]
        self._is_saved = False

    def since(self, now: float) -> dict[str, float]:
        """Return since when to ask about each chat that was not silent for long."""
        return {chat: at - MARGIN_S for chat, at in self._heard_at.items() if now - at < GAP_S_MAX}

    def all_since(self, now: float) -> float | None:
        """Return since when any chat may have spoken unheard; None when nobody ever did."""
        newest_at = max(self._heard_at.values(), default=0.0)
        return newest_at - MARGIN_S if now - newest_at < GAP_S_MAX else None

    def load(self) -> None:
        """Remember what the last process knew."""
        try:
            self._heard_at = msgspec.json.decode(self._path.read_bytes(), type=dict[str, float])
        except (OSError, *UNREADABLE):
            self._heard_at = {}

    async def save_for_ever(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Write it down again and again."""
        try:
            while True:
                if not self._is_saved:
                    await asyncio.to_thread(self.save)
                await sleep(SAVE_EVERY_S)
        finally:
            self.save()

    def save(self) -> None:
        """Write it down."""
        self._is_saved = True
        draft = self._path.with_suffix(".new")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123 - the mode counts from the first byte
                file.write(msgspec.json.encode(self._heard_at))
            draft.replace(self._path)
        except OSError as problem:
            log.warning("onebot_recent_not_saved", problem=problem.strerror)


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
        CannotTell: the implementation keeps no history, or does not answer.
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
        return tuple(_frames(_MESSAGES.decode(answer.data).messages))
    except (*UNREADABLE, OSError, TimeoutError):
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
