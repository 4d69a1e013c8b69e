"""Forward WebSocket: the house connects to the implementation."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
from aiohttp import WSMsgType

from posthouse.channels.keep_connected import BadCredentials, Pulse, Sleep

FRAME_BYTES_MAX = 64 * 1024 * 1024  # files come as base64 when they are asked for
PING_EVERY_S = 25.0
WRONG_CREDENTIALS = frozenset({401, 403})


class ForwardSocket:
    """A connection that the house opened; pings count as signs of life."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, pulse: Pulse) -> None:
        self._socket = socket
        self._pulse = pulse

    async def receive(self) -> str | bytes | None:
        """Return the next message; None at the end."""
        while True:
            message = await self._socket.receive()
            self._pulse.heard()
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    data: str | bytes = message.data
                    return data
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    return None

    async def send(self, text: str) -> None:
        """Write a message.

        Raises:
            ConnectionError: the connection has ended; nothing was written.
        """
        if self._socket.closed:
            raise ConnectionResetError
        await self._socket.send_str(text)

    async def ping(self) -> None:
        """Ask whether somebody is there."""
        await self._socket.ping()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye."""
        await self._socket.close(code=code, message=reason.encode())


class Forward:
    """Opens connections to one address."""

    def __init__(self, url: str, token: str, http: Callable[[], aiohttp.ClientSession]) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = http
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return "Forward()"  # never the token

    async def connect(self, pulse: Pulse) -> ForwardSocket:
        """Open a connection.

        Raises:
            BadCredentials: the implementation refuses the token.
            aiohttp.ClientError, OSError: it cannot be reached.
        """
        if self._session is None or self._session.closed:
            self._session = self._http()
        try:
            socket = await self._session.ws_connect(
                self._url, headers=self._headers, autoping=False, max_msg_size=FRAME_BYTES_MAX
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in WRONG_CREDENTIALS:
                raise BadCredentials from None
            raise
        return ForwardSocket(socket, pulse)

    async def close(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            await self._session.close()


async def ping_for_ever(socket: ForwardSocket, sleep: Sleep) -> None:
    """Keep asking whether the other side is there, until the connection ends."""
    while True:
        await sleep(PING_EVERY_S)
        try:
            await socket.ping()
        except ConnectionError:
            return
