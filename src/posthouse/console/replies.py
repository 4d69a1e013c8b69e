"""Saying something in a chat as its bot, in an operator's name."""

from __future__ import annotations

from posthouse.channels.channel import Letter
from posthouse.channels.degrade import split
from posthouse.console.house import Surroundings
from posthouse.gateway.bots import Bot
from posthouse.model.address import Chat
from posthouse.model.disposition import NewDelivery
from posthouse.model.message import Content


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
    now = around.clock()
    numbers = []
    for part, content in enumerate(split(Content(text), bot.capabilities)):
        new = NewDelivery(
            origin=f"console:{operator}:{key}",
            ordinal=0,
            part=part,
            content=content,
            key=around.new_key(),
            body=bot.channel.encode(content, Letter(chat=chat)),
        )
        numbers.append(await around.books.journal.put_notice(chat.id, new, now))
    return tuple(number for number in numbers if number is not None)
