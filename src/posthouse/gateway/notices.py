"""What is said in a chat while no turn of it runs: pure, apart from fresh keys."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.channels.channel import Letter
from posthouse.channels.degrade import split
from posthouse.gateway.bots import Bot
from posthouse.model.address import Chat
from posthouse.model.disposition import NewDelivery
from posthouse.model.message import Content

REVIEWED_ORDINAL = 1_000_000  # behind everything that a turn says while it runs


def notice(
    text: str, chat: Chat, bot: Bot, origin: str, new_key: Callable[[], str], ordinal: int = 0
) -> tuple[NewDelivery, ...]:
    """Return words in Markdown as the deliveries they need; put twice, they are said once.

    Args:
        text: what is said.
        chat: where.
        bot: who speaks there.
        origin: what caused it.
        new_key: makes the keys of deliveries.
        ordinal: the place among everything of this origin.
    """
    return tuple(
        NewDelivery(
            origin=origin,
            ordinal=ordinal,
            part=part,
            content=content,
            key=new_key(),
            body=bot.channel.encode(content, Letter(chat=chat)),
        )
        for part, content in enumerate(split(Content(text), bot.capabilities))
    )


def reviewed(
    turn: int, answer: str, chat: Chat, bot: Bot, new_key: Callable[[], str]
) -> tuple[NewDelivery, ...]:
    """Return an answer that waited for a review as a part of what its turn says.

    So people take it back and judge it like every answer, and however many let it out, it is said
    once.
    """
    return notice(answer, chat, bot, f"turn:{turn}", new_key, REVIEWED_ORDINAL)
