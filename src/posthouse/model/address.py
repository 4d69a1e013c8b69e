"""Who and where: bots, chats, people, and the doors that payloads come through.

Times in this package: a name ending in ``_at`` is seconds since the epoch (float), a name
ending in ``_s`` is a span in seconds.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ChatKind(StrEnum):
    """How many people a chat is made for."""

    PRIVATE = "private"
    GROUP = "group"


class ChatMode(StrEnum):
    """What the bot does with messages of a chat."""

    MENTION = "mention"  # answers when addressed
    LISTEN = "listen"  # answers overheard messages too, when sure
    SHADOW = "shadow"  # decides and stores, sends nothing
    PAUSED = "paused"  # a human has taken over


class Entrance(StrEnum):
    """How a payload reached the house."""

    WEBHOOK = "webhook"
    LONG_CONNECTION = "long_connection"
    RELAY = "relay"
    INTERNAL = "internal"


class Role(StrEnum):
    """What a person is in a chat, as the platform says."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class SessionKind(StrEnum):
    """Whose conversation a session is."""

    MEMBER = "member"
    CHAT = "chat"
    THREAD = "thread"


class Person(Struct, frozen=True, omit_defaults=True):
    """Somebody on a platform; rights hang on ``id``, never on ``name``."""

    id: str  # the platform's verified id, unique for one bot
    name: str = ""
    role: Role = Role.MEMBER
    is_bot: bool = False


class Place(Struct, frozen=True, omit_defaults=True):
    """A chat as the platform names it."""

    bot: str
    platform_id: str
    kind: ChatKind = ChatKind.GROUP
    title: str = ""
    language: str = ""  # "zh" or "en" where the platform knows; counts when the chat is new


class Chat(Struct, frozen=True):
    """A chat as the house knows it: its own number, and how the bot behaves there."""

    id: int
    bot: str
    platform_id: str  # the newest of its aliases
    kind: ChatKind
    title: str = ""
    mode: ChatMode = ChatMode.MENTION
    mode_since_at: float = 0.0
    mode_until_at: float | None = None  # a pause that ends by itself
    session_kind: SessionKind = SessionKind.MEMBER
    language: str = ""  # "zh", "en", or "" for the house's
    mode_before: ChatMode = ChatMode.MENTION  # what a pause returns to
    handler: str = ""  # answers ordinary messages in place of whom the routes name

    def mode_at(self, now: float) -> ChatMode:
        """Return the mode in force: after a pause whose time is over, the one before it."""
        if self.mode_until_at is not None and now >= self.mode_until_at:
            return self.mode_before
        return self.mode


def session_key(chat: int, kind: SessionKind, person: str, thread: str) -> str:
    """Name the session that a message belongs to.

    A thread session falls back to the whole chat where the platform names no thread.
    """
    if kind is SessionKind.MEMBER:
        return f"{chat}:m:{person}"
    if kind is SessionKind.THREAD and thread:
        return f"{chat}:t:{thread}"
    return f"{chat}:c"
