"""Messages as REST shows them."""

from __future__ import annotations

from posthouse.simulators.feishu import content, events
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.calls import Body
from posthouse.simulators.feishu.cards import Cards
from posthouse.simulators.feishu.tenant import Mention, Message, Party, Tenant


class Shown:
    """Writes messages down for one app or another."""

    def __init__(self, tenant: Tenant, cards: Cards) -> None:
        self._tenant = tenant
        self._cards = cards

    def message(self, app: App, message: Message) -> Body:
        """Return a message as REST shows it."""
        shown: Body = {
            "message_id": message.message_id,
            "msg_type": message.kind,
            "create_time": events.milliseconds(message.at),
            "update_time": events.milliseconds(message.updated_at),
            "deleted": message.recalled_at is not None,
            "updated": bool(message.edits),
            "chat_id": message.chat.chat_id,
            "sender": self._sender(app, message.sender),
            "body": {"content": self._content(message)},
        }
        if message.root is not None and message.parent is not None:
            shown |= {
                "root_id": message.root.message_id,
                "parent_id": message.parent.message_id,
            }
        if message.thread_id:
            shown["thread_id"] = message.thread_id
        if message.mentions:
            shown["mentions"] = [self._mention(app, each) for each in message.mentions]
        return shown

    def _content(self, message: Message) -> str:
        if message.recalled_at is not None:
            return "This message was recalled"
        card = self._cards.shown(message)
        if card is not None:
            text = content.card_text(card)
            return events.as_json({"title": None, "elements": [[{"tag": "text", "text": text}]]})
        if message.kind == "text" and message.mentions and message.app is not None:
            return events.as_json({"text": _with_placeholders(message)})
        return message.content

    def _sender(self, app: App, sender: Party) -> Body:
        is_app = isinstance(sender, App)
        return {
            "id": sender.app_id if isinstance(sender, App) else self._tenant.open_id(app, sender),
            "id_type": "app_id" if is_app else "open_id",
            "sender_type": "app" if is_app else "user",
            "tenant_key": self._tenant.tenant_key,
        }

    def _mention(self, app: App, mention: Mention) -> Body:
        return {
            "key": mention.placeholder,
            "id": self._tenant.open_id(app, mention.party),
            "id_type": "open_id",
            "name": events.name_of(mention.party),
            "tenant_key": self._tenant.tenant_key,
        }


def _with_placeholders(message: Message) -> str:
    text = str(content.parsed(message.content)["text"])
    waiting = iter(message.mentions)
    pieces = content.split_ats(text)
    return "".join(
        piece if not some_id else "@_all" if some_id == "all" else next(waiting).placeholder
        for piece, some_id in pieces
    )
