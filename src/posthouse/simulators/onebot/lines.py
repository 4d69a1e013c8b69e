"""One WebSocket between an account and its bot server, whichever side dialled."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from typing import Protocol

import msgspec
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType, web

from posthouse.simulators.onebot import events
from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.desk import Desk, Manner, Reply
from posthouse.simulators.onebot.state import Network
from posthouse.simulators.onebot.switches import Switches
from posthouse.simulators.timing import Sleep, end

BESIDE_MAX = 64
FRAME_BYTES_MAX = 64 * 1024 * 1024  # pictures travel inside
CLOSE_WITHIN_S = 1.0

Socket = ClientWebSocketResponse | web.WebSocketResponse

_GONE = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})


class Place(Protocol):
    """All that the connections of one account need."""

    @property
    def network(self) -> Network: ...
    @property
    def account(self) -> Account: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def sleep(self) -> Sleep: ...


class Line:
    """An open socket: events and heartbeats out, actions in, answers out."""

    def __init__(self, place: Place, held: Socket, *, takes_events: bool = True) -> None:
        self.takes_events = takes_events
        self._account = place.account
        self._network = place.network
        self._desk = place.desk
        self._switches = place.switches
        self._sleep = place.sleep
        self._socket = held
        self._is_gone = False
        self._beside: set[asyncio.Task[None]] = set()  # answers on their way, and the heartbeat
        self._overtaken: list[Reply] = []  # answers that wait for the next one

    async def greet(self) -> None:
        """Say who is there, before anything else is said."""
        if self.takes_events:
            await self.say(events.lifecycle(self._account, self._network.now))

    async def run(self) -> None:
        """Serve until the socket is closed, by whomever."""
        if self.takes_events and self._account.heartbeat_s > 0:
            self._spawn(self._beat())
        try:
            while await self._hear(await self._socket.receive()):
                pass
        finally:
            self._is_gone = True
            await end(*self._beside)

    async def say(self, body: events.Body) -> bool:
        """Send an event; False when the socket is gone or nothing may be written."""
        return await self._write(msgspec.json.encode(body).decode())

    async def close(self, code: int = 1000) -> None:
        """Say goodbye."""
        self._is_gone = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._socket.close(code=code)

    def cut(self) -> None:
        """Be gone without a word: the other side's kernel says so, nothing else does."""
        self._is_gone = True
        held = self._socket.get_extra_info("socket")
        if held is not None:
            with suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                held.shutdown(socket.SHUT_RDWR)

    # --- in -------------------------------------------------------------------------------------

    async def _hear(self, frame: WSMessage) -> bool:
        """Take a frame, unless this side has stopped reading; False when it was the last."""
        await self._switches.until_reading()
        if frame.type in _GONE or self._is_gone:
            return False
        match frame.type:
            case WSMsgType.PING:
                with suppress(ConnectionError):  # it may be gone by now
                    await self._socket.pong(frame.data)
            case WSMsgType.TEXT:
                await self._take(frame.data)
            case WSMsgType.BINARY:
                notes = self._network.notes
                notes.complain(self._account.name, "a frame is text, not binary", frame.data)
        return True

    async def _take(self, text: str) -> None:
        """Do an action now, answer it beside; with too many answers open, read no further."""
        reply = self._desk.take(self._account, text, is_online=self._switches.is_online)
        if isinstance(reply, str):
            await self._write(reply)
            return
        while len(self._beside) >= BESIDE_MAX:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)
        self._spawn(self._answer(reply))

    # --- out ------------------------------------------------------------------------------------

    async def _answer(self, reply: Reply) -> None:
        if reply.delay_s:
            await self._sleep(reply.delay_s)
        if reply.later is not None:
            reply.text = reply.later()
        if reply.manner is Manner.LAST:
            self._overtaken.append(reply)
            await self._sleep(self._desk.delay_s)
            if reply not in self._overtaken:
                return
            self._overtaken.remove(reply)
        await self._put(reply)
        while reply.manner is not Manner.LAST and self._overtaken:
            await self._put(self._overtaken.pop(0))

    async def _put(self, reply: Reply) -> None:
        is_written = False
        match reply.manner:
            case Manner.WHOLE | Manner.LAST:
                is_written = await self._write(reply.text)
            case Manner.TWICE:
                is_written = await self._write(reply.text)
                await self._write(reply.text)
            case Manner.HALF:
                await self._write(reply.text[: len(reply.text) // 2])
            case Manner.CUT:
                self.cut()
        self._desk.close(reply, is_written=is_written)

    async def _write(self, text: str) -> bool:
        if self._is_gone or self._socket.closed or not self._switches.is_writing:
            return False
        try:
            await self._socket.send_str(text)
        except (ConnectionError, RuntimeError):
            return False
        return not self._is_gone

    async def _beat(self) -> None:
        while True:
            await self._sleep(self._account.heartbeat_s)
            if self._switches.is_beating:
                status = events.Status(online=self._switches.is_online)
                await self.say(events.heartbeat(self._account, self._network.now, status))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
