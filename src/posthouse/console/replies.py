"""Saying something in a chat as its bot, in an operator's name."""

from __future__ import annotations

from collections.abc import Iterable

from posthouse.console.house import Surroundings
from posthouse.gateway.bots import Bot
from posthouse.gateway.notices import notice
from posthouse.model.address import Chat
from posthouse.model.disposition import NewDelivery


async def put_reply(
    around: Surroundings, operator: str, chat: Chat, bot: Bot, text: str, key: str
) -> tuple[int, ...]:
    """Queue a reply; returns its deliveries, none where the same form came before.

    Args:
        around: the house.
        operator: in whose name.
        chat: where.
        bot: who speaks there.
        text: what is said, in Markdown.
        key: names the reply: what is put twice under it is said once.
    """
    origin = f"console:{operator}:{key}"
    return await put(around, chat, notice(text, chat, bot, origin, around.new_key))


async def put(
    around: Surroundings, chat: Chat, deliveries: Iterable[NewDelivery], person: str = ""
) -> tuple[int, ...]:
    """Queue deliveries, said to ``person`` or to all; returns the numbers of those that are new."""
    now, journal = around.clock(), around.books.journal
    numbers = [await journal.put_notice(chat.id, each, now, person) for each in deliveries]
    return tuple(number for number in numbers if number is not None)
