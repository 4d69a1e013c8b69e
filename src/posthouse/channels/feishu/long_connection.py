"""Feishu's long connection: discovery, frames, pings; acknowledged after the book has it.

Source: lark-oapi 1.7.5 and node-sdk 1.74.0, whose sessions were recorded. Unlike them it never dies
of a code, acknowledges before anything runs, and writes no address with its credentials anywhere.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import structlog
from aiohttp import WSMsgType
from msgspec import Struct

from posthouse.channels.channel import Door
from posthouse.channels.feishu import codec, frames
from posthouse.channels.feishu.client import Client
from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.channels.feishu.fragments import EVENT_BYTES_MAX, Fragments
from posthouse.channels.feishu.frames import Frame, Method
from posthouse.channels.keep_connected import BadCredentials, Policy, Pulse
from posthouse.model.address import Entrance
from posthouse.model.errors import NotUnderstood, PosthouseError, TryLater
from posthouse.model.event import Event

# The server answers pings, which come every 90 to 120 seconds. Refused credentials are asked again
# soon: 1000040345 has been seen to pass by itself.
POLICY = Policy(idle_s=300.0, refused_wait_s=60.0)
PING_EVERY_S = 120.0  # until the server says otherwise
PING_EVERY_S_LEAST = 5.0
FRAME_BYTES_MAX = EVENT_BYTES_MAX
WAITING_MAX = 256  # events read and not accepted yet; then the socket waits
BATCH_MAX = 64  # accepted in one go
PRESSES_MAX = 64  # that wait for their answer at once; more are acknowledged as they come

OK = b'{"code":200}'
NOTHING_TO_SHOW = b"{}"  # callbacks ask for an object
CARD = "card"  # a press, in frames of this type as well as in those of events
FAILED = b'{"code":500}'

ANSWER_PRESSES_WITHIN_S = 2.0  # the platform waits for three

_WRONG_CREDENTIALS = frozenset({403, 514, 1000040344, 1000040345})
_TOO_MANY = 1000040350
_AUTH_FAILED = "514"

log = structlog.get_logger("posthouse.feishu")


class TooManyConnections(PosthouseError):
    """Feishu counts too many connections of this app; stop the other programs that use it."""


class NoAddress(PosthouseError):
    """Feishu gave no address for the long connection; it is asked again."""


class ClientConfig(Struct, frozen=True):
    """What the server may set; what it leaves out stays as it was."""

    PingInterval: float | None = None


class _Place(Struct, frozen=True):
    URL: str = ""
    ClientConfig: ClientConfig | None = None


class _Discovered(Struct, frozen=True):
    code: int
    data: _Place | None = None


class _Waiting(Struct, frozen=True):
    """An event that came in whole, with the frame that completed it."""

    frame: Frame
    payload: bytes
    came_at: float

    @property
    def is_press(self) -> bool:
        return self.frame.type == CARD or codec.is_callback(self.payload)


class LongConnection:
    """One bot's connection, while there is one."""

    def __init__(
        self,
        client: Client,
        decode: Callable[[Sequence[bytes]], Awaitable[Sequence[Event]]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        silence_s: float,
    ) -> None:
        self._client = client
        self._decode = decode
        self._clock = clock
        self._sleep = sleep
        self._silence_s = silence_s
        self._ping_every_s = PING_EVERY_S
        self._heard_event_at = clock()
        self._answering: set[asyncio.Task[None]] = set()

    async def connect_and_read(self, pulse: Pulse, door: Door) -> None:
        """Hold one connection to its end, or until it has brought no event for too long.

        Raises:
            BadCredentials: the platform does not know the app or its secret.
            TooManyConnections: other programs hold connections of this app.
            NotUnderstood, NoAddress: the platform does not speak as documented.
        """
        place = await self._discover()
        socket = await self._connect(place.URL)
        waiting: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING_MAX)
        service = _service_of(place.URL)
        self._heard_event_at = self._clock()
        pulse.connected()
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self._read(socket, waiting, pulse),
                self._accept(socket, waiting, door),
                self._ping(socket, service),
                self._until_deaf(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            tasks += self._answering
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close()

    # --- connecting --------------------------------------------------------------------------

    async def _discover(self) -> _Place:
        status, body = await self._client.discover()
        problem = refusal_of_discovery(status, body)
        if problem is not None:
            raise problem
        place = msgspec.json.decode(body, type=_Discovered).data
        assert place is not None
        self._follow(place.ClientConfig)
        return place

    async def _connect(self, url: str) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._client.connect(url, FRAME_BYTES_MAX)
        except aiohttp.WSServerHandshakeError as error:
            raise _refusal(error) from None

    def _follow(self, config: ClientConfig | None) -> None:
        if config is not None and config.PingInterval is not None and config.PingInterval > 0:
            self._ping_every_s = max(PING_EVERY_S_LEAST, config.PingInterval)

    # --- reading -----------------------------------------------------------------------------

    async def _read(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        waiting: asyncio.Queue[_Waiting],
        pulse: Pulse,
    ) -> None:
        fragments = Fragments(self._clock)
        while True:
            message = await socket.receive()
            pulse.heard()
            if message.type is WSMsgType.BINARY:
                await self._take(message.data, fragments, waiting)
            elif message.type not in {WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG}:
                return

    async def _take(
        self, data: bytes, fragments: Fragments, waiting: asyncio.Queue[_Waiting]
    ) -> None:
        """Take one frame; one that makes no sense is not acknowledged, so it comes again."""
        try:
            frame = frames.decode(data)
            if frame.method == Method.CONTROL:
                self._control(frame)
                return
            payload = fragments.add(frame)
        except NotUnderstood as problem:
            log.warning("frame_not_understood", problem=str(problem), bytes=len(data))
            return
        if payload is not None and frame.type == CARD:
            payload = codec.renewed_press(payload) or payload
        if payload is not None:
            self._heard_event_at = self._clock()
            await waiting.put(_Waiting(frame, payload, self._clock()))

    def _control(self, frame: Frame) -> None:
        if frame.type == "pong" and frame.payload:
            try:
                self._follow(msgspec.json.decode(frame.payload, type=ClientConfig))
            except UNREADABLE:
                log.warning("pong_not_understood", bytes=len(frame.payload))

    # --- accepting ---------------------------------------------------------------------------

    async def _accept(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        waiting: asyncio.Queue[_Waiting],
        door: Door,
    ) -> None:
        """Accept what has come, as much at once as there is, and acknowledge it afterwards."""
        while True:
            batch = [await waiting.get()]
            while len(batch) < BATCH_MAX and not waiting.empty():
                batch.append(waiting.get_nowait())
            batch = [each for each in batch if not self._is_answered(socket, each, door)]
            events = await self._decode([each.payload for each in batch])
            is_stored = True
            try:
                if events:
                    await door.accept(events, Entrance.LONG_CONNECTION)
            except TryLater:
                is_stored = False  # the platform brings it again
            for each in batch:
                await self._acknowledge(socket, each, is_stored=is_stored)

    async def _acknowledge(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        each: _Waiting,
        *,
        is_stored: bool,
        shown: bytes = NOTHING_TO_SHOW,
    ) -> None:
        good = _callback(shown) if each.is_press else OK
        took_ms = int((self._clock() - each.came_at) * 1000)
        answer = frames.answer(each.frame, good if is_stored else FAILED, took_ms)
        await socket.send_bytes(frames.encode(answer))

    # --- answering presses -------------------------------------------------------------------

    def _is_answered(
        self, socket: aiohttp.ClientWebSocketResponse, each: _Waiting, door: Door
    ) -> bool:
        """Let a press wait for words to show, beside everything else; False for what cannot."""
        if not each.is_press or len(self._answering) >= PRESSES_MAX:
            return False
        task = asyncio.ensure_future(self._answer(socket, each, door))
        self._answering.add(task)
        task.add_done_callback(self._answered)
        return True

    async def _answer(
        self, socket: aiohttp.ClientWebSocketResponse, each: _Waiting, door: Door
    ) -> None:
        """Accept a press, and acknowledge it with what its turn shows, if that comes in time."""
        events = await self._decode((each.payload,))
        left_s = each.came_at + ANSWER_PRESSES_WITHIN_S - self._clock()
        shown, is_stored, is_written = None, True, False
        try:
            if events:
                shown = await door.answer(events, Entrance.LONG_CONNECTION, max(0.0, left_s))
        except TryLater:
            is_stored = False
        try:
            body = shown or NOTHING_TO_SHOW
            await self._acknowledge(socket, each, is_stored=is_stored, shown=body)
            is_written = True
        finally:
            if shown is not None:
                await door.answered(events, is_written=is_written)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.warning("press_not_answered", problem=type(problem).__name__)

    # --- staying alive -----------------------------------------------------------------------

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse, service: int) -> None:
        data = frames.encode(frames.ping(service))
        while True:
            await socket.send_bytes(data)
            await self._sleep(self._ping_every_s)

    async def _until_deaf(self) -> None:
        """End when no event has come for long: connections have been seen that only pong."""
        while (left_s := self._heard_event_at + self._silence_s - self._clock()) > 0:
            await self._sleep(max(left_s, 1.0))
        log.info("connecting_anew", silent_s=self._silence_s)


def _callback(shown: bytes) -> bytes:
    return b'{"code":200,"data":"' + base64.b64encode(shown) + b'"}'


def refusal_of_discovery(status: int, body: bytes) -> PosthouseError | None:
    """Say why there is no address in an answer of discovery; None when there is one."""
    try:
        answer = msgspec.json.decode(body, type=_Discovered)
    except UNREADABLE:
        return NoAddress(f"Feishu gave no address: HTTP {status}")
    if answer.code in _WRONG_CREDENTIALS:
        return BadCredentials(
            f"Feishu refuses the long connection ({answer.code}): check app_id and app_secret,"
            " and that the app is published and enabled.",
            f"飞书拒绝长连接（{answer.code}）："
            "请核对 app_id 与 app_secret，并确认应用已发布、已启用。",
        )
    if answer.code == _TOO_MANY:
        return TooManyConnections(zh="这个应用的长连接太多了；请停掉其他使用它的程序。")
    if answer.code or answer.data is None or not answer.data.URL:
        return NoAddress(f"Feishu gave no address: {answer.code or status}")
    return None


def _service_of(url: str) -> int:
    """Return the number that pings carry; the address has it beside its credentials."""
    value = parse_qs(urlsplit(url).query).get("service_id", ["0"])[0]
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 10 else 0  # noqa: PLR2004 - digits of an int32


def _refusal(error: aiohttp.WSServerHandshakeError) -> Exception:
    """Say why the handshake failed, by the platform's own headers; never with the address."""
    headers: Mapping[str, str] = error.headers or {}
    status = headers.get("Handshake-Status", "")
    code = headers.get("Handshake-Autherrcode", "")
    if status == _AUTH_FAILED and code == str(_TOO_MANY):
        return TooManyConnections()
    if status == "403":
        return BadCredentials("Feishu has banned the app from the long connection (403).")
    return NoAddress(f"Feishu refused the connection: {status or error.status} {code}".strip())
