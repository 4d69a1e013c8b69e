"""What every request meets before anything of ours reads it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posthouse.api.answers import error, error_of
from posthouse.api.requests import media_type
from posthouse.model.errors import PosthouseError

BODY_SPANS_MAX = 15  # a body may take this many times ``receive_within_s``, however it trickles

_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

log = structlog.get_logger("posthouse.api")


class Failures:
    """Turns what a route raises into the one shape of errors; the log has the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return  # nobody is there to read an answer
        except Exception as problem:  # the last door before the server
            answer = _answer(problem, scope)
            if has_begun:
                raise  # too late for words: the server cuts the connection
            await answer(scope, receive, send)


def _answer(problem: Exception, scope: Scope) -> Response:
    if isinstance(problem, PosthouseError):
        return error_of(problem)
    log.error("request_failed", method=scope["method"], path=scope["path"], exc_info=problem)
    return error("failed")


class SafeHeaders:
    """Gives every answer the headers that a browser should see, unless a page set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add headers to what the application sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                own = {name for name, _ in headers}
                ours = (header for header in _DEFAULT_HEADERS if header[0] not in own)
                message["headers"] = [*headers, *ours]
            await send(message)

        await self._app(scope, receive, with_headers)


class KnownHosts:
    """Refuses names that are not ours.

    Otherwise a foreign page could reach a house on loopback by pointing its own name there.

    Args:
        app: what stands behind.
        names: host names without ports; empty lets every name in.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass whose ``Host`` is one of the names."""
        if scope["type"] in {"http", "websocket"} and self._names:
            host = Headers(scope=scope).get("host", "")
            if _without_port(host) not in self._names:
                await error("wrong_host")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


class BoundedBody:
    """Counts a body while it streams in, and does not wait for it for ever.

    A route behind it sees the client go away; the answer is ours then, whatever the route says.

    Args:
        app: what stands behind.
        bytes_max: for what is read as a whole: JSON, XML and forms.
        upload_bytes_max: for everything else, such as files.
        receive_within_s: how long the sender may be silent inside a body.
    """

    def __init__(
        self, app: ASGIApp, bytes_max: int, upload_bytes_max: int, receive_within_s: float
    ) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._upload_bytes_max = upload_bytes_max
        self._receive_within_s = receive_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on whose body is watched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        bytes_max = (
            self._bytes_max if media_type(headers) in _READ_WHOLE else self._upload_bytes_max
        )
        if _announced(headers) > bytes_max:
            await _refusal("too_large")(scope, receive, send)
            return
        body = _Body(receive, send, bytes_max, self._receive_within_s)
        with contextlib.suppress(ClientDisconnect):  # the body ended it, or the client did
            await self._app(scope, body.receive, body.send)
        if body.refusal and not body.has_answer:
            await _refusal(body.refusal)(scope, receive, send)


_READ_WHOLE = frozenset(
    {"", "application/json", "application/xml", "application/x-www-form-urlencoded", "text/xml"}
)


class _Body:
    """One body on its way in; ``refusal`` is the error it ended with."""

    def __init__(self, receive: Receive, send: Send, bytes_max: int, within_s: float) -> None:
        self.refusal = ""
        self.has_answer = False
        self._receive = receive
        self._send = send
        self._bytes_left = bytes_max
        self._within_s = within_s
        self._late_at = time.monotonic() + within_s * BODY_SPANS_MAX
        self._is_complete = False

    async def receive(self) -> Message:
        if self.refusal:
            return {"type": "http.disconnect"}
        if self._is_complete:
            return await self._receive()  # only waits for the end of the connection
        try:
            async with asyncio.timeout(self._within_s):
                message = await self._receive()
        except TimeoutError:
            return self._refuse("too_slow")
        self._is_complete = not message.get("more_body", False)
        self._bytes_left -= len(message.get("body", b""))
        if self._bytes_left < 0:
            return self._refuse("too_large")
        if not self._is_complete and time.monotonic() > self._late_at:
            return self._refuse("too_slow")
        return message

    async def send(self, message: Message) -> None:
        if self.refusal and not self.has_answer:
            return  # the route's words about it; ours follow
        self.has_answer = True
        await self._send(message)

    def _refuse(self, code: str) -> Message:
        self.refusal = code
        return {"type": "http.disconnect"}


def _refusal(code: str) -> Response:
    return error(code, headers={"Connection": "close"})


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
