"""What was said while nobody listened: read from the chats' history after an outage.

Feishu brings again what was not acknowledged, but only five times; an outage of more than seven
hours, or a long connection that was deaf, loses the rest. The book knows by the messages' ids which
of them it has, so asking too much costs nothing but calls.

Source: open.feishu.cn, "Get chat history" (``GET /im/v1/messages``; times in whole seconds).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from posthouse.channels.feishu.client import Client
from posthouse.channels.feishu.codec import Identity, Ids, WireMention, mention_of, seconds
from posthouse.channels.feishu.contents import Said, parts_of
from posthouse.model.address import ChatKind, Person, Place
from posthouse.model.event import (
    MessageRecalled,
    MessageReceived,
    ReplyContext,
    message_key,
    recall_key,
)
from posthouse.model.message import Mention, Part, Quote
from posthouse.store.reader import HeardChat

MARGIN_S = 300.0  # before the gap: what was on its way when it began
GAP_S_MAX = 86_400.0
PAGE_MESSAGES = 50
PAGES_MAX = 20  # of one chat


class _Sender(Struct, frozen=True):
    id: str = ""
    sender_type: str = "user"


class _Body(Struct, frozen=True):
    content: str = ""


class _Mention(Struct, frozen=True):
    key: str
    id: str = ""  # a word here, an object in events
    name: str = ""


class Message(Struct, frozen=True):
    """A message as REST tells it; some fields have other names and shapes than in events."""

    message_id: str
    msg_type: str = ""
    parent_id: str = ""
    thread_id: str = ""
    create_time: str = ""
    deleted: bool = False
    sender: _Sender = _Sender()
    body: _Body = _Body()
    mentions: tuple[_Mention, ...] | None = None


class _Page(Struct, frozen=True):
    items: tuple[Message, ...] = ()
    has_more: bool = False
    page_token: str = ""


class _Answer(Struct, frozen=True):
    data: _Page = _Page()


def event_of(
    message: Message, chat: HeardChat, me: Identity, now: float
) -> MessageReceived | MessageRecalled | None:
    """Return what would have come in; None for what is ours, or no person's."""
    if message.sender.sender_type != "user" or not message.message_id:
        return None
    if message.deleted:
        return _recalled(message, chat, me, now)
    mentions = {each.key: _mention(each, me) for each in message.mentions or ()}
    said = Said(
        type=message.msg_type,
        content=message.body.content,
        message_id=message.message_id,
        mentions=mentions,
    )
    is_private = chat.kind is ChatKind.PRIVATE
    return MessageReceived(
        key=message_key(chat.platform_id, message.message_id),
        place=Place(me.bot, chat.platform_id, chat.kind),
        sender=Person(message.sender.id),
        message_id=message.message_id,
        parts=_quote(message) + parts_of(said),
        at=seconds(message.create_time, now),
        thread=message.thread_id,
        is_addressed=is_private or any(mention.is_me for mention in mentions.values()),
        reply_context=ReplyContext(message.message_id) if message.thread_id else None,
    )


def _recalled(message: Message, chat: HeardChat, me: Identity, now: float) -> MessageRecalled:
    """What was taken back meanwhile must be withdrawn, if the book has it."""
    return MessageRecalled(
        key=recall_key(chat.platform_id, message.message_id),
        place=Place(me.bot, chat.platform_id, chat.kind),
        sender=Person(""),
        message_id=message.message_id,
        at=now,
    )


def _mention(wire: _Mention, me: Identity) -> Mention:
    return mention_of(WireMention(wire.key, Ids(wire.id), wire.name), me)


def _quote(message: Message) -> tuple[Part, ...]:
    is_quoting = message.parent_id and not message.thread_id
    return (Quote(message.parent_id),) if is_quoting else ()


async def missed_in(
    chat: HeardChat, client: Client, me: Identity, now: float
) -> AsyncIterator[tuple[MessageReceived | MessageRecalled, ...]]:
    """Yield what people said or took back since shortly before a chat was heard, oldest first.

    Raises:
        CallFailed: the app may not read the chat's history.
        BadCredentials, aiohttp.ClientError, TimeoutError, OSError: as for every call.
    """
    query: dict[str, Any] = {
        "container_id_type": "chat",
        "container_id": chat.platform_id,
        "start_time": str(int(max(chat.heard_at - MARGIN_S, now - GAP_S_MAX))),
        "sort_type": "ByCreateTimeAsc",
        "page_size": str(PAGE_MESSAGES),
    }
    for _ in range(PAGES_MAX):
        page = (await client.get("/im/v1/messages", _Answer, query)).data
        found = (event_of(message, chat, me, now) for message in page.items)
        yield tuple(event for event in found if event is not None)
        if not page.has_more or not page.page_token:
            return
        query["page_token"] = page.page_token
