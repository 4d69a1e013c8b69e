"""What was said while nobody listened: asked for after a gap, where an implementation can tell.

OneBot itself brings nothing twice. NapCat, LLOneBot and go-cqhttp keep the newest messages of a
chat, and the book knows by their ids which of them it has. Which chats to ask about, and since
when, must survive a crash: a small file in the data directory remembers it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import UNREADABLE, Context, Frame
from posthouse.model.event import Event, MessageReceived

CHATS_MAX = 50
COUNT = 50  # messages of one chat
MARGIN_S = 300.0  # before the gap: what was on its way when it began
GAP_S_MAX = 86400.0
SAVE_EVERY_S = 10.0

Ask = Callable[[str, dict[str, object]], Awaitable[Frame]]
log = structlog.get_logger("posthouse.onebot")


class _Messages(Struct, frozen=True):
    messages: tuple[msgspec.Raw, ...] = ()


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
                await sleep(SAVE_EVERY_S)
                if not self._is_saved:
                    await asyncio.to_thread(self.save)
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


async def missed_in(
    chat: str, since_at: float, ask: Ask, self_id: str, context: Context
) -> tuple[Event, ...]:
    """Return what people said in a chat since then, oldest first.

    Raises:
        CannotTell: the implementation keeps no history, or does not answer.
    """
    kind, params = codec.address(chat)
    action = "get_group_msg_history" if kind == "group" else "get_friend_msg_history"
    try:
        answer = await ask(action, {**params, "count": COUNT})
        messages = msgspec.json.decode(answer.data, type=_Messages).messages
    except (*UNREADABLE, OSError, TimeoutError):
        raise CannotTell from None
    found = sorted(_heard(messages, self_id, context), key=lambda event: event.at)
    return tuple(event for event in found if event.at >= since_at)


def _heard(
    messages: tuple[msgspec.Raw, ...], self_id: str, context: Context
) -> Iterator[MessageReceived]:
    for raw in messages:
        try:
            frame = codec.FRAMES.decode(raw)
            frame = replace(frame, post_type="message", self_id=frame.self_id or self_id)
            events = codec.events_of(frame, bytes(raw), context)
        except UNREADABLE:
            continue  # what is only found again later has no claim to be kept raw
        for event in events:
            if isinstance(event, MessageReceived) and event.message_id and not event.sender.is_bot:
                yield event
