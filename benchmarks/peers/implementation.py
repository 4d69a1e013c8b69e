"""A OneBot implementation: connects to a bot, pushes messages, answers its actions at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from benchmarks.peers import wire

RETRY_EVERY_S = 0.005
KEPT = 50  # messages of each chat
TOKEN = "peers"  # noqa: S105 - both configurations carry it

Hear = Callable[[wire.Shown, float], None]


class Account:
    """What outlives a connection: ids that are never used twice, and what people said lately.

    Implementations in use (NapCat, LLOneBot, go-cqhttp) keep the newest messages of each chat for
    a bot that asks; so does this one.
    """

    def __init__(self) -> None:
        self._ids = count(1)
        self._chats: dict[tuple[int | None, int | None], deque[bytes]] = {}

    def next_id(self) -> int:
        """Return the number of a new message."""
        return next(self._ids)

    def receive(self, said: wire.Said) -> bytes:
        """Return the event of a new message, and keep it."""
        event = wire.event(said, self.next_id())
        chat = (None, said.person) if said.group is None else (said.group, None)
        self._chats.setdefault(chat, deque(maxlen=KEPT)).append(event)
        return event

    def recent(self) -> list[wire.Recent]:
        """Return the chats in which something was said, with the newest message of each."""
        return [
            wire.Recent(group or person or 0, group is not None, events[-1])
            for (group, person), events in self._chats.items()
        ]

    def newest(self, wanted: wire.Wanted) -> list[bytes]:
        """Return the newest messages of a chat, oldest first."""
        return list(self._chats.get((wanted.group, wanted.person), ()))[-wanted.count :]


class Implementation:
    """One connection by reverse WebSocket. ``hear`` gets what the bot shows, and when."""

    def __init__(self, socket: ClientWebSocketResponse, account: Account, hear: Hear) -> None:
        self._socket = socket
        self._account = account
        self._hear = hear
        self._reading = asyncio.create_task(self._read())

    async def push(self, said: wire.Said) -> None:
        """Send a message to the bot.

        Raises:
            ClientError: the connection is gone.
        """
        await self._socket.send_frame(self._account.receive(said), WSMsgType.TEXT)

    async def close(self) -> None:
        """Close the connection, and hear what is still on its way."""
        with contextlib.suppress(ClientError, TimeoutError):
            await self._socket.close()
        await self._reading

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is WSMsgType.ERROR:
                return
            with contextlib.suppress(ClientError):  # it was killed; hear what it had said before
                await self._do(wire.decode(frame.data), time.perf_counter())

    async def _do(self, action: wire.Action, at: float) -> None:
        if wire.is_send(action):
            self._hear(wire.shown(action), at)
            answer = wire.sent(action, self._account.next_id())
        elif wire.is_look_back(action):
            answer = wire.history(action, self._account.newest(wire.wanted(action)))
        elif action.action == wire.RECENT:
            answer = wire.recent(action, self._account.recent())
        else:
            answer = wire.answered(action)
        await self._socket.send_frame(answer, WSMsgType.TEXT)


async def connect(
    session: ClientSession, url: str, account: Account, hear: Hear, *, give_up_after_s: float
) -> Implementation:
    """Connect as soon as the bot listens.

    Raises:
        TimeoutError: it did not listen in time.
    """
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "X-Self-ID": str(wire.SELF_ID),
        "X-Client-Role": "Universal",
    }
    async with asyncio.timeout(give_up_after_s):
        while True:
            try:
                socket = await session.ws_connect(url, headers=headers, compress=0)
            except (ClientError, OSError):
                await asyncio.sleep(RETRY_EVERY_S)
                continue
            await socket.send_frame(wire.connected(), WSMsgType.TEXT)
            return Implementation(socket, account, hear)
