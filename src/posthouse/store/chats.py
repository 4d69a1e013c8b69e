"""The chats of all bots: numbers, aliases, and how the bot behaves in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from posthouse.model.address import Chat, ChatMode, Place, SessionKind


class Chats(Protocol):
    """(bot, platform id) → chat number, with aliases, so a migrated group keeps its number."""

    async def resolve(self, place: Place, now: float) -> Chat:
        """Return the chat at a place, entering it when it is new; a newer title is kept."""
        ...

    async def get(self, chat: int) -> Chat | None:
        """Return a chat by its number."""
        ...

    async def find(self, bot: str, platform_id: str) -> Chat | None:
        """Return the chat at a place if it is in the book; enters nothing."""
        ...

    async def list(self, limit: int = 1000) -> tuple[Chat, ...]:
        """Return chats, the most recently used first."""
        ...

    async def alias(self, chat: int, platform_id: str) -> None:
        """Let another platform id mean the same chat from now on; the newest is sent to."""
        ...

    async def set_mode(
        self, chat: int, mode: ChatMode, now: float, until_at: float | None = None
    ) -> Chat:
        """Change what the bot does there; ``until_at`` ends a pause by itself."""
        ...

    async def set_session_kind(self, chat: int, kind: SessionKind) -> Chat:
        """Change whose conversations the chat has."""
        ...

    async def set_language(self, chat: int, language: str) -> Chat:
        """Change the language of the house's own sentences there: ``zh``, ``en`` or ``""``."""
        ...

    async def set_handler(self, chat: int, handler: str) -> Chat:
        """Let a handler answer ordinary messages there; ``""`` for whom the routes name."""
        ...

    async def set_tags(self, chat: int, tags: tuple[str, ...]) -> None:
        """Give a chat these tags and no others; scripts name chats by them.

        Raises:
            Refused: the chat is not in the book.
        """
        ...

    async def tags(self, chats: tuple[int, ...]) -> Mapping[int, tuple[str, ...]]:
        """Return the tags of chats in alphabetical order; a chat without any is left out."""
        ...

    async def tagged(self, tag: str, limit: int = 1000) -> tuple[Chat, ...]:
        """Return the chats with a tag, by their numbers."""
        ...
