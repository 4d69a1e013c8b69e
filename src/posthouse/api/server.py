"""How uvicorn serves the house: with patience, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from posthouse.api.websockets import WebSockets
from posthouse.model.errors import OperatorMistake
from posthouse.settings.settings import ServerSettings

HEAD_WITHIN_S = 10.0  # from the first byte of a request to the end of its headers
HEAD_BYTES_MAX = 64 * 1024
STOP_WITHIN_S = 10  # for requests under way; streams end with the channel they belong to
BACKLOG = 2048
WEBSOCKET_BYTES_MAX = 32 * 1024 * 1024  # a page of history; whoever sends it has shown a token
KEEP_ALIVE_S = 65  # longer than the idle time of usual reverse proxies, so they close first


class BoundedHead(HttpToolsProtocol):
    """Ends connections whose request line and headers come too slowly or are too large."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head before the parser keeps it."""
        if not self._is_in_body:
            self._expect_head()
            self._head_bytes += len(data)
        super().data_received(data)
        if not self._is_in_body and self._head_bytes > HEAD_BYTES_MAX:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Take the time that the body and the answer need."""
        self._is_in_body = True
        self._head_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        self._is_in_body = False
        super().on_message_complete()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Listening(Struct, frozen=True):
    """A port that is ours, before anybody answers there."""

    socket: socket.socket
    url: str  # by which this machine reaches it


class PortTaken(OperatorMistake):
    """Another program listens on the port; stop that one, or choose another port."""


def listen(settings: ServerSettings, *, is_port_fixed: bool = True) -> Listening:
    """Take the port, so that nobody else can; if any will do, a free one where it is taken.

    Raises:
        OperatorMistake: the port is taken or may not be used, or the host is not ours.
    """
    try:
        bound = _bind(settings.host, settings.port)
    except PortTaken:
        if is_port_fixed:
            raise
        bound = _bind(settings.host, 0)
    host, port = bound.getsockname()[:2]
    return Listening(bound, f"http://{_reachable(host)}:{port}")


class HttpServer:
    """Uvicorn on a port that is ours. Signals stay the caller's."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, listening: Listening) -> None:
        self._server = _Server(_config(app, settings))
        self._listening = listening

    async def serve(self) -> None:
        """Answer until ``stop`` is called."""
        await self._server.serve(sockets=[self._listening.socket])

    def stop(self) -> None:
        """Take no new requests; those under way get ``STOP_WITHIN_S``."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """A server that leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=False)
    except OSError as error:
        raise _cannot_listen(error, host, port) from None


def _cannot_listen(error: OSError, host: str, port: int) -> OperatorMistake:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Port {port} on {host} is taken by another program."
            " Stop that one, or choose another port with --port.",
            zh=f"{host} 的端口 {port} 已被其他程序占用。请停止它，或用 --port 换一个端口。",
        )
    if error.errno == errno.EACCES:
        return OperatorMistake(
            f"This user may not use port {port}. Choose one above 1023 with --port.",
            zh=f"当前用户不能使用端口 {port}。请用 --port 选择 1023 以上的端口。",
        )
    return OperatorMistake(
        f"server.host = {host} is not an address of this machine ({error.strerror})."
        " Use 127.0.0.1 for this machine only, 0.0.0.0 for all networks.",
        zh=f"server.host = {host} 不是本机的地址（{error.strerror}）。"
        "只供本机用 127.0.0.1，对所有网络用 0.0.0.0。",
    )


def _reachable(host: str) -> str:
    """Return the address by which this machine reaches a socket bound to ``host``."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{here}]" if ":" in here else here


def _config(app: ASGIApp, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHead,
        ws=WebSockets,
        ws_max_size=max(settings.body_bytes_max, WEBSOCKET_BYTES_MAX),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=settings.connections_max,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
