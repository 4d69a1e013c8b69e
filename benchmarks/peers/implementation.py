"""A OneBot implementation: connects to a bot, pushes messages, answers its actions at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from itertools import count

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

from benchmarks.peers import wire

RETRY_EVERY_S = 0.005
TOKEN = "peers"  # noqa: S105 - both configurations carry it

Hear = Callable[[wire.Shown, float], None]


class Implementation:
    """One connection by reverse WebSocket. ``hear`` gets what the bot shows, and when."""

    message_ids = count(1)  # never used twice, over all connections of a run

    def __init__(self, socket: ClientWebSocketResponse, hear: Hear) -> None:
        self._socket = socket
        self._hear = hear
        self._reading = asyncio.create_task(self._read())

    async def push(self, said: wire.Said) -> None:
        """Send a message to the bot.

        Raises:
            ClientError: the connection is gone.
        """
        frame = wire.event(said, next(self.message_ids))
        await self._socket.send_frame(frame, WSMsgType.TEXT)

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
            answer = wire.sent(action, next(self.message_ids))
        else:
            answer = wire.answered(action)
        await self._socket.send_frame(answer, WSMsgType.TEXT)


async def connect(
    session: ClientSession, url: str, hear: Hear, *, give_up_after_s: float
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
            return Implementation(socket, hear)
