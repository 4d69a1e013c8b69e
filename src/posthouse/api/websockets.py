"""WebSockets below ASGI: uvicorn hands a connection over when its request asks to upgrade.

Uvicorn's own protocols need a library that nothing else here needs, and spend several times as
much on a message. Sockets are closed by whoever serves them: when the server stops, a bot still
has to hear what became of its last messages.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import http
from collections import deque
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import unquote

import structlog
from starlette.types import Message, Scope
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from posthouse.api.frames import (
    BadFrame,
    CloseCode,
    FrameReader,
    Opcode,
    close_code,
    close_frame,
    frame,
)

PING_EVERY_S = 20.0  # silence in between costs one ping, silence after it the connection
WAITING_MAX = 64  # messages that nobody has read yet; then the socket waits
CLOSE_WITHIN_S = 5.0  # for the other side to say goodbye as well
VERSION = b"13"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16

log = structlog.get_logger("posthouse.api")


class Gone(OSError):
    """The other side has left; nothing was written."""


class WebSockets(asyncio.Protocol):
    """One connection: bytes of a client on one side, an ASGI application on the other."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        self._app = config.loaded_app
        self._root_path = config.root_path
        self._state = server_state
        self._app_state = app_state
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader(config.ws_max_size)
        self._transport: asyncio.Transport
        self._key = b""
        self._is_handing_over = True
        self._is_open = False
        self._is_closing = False
        self._messages: deque[Message] = deque([{"type": "websocket.connect"}])
        self._waiter: asyncio.Future[None] | None = None
        self._is_reading_paused = False
        self._unwritten: list[bytes] = []
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._has_heard = True
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: Message = {}

    # --- what uvicorn and the event loop call ---------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection over."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._state.connections.add(self)  # type: ignore[arg-type]  # it asks for shutdown() alone

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the application, whether it reads or writes."""
        self._state.connections.discard(self)
        self._end(CloseCode.LOST)
        self._may_write.set()

    def shutdown(self) -> None:
        """Leave the connection to the application: the house closes it when its work is done."""

    def pause_writing(self) -> None:
        """Let writers wait: the client reads too slowly."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        """Read the request that uvicorn repeats first, then frames."""
        if self._is_handing_over:
            self._is_handing_over = False
            self._begin(data)
            return
        self._has_heard = True
        try:
            messages = self._reader.feed(data)
            for opcode, payload in messages:
                self._take(opcode, payload)
        except BadFrame as problem:
            self._close(problem.code, str(problem))
        if self._waiter is not None and self._messages:
            self._wake()
        if len(self._messages) > WAITING_MAX and not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    # --- opening ----------------------------------------------------------------------------

    def _begin(self, request: bytes) -> None:
        line, *lines = request.rstrip(b"\r\n").split(b"\r\n")
        headers = [(name, value) for name, _, value in (each.partition(b": ") for each in lines)]
        named = dict(headers)
        self._key = named.get(b"sec-websocket-key", b"")
        method, target, _ = line.split(b" ", 2)
        if method != b"GET" or not _is_key(self._key):
            self._refuse(400)
        elif named.get(b"sec-websocket-version") != VERSION:
            self._refuse(426, [(b"sec-websocket-version", VERSION)])
        else:
            task = self._loop.create_task(self._serve(self._scope(target, headers)))
            self._state.tasks.add(task)
            task.add_done_callback(self._state.tasks.discard)

    def _scope(self, target: bytes, headers: list[tuple[bytes, bytes]]) -> Scope:
        path, _, query = target.partition(b"?")
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self._transport) else "ws",
            "server": get_local_addr(self._transport),
            "client": get_remote_addr(self._transport),
            "root_path": self._root_path,
            "path": self._root_path + unquote(path.decode("ascii", "replace")),
            "raw_path": self._root_path.encode() + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": _listed(headers, b"sec-websocket-protocol"),
            "state": self._app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }

    async def _serve(self, scope: Scope) -> None:
        try:
            await self._app(scope, self.receive, self.send)
        except Gone:
            pass
        except Exception:  # the last door before the server
            log.exception("websocket_failed", path=scope["path"])
            self._close(CloseCode.FAILED)
        if not self._is_open:
            self._refuse(500)
        self._close(CloseCode.NORMAL)

    def _refuse(
        self, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> None:
        if self._is_closing:
            return
        phrase = http.HTTPStatus(status).phrase.encode()
        lines = [b"HTTP/1.1 %d %s" % (status, phrase), *(b"%s: %s" % each for each in headers)]
        self._transport.write(b"\r\n".join([*lines, b"connection: close", b"", body]))
        self._transport.close()
        self._end(CloseCode.LOST)

    # --- what the application calls -----------------------------------------------------------

    async def receive(self) -> Message:
        """Return the next thing that happened."""
        if not self._messages:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        if self._is_reading_paused and len(self._messages) <= WAITING_MAX // 2:
            self._is_reading_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return message

    async def send(self, message: Message) -> None:
        """Do what the application wants.

        Raises:
            Gone: the connection has ended; nothing was written.
        """
        match message["type"]:
            case "websocket.send":
                await self._send(message)
            case "websocket.accept":
                self._accept(message)
            case "websocket.close" if self._is_open:
                self._close(message.get("code") or CloseCode.NORMAL, message.get("reason") or "")
            case "websocket.close":
                self._refuse(403)
            case "websocket.http.response.start":
                self._refusal = message
            case "websocket.http.response.body":
                headers = self._refusal.get("headers") or ()
                self._refuse(self._refusal["status"], headers, message.get("body", b""))

    async def _send(self, message: Message) -> None:
        if self._is_closing or not self._is_open or self._transport.is_closing():
            raise Gone
        text = message.get("text")
        if text is None:
            self._put(frame(Opcode.BINARY, message["bytes"]))
        else:
            self._put(frame(Opcode.TEXT, text.encode()))
        if not self._may_write.is_set():
            await self._may_write.wait()

    def _put(self, data: bytes) -> None:
        """Write together what one turn of the event loop says: each write is a system call."""
        if not self._unwritten:
            self._loop.call_soon(self._write_out)
        self._unwritten.append(data)

    def _write_out(self) -> None:
        if self._unwritten:
            self._transport.write(b"".join(self._unwritten))
            self._unwritten.clear()

    def _accept(self, message: Message) -> None:
        if self._transport.is_closing():
            raise Gone
        digest = hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest()
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"upgrade: websocket",
            b"connection: upgrade",
            b"sec-websocket-accept: " + base64.b64encode(digest),
            *(b"%s: %s" % each for each in message.get("headers") or ()),
        ]
        if message.get("subprotocol"):
            lines.append(b"sec-websocket-protocol: " + message["subprotocol"].encode())
        self._transport.write(b"\r\n".join([*lines, b"", b""]))
        self._is_open = True
        self._timer = self._loop.call_later(PING_EVERY_S, self._look_after)

    # --- frames -------------------------------------------------------------------------------

    def _take(self, opcode: int, payload: bytes) -> None:
        match opcode:
            case Opcode.TEXT:
                try:
                    text = payload.decode()
                except UnicodeDecodeError:
                    raise BadFrame("a text is UTF-8", CloseCode.NO_TEXT) from None
                self._messages.append({"type": "websocket.receive", "text": text})
            case Opcode.BINARY:
                self._messages.append({"type": "websocket.receive", "bytes": payload})
            case Opcode.PING:
                self._transport.write(frame(Opcode.PONG, payload))
            case Opcode.CLOSE:
                code = close_code(payload)
                self._close(CloseCode.NORMAL if code == CloseCode.NOT_GIVEN else code)
                self._transport.close()

    def _look_after(self) -> None:
        """Ask a silent client whether it is there; cut one that did not answer."""
        if not self._has_heard:
            self._close(CloseCode.FAILED, "no answer to a ping")
            self._transport.close()
            return
        self._has_heard = False
        self._transport.write(frame(Opcode.PING, b""))
        self._timer = self._loop.call_later(PING_EVERY_S, self._look_after)

    def _close(self, code: int, reason: str = "") -> None:
        """Say goodbye once, and wait a moment for the other side to do the same."""
        if not self._is_closing:
            self._is_closing = True
            self._put(close_frame(code, reason))
            self._write_out()
            self._end(code)
            self._timer = self._loop.call_later(CLOSE_WITHIN_S, self._transport.abort)

    def _end(self, code: int) -> None:
        """Let the application read the end; nothing follows it."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        if not self._messages or self._messages[-1]["type"] != "websocket.disconnect":
            self._messages.append({"type": "websocket.disconnect", "code": int(code)})
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _listed(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    values = (value for each, value in headers if each == name)
    return [item.strip().decode("latin-1") for value in values for item in value.split(b",")]
