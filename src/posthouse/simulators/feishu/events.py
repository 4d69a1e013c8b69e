"""Events as an app is told of them."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from posthouse.simulators.feishu import content
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.record import EventEntry
from posthouse.simulators.feishu.tenant import Chat, Mention, Message, Party, Tenant

MESSAGE_RECEIVED = "im.message.receive_v1"
MESSAGE_RECALLED = "im.message.recalled_v1"
REACTION_CREATED = "im.message.reaction.created_v1"
REACTION_DELETED = "im.message.reaction.deleted_v1"
BOT_ADDED = "im.chat.member.bot.added_v1"
BOT_DELETED = "im.chat.member.bot.deleted_v1"
USER_ADDED = "im.chat.member.user.added_v1"
USER_DELETED = "im.chat.member.user.deleted_v1"
CHAT_ENTERED = "im.chat.access_event.bot_p2p_chat_entered_v1"
MENU = "application.bot.menu_v6"
CARD_PRESSED = "card.action.trigger"

Body = dict[str, Any]


class Event(Struct, frozen=True, kw_only=True):
    """Something to tell one app."""

    app: App
    body: Body
    entry: EventEntry

    @property
    def is_callback(self) -> bool:
        """Whether the person waits for an answer; then it is told once."""
        return self.entry.type == CARD_PRESSED


def milliseconds(at: float) -> str:
    return str(int(at * 1000))


def envelope(tenant: Tenant, app: App, kind: str, event: Body, at: float) -> Body:
    """Put an event into its envelope; times of callbacks are in microseconds."""
    per_second = 1_000_000 if kind == CARD_PRESSED else 1000
    return {
        "schema": "2.0",
        "header": {
            "event_id": tenant.new_id(),
            "event_type": kind,
            "create_time": str(int(at * per_second)),
            "token": app.verification_token,
            "app_id": app.app_id,
            "tenant_key": tenant.tenant_key,
        },
        "event": event,
    }


def old_envelope(tenant: Tenant, app: App, kind: str, event: Body, at: float) -> Body:
    """Put an event into the envelope of version 1."""
    added = {"app_id": app.app_id, "tenant_key": tenant.tenant_key, "type": kind}
    return {
        "ts": f"{at:.7f}",
        "uuid": tenant.new_id(),
        "token": app.verification_token,
        "type": "event_callback",
        "event": {**added, **event},
    }


# --- messages -----------------------------------------------------------------------------------


def received(tenant: Tenant, app: App, message: Message) -> Body:
    """Say what somebody said."""
    is_bot = isinstance(message.sender, App)
    shown: Body = {
        "message_id": message.message_id,
        **_place(message),
        "create_time": milliseconds(message.at),
        "update_time": milliseconds(message.updated_at),
        "chat_id": message.chat.chat_id,
        "chat_type": "p2p" if message.chat.is_private else "group",
        "message_type": message.kind,
        "content": message.content,
    }
    if message.mentions:
        shown["mentions"] = [_mention(tenant, app, each) for each in message.mentions]
    return {
        "sender": {
            "sender_id": tenant.ids(app, message.sender),
            "sender_type": "bot" if is_bot else "user",
            "tenant_key": tenant.tenant_key,
        },
        "message": shown,
    }


def _place(message: Message) -> Body:
    """Say what a message replies to; keys that mean nothing are absent."""
    found: Body = {}
    if message.root is not None:
        found["root_id"] = message.root.message_id
    if message.parent is not None:
        found["parent_id"] = message.parent.message_id
    if message.thread_id:
        found["thread_id"] = message.thread_id
    return found


def _mention(tenant: Tenant, app: App, mention: Mention) -> Body:
    who = mention.party
    return {
        "key": mention.placeholder,
        "id": tenant.ids(app, who),
        "mentioned_type": "bot" if isinstance(who, App) else "user",
        "name": name_of(who),
        "tenant_key": tenant.tenant_key,
    }


def recalled(message: Message, recall_type: str, at: float) -> Body:
    return {
        "message_id": message.message_id,
        "chat_id": message.chat.chat_id,
        "recall_time": milliseconds(at),
        "recall_type": recall_type,
    }


def reacted(tenant: Tenant, app: App, message: Message, emoji: str, who: Party) -> Body:
    told: Body = {
        "message_id": message.message_id,
        "reaction_type": {"emoji_type": emoji},
        "action_time": milliseconds(tenant.now),
    }
    if isinstance(who, App):
        return {**told, "operator_type": "app", "app_id": who.app_id}
    return {**told, "operator_type": "user", "user_id": tenant.ids(app, who)}


# --- chats --------------------------------------------------------------------------------------


def members_changed(
    tenant: Tenant, app: App, chat: Chat, by: Party, people: tuple[Party, ...]
) -> Body:
    """Say who came or left; without people it was the bot itself."""
    told: Body = {
        "chat_id": chat.chat_id,
        "operator_id": tenant.ids(app, by),
        "external": False,
        "operator_tenant_key": tenant.tenant_key,
        "name": chat.title,
        "i18n_names": {"zh_cn": chat.title, "en_us": chat.title},
    }
    if people:
        told["users"] = [
            {
                "name": name_of(each),
                "tenant_key": tenant.tenant_key,
                "user_id": tenant.ids(app, each),
            }
            for each in people
        ]
    return told


def entered(tenant: Tenant, app: App, chat: Chat, who: Party) -> Body:
    told: Body = {"chat_id": chat.chat_id, "operator_id": tenant.ids(app, who)}
    if chat.messages:
        last = chat.messages[-1]
        told["last_message_id"] = last.message_id
        told["last_message_create_time"] = milliseconds(last.at)
    return told


def chosen(tenant: Tenant, app: App, who: Party, key: str) -> Body:
    return {
        "operator": {"operator_name": name_of(who), "operator_id": tenant.ids(app, who)},
        "event_key": key,
        "timestamp": int(tenant.now),
    }


def pressed(
    tenant: Tenant, app: App, message: Message, who: Party, token: str, action: Body
) -> Body:
    return {
        "operator": {"tenant_key": tenant.tenant_key, **tenant.ids(app, who)},
        "token": token,
        "action": action,
        "host": "im_message",
        "context": {
            "open_message_id": message.message_id,
            "open_chat_id": message.chat.chat_id,
        },
    }


def text_of(message: Message, card: Body | None = None) -> str:
    """Return a message as people read it, with the names of those it mentions."""
    text = content.readable(message.kind, message.content, card).replace("@_all", "@all")
    for mention in message.mentions:
        text = text.replace(mention.placeholder, f"@{name_of(mention.party)}")
    return text


def name_of(who: Party) -> str:
    return who.bot_name if isinstance(who, App) else who.name


def as_json(content: object) -> str:
    """Write content as Feishu does: compact."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
