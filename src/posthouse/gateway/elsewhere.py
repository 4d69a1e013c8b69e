"""What a handler wants said in another chat than the one that asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from posthouse.gateway.pusher import Pusher, Saying
from posthouse.model.address import ChatMode
from posthouse.model.errors import NotUnderstood
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.store.chats import Chats
from posthouse.store.pushes import OWNER, Pushes, Target


class Elsewhere:
    """Pushes in the name of a turn, each once however often it is asked for."""

    def __init__(
        self, pusher: Pusher, pushes: Pushes, chats: Chats, clock: Callable[[], float]
    ) -> None:
        self._pusher = pusher
        self._pushes = pushes
        self._chats = chats
        self._clock = clock

    async def push(self, turn: Turn, number: int, chat: int, content: Content) -> None:
        """Say something in a chat; a turn in the shadow says nothing anywhere.

        Args:
            turn: in whose name.
            number: the how-many-th push of that turn.
            chat: where, by the house's number.
            content: what.

        Raises:
            NotUnderstood: there is no such chat, or its platform cannot carry the content.
            TryLater: it could not be written now.
        """
        known = await self._chats.get(chat)
        if known is None:
            raise NotUnderstood(f"there is no chat {chat}", zh=f"没有编号为 {chat} 的会话")
        target, saying = Target(str(chat), chat, known.bot), Saying(content=content)
        await self._pusher.check((target,), saying)
        body_hash = hashlib.sha256(msgspec.json.encode(content)).digest()
        key = f"turn:{turn.id}:{number}"
        if turn.chat.mode_at(self._clock()) is ChatMode.SHADOW:
            return
        push = await self._pushes.begin(OWNER, key, body_hash, (target,), self._clock())
        await self._pusher.push(push, saying)
