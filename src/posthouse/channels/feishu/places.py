"""Where things happened, for events that do not say it: asked for before they are accepted.

A reaction names its message only, and a press or a recall does not tell a private chat from a
group. What went by before is remembered; the rest is one call, for which the platform's three
seconds are enough.

Source: open.feishu.cn, "Get a message" and "Get chat information".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import aiohttp
import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.feishu.client import CallFailed, Client
from posthouse.channels.feishu.codec import UNKNOWN_CHAT
from posthouse.channels.feishu.lately import Lately
from posthouse.channels.keep_connected import BadCredentials
from posthouse.model.address import ChatKind
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
)

WITHIN_S = 1.5
CHATS_MAX = 10_000
MESSAGES_MAX = 10_000
UNCLEAR = ButtonPressed | MessageRecalled | ReactionChanged

log = structlog.get_logger("posthouse.feishu")


class _Message(Struct, frozen=True):
    chat_id: str = ""


class _Messages(Struct, frozen=True):
    items: tuple[_Message, ...] = ()


class _MessageAnswer(Struct, frozen=True):
    data: _Messages = _Messages()


class _Chat(Struct, frozen=True):
    chat_mode: str = ""


class _ChatAnswer(Struct, frozen=True):
    data: _Chat = _Chat()


class Places:
    """What one bot knows of chats and of the messages in them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kinds: Lately[str, ChatKind] = Lately(CHATS_MAX)
        self._chats: Lately[str, str] = Lately(MESSAGES_MAX)  # message → its chat
        self._is_warned = False

    async def completed(self, events: Sequence[Event | None]) -> list[Event | None]:
        """Return the events with their places; None for what happened nobody knows where."""
        for event in events:
            self._note(event)
        if not any(isinstance(event, UNCLEAR) for event in events):
            return list(events)
        return list(await asyncio.gather(*map(self._complete, events)))

    def forget(self) -> None:
        """Know nothing, as after a restart."""
        self._kinds, self._chats = Lately(CHATS_MAX), Lately(MESSAGES_MAX)

    def _note(self, event: Event | None) -> None:
        if isinstance(event, MessageReceived | MessageEdited):
            self._kinds.keep(event.place.platform_id, event.place.kind)
            self._chats.keep(event.message_id, event.place.platform_id)

    async def _complete(self, event: Event | None) -> Event | None:
        if not isinstance(event, UNCLEAR):
            return event
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._found(event)
        except (CallFailed, BadCredentials, aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._warn(problem)
        return None if event.place.platform_id == UNKNOWN_CHAT else event

    async def _found(self, event: UNCLEAR) -> Event | None:
        chat = event.place.platform_id
        if chat == UNKNOWN_CHAT:
            chat = await self._chat_of(event.message_id)
        if not chat:
            return None
        kind = await self._kind_of(chat)
        return replace(event, place=replace(event.place, platform_id=chat, kind=kind))

    async def _chat_of(self, message_id: str) -> str:
        if (known := self._chats.get(message_id)) is not None:
            return known
        path = f"/im/v1/messages/{quote(message_id, safe='')}"
        items = (await self._client.get(path, _MessageAnswer)).data.items
        return self._chats.keep(message_id, items[0].chat_id if items else "")

    async def _kind_of(self, chat: str) -> ChatKind:
        if (known := self._kinds.get(chat)) is not None:
            return known
        path = f"/im/v1/chats/{quote(chat, safe='')}"
        mode = (await self._client.get(path, _ChatAnswer)).data.chat_mode
        return self._kinds.keep(chat, ChatKind.PRIVATE if mode == "p2p" else ChatKind.GROUP)

    def _warn(self, problem: Exception) -> None:
        """Say once what is missing: reactions are left out, the rest counts as of a group."""
        if not self._is_warned:
            self._is_warned = True
            log.warning("places_unknown", problem=type(problem).__name__)
