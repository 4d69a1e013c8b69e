"""Reverse WebSocket: implementations connect to the house, and say who they are in headers."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address

from msgspec import Struct
from starlette.routing import Match, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from posthouse.channels.onebot.line import Role

SELF_ID = "x-self-id"
ROLE = "x-client-role"
TOKEN_KINDS = ("bearer ", "token ")
GONE = (OSError, RuntimeError, WebSocketDisconnect)  # by the other side, or closed by ourselves


class ReverseSocket:
    """A connection that an implementation opened."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        """Return the next message; None at the end."""
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            return None
        text = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        return data

    async def send(self, text: str) -> None:
        """Write a message.

        Raises:
            ConnectionError: the connection has ended; nothing was written.
        """
        try:
            await self._socket.send({"type": "websocket.send", "text": text})
        except GONE as error:
            raise ConnectionResetError from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; may be called twice."""
        if self._socket.application_state is not WebSocketState.DISCONNECTED:
            try:
                await self._socket.close(code, reason)
            except GONE:
                return  # the other side was quicker


class Entrance(WebSocketRoute):
    """The path of one bot; several bots share one when each has its own number.

    Args:
        path: where implementations connect.
        self_id: the account that this bot is; empty takes any.
        serve: is given each connection, before it is accepted.
    """

    def __init__(
        self, path: str, self_id: str, serve: Callable[[WebSocket], Awaitable[None]]
    ) -> None:
        super().__init__(path, serve)
        self._self_id = self_id

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take connections of this bot's account only."""
        match, below = super().matches(scope)
        if match is Match.FULL and self._self_id and header(scope, SELF_ID) != self._self_id:
            return Match.NONE, {}
        return match, below


def header(scope: Scope, name: str) -> str:
    """Return the value of a header; empty when there is none."""
    wanted = name.encode()
    values = (value.decode("latin-1") for key, value in scope["headers"] if key == wanted)
    return next(values, "")


def role_of(socket: WebSocket) -> Role:
    """Return what a connection is for; what says nothing does everything."""
    try:
        return Role(socket.headers.get(ROLE, "").strip().lower() or Role.UNIVERSAL)
    except ValueError:
        return Role.UNIVERSAL


class Guard(Struct, frozen=True):
    """Who may connect."""

    tokens: tuple[tuple[bytes, float], ...]  # each with the time until which it counts
    is_insecure: bool  # without a token: let anybody in

    def __repr__(self) -> str:
        return "Guard()"  # never the tokens

    def admits(self, socket: WebSocket, now: float) -> bool:
        """Whether this connection may be accepted; why not is told to nobody."""
        if self.tokens:
            given = _token(socket).encode("utf-8", "surrogateescape")
            return _is_one_of(given, (token for token, until_at in self.tokens if now < until_at))
        return self.is_insecure or _is_from_here(socket)


def _token(socket: WebSocket) -> str:
    said = socket.headers.get("authorization", "")
    for kind in TOKEN_KINDS:
        if said.lower().startswith(kind):
            return said[len(kind) :].strip()
    return said or socket.query_params.get("access_token", "")


def _is_one_of(given: bytes, tokens: Iterable[bytes]) -> bool:
    """Compare with each, so that the time taken says nothing."""
    return sum(hmac.compare_digest(given, token) for token in tokens) > 0


def _is_from_here(socket: WebSocket) -> bool:
    """Whether a program of this machine connects: no browser page, nobody behind a proxy."""
    if "origin" in socket.headers or "x-forwarded-for" in socket.headers:
        return False
    try:
        return socket.client is not None and ip_address(socket.client.host).is_loopback
    except ValueError:
        return False
