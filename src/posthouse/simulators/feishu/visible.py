"""What people of the tenant see now."""

from __future__ import annotations

from collections import defaultdict

from posthouse.simulators.feishu import content
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.cards import Cards
from posthouse.simulators.feishu.events import text_of
from posthouse.simulators.feishu.record import Change, MessageEntry, Record
from posthouse.simulators.feishu.tenant import Message, Party, Tenant


def entry(cards: Cards, message: Message) -> MessageEntry:
    """Write a message as people see it."""
    card, app = cards.shown(message), message.app
    reactions: dict[str, list[str]] = defaultdict(list)
    for each in message.reactions.values():
        reactions[each.emoji].append(_key(each.by))
    return MessageEntry(
        bot=app.name if app is not None else "",
        chat=message.chat.key,
        chat_id=message.chat.chat_id,
        message_id=message.message_id,
        sender=_key(message.sender),
        is_own=app is not None,
        key=message.key,
        kind=message.kind,
        text=text_of(message, card),
        at=message.at,
        buttons=tuple(content.buttons(card)) if card is not None else (),
        quote=message.parent.message_id if message.parent is not None else None,
        thread=message.thread_id or None,
        reactions=dict(reactions),
        edits=message.edits,
        history=tuple(_written_card(cards, message)) + tuple(message.changes),
        is_streaming=cards.is_streaming(message),
        recalled_at=message.recalled_at,
        recalled_by=_key(message.recalled_by) if message.recalled_by is not None else None,
        content=message.content,
    )


def record(tenant: Tenant, cards: Cards) -> Record:
    """Return everything so far."""
    notes = tenant.notes
    return Record(
        messages=tuple(entry(cards, each) for each in tenant.messages.values()),
        events=tuple(notes.events.entries),
        calls=tuple(notes.calls.entries),
        complaints=tuple(notes.complaints.entries),
        connections=tuple(notes.connections.entries),
        forgotten=notes.forgotten,
    )


def _written_card(cards: Cards, message: Message) -> list[Change]:
    """Say how often a card entity was written to since it was made."""
    entity = cards.of(message)
    if entity is None or not entity.writes:
        return []
    return [Change(what=f"written {entity.writes} times", at=message.updated_at)]


def _key(who: Party) -> str:
    return who.name if isinstance(who, App) else who.key
