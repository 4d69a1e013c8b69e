"""The probe's long connection: events come in, and for some bots calls go out over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import aiohttp
import msgspec
from aiohttp import WSMsgType
from msgspec import Struct

from posthouse.channels.channel import Door, Verb
from posthouse.channels.keep_connected import BadCredentials, Pulse, Superseded
from posthouse.model.address import Entrance
from posthouse.model.delivery import NotSent, Outcome, Unknown
from posthouse.model.errors import NotUnderstood, TryLater
from posthouse.model.event import Event
from posthouse.testing.probe.client import Answer, Client, outcome_of_answer
from posthouse.testing.probe.codec import UNREADABLE, Call

SUPERSEDED = 4009
WRONG_CREDENTIALS = frozenset({401, 403, 404})
WAITING_MAX = 256  # frames read and not accepted yet; then the socket waits
BATCH_MAX = 64  # accepted in one go
CALLS_MAX = 1000  # waiting for their results


class _Result(Struct, frozen=True):
    status: int
    body: msgspec.Raw
    retry_after_s: float | None = None


class _Frame(Struct, frozen=True):
    """Any frame of the platform: an event under its number, or the result of a call."""

    seq: int | None = None
    event: msgspec.Raw = msgspec.Raw()  # empty: none
    echo: str | None = None
    result: _Result | None = None


class _Incoming(Struct, frozen=True):
    seq: int
    payload: bytes


_FRAMES = msgspec.json.Decoder(_Frame)
Decode = Callable[[bytes], Event]


class LongConnection:
    """One bot's connection, while there is one."""

    def __init__(self, client: Client, decode: Decode, answer_within_s: float) -> None:
        self._client = client
        self._decode = decode
        self._answer_within_s = answer_within_s
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._calls: dict[str, asyncio.Future[Answer]] = {}
        self._numbers = count(1)

    async def connect_and_read(self, pulse: Pulse, door: Door) -> None:
        """Hold one connection to its end.

        Raises:
            BadCredentials: the platform does not know the bot or its token.
            Superseded: another process has taken the bot over.
            NotUnderstood: a frame made no sense; what came after it is lost.
        """
        socket = await self._connect()
        waiting: asyncio.Queue[_Incoming] = asyncio.Queue(WAITING_MAX)
        accepting = asyncio.ensure_future(self._accept(socket, waiting, door))
        reading = asyncio.ensure_future(self._read(socket, waiting, pulse))
        self._socket = socket
        pulse.connected()
        try:
            done, _ = await asyncio.wait({reading, accepting}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._socket = None
            for task in (reading, accepting):
                task.cancel()
            await asyncio.gather(reading, accepting, return_exceptions=True)
            self._give_up_calls()
            await socket.close()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._client.connect()
        except aiohttp.WSServerHandshakeError as error:
            if error.status in WRONG_CREDENTIALS:
                raise BadCredentials from None
            raise

    async def _read(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        waiting: asyncio.Queue[_Incoming],
        pulse: Pulse,
    ) -> None:
        while True:
            message = await socket.receive()
            pulse.heard()
            match message.type:
                case WSMsgType.TEXT:
                    await self._take(message.data, waiting)
                case WSMsgType.PING:
                    await socket.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case WSMsgType.BINARY:
                    raise NotUnderstood("a binary frame")
                case _:
                    break
        if socket.close_code == SUPERSEDED:
            raise Superseded

    async def _take(self, text: str, waiting: asyncio.Queue[_Incoming]) -> None:
        try:
            frame = _FRAMES.decode(text)
        except UNREADABLE:
            raise NotUnderstood("half a frame") from None
        payload = bytes(frame.event)
        if frame.seq is not None and payload:
            await waiting.put(_Incoming(frame.seq, payload))
        elif frame.echo is not None and frame.result is not None:
            result = frame.result
            call = self._calls.pop(frame.echo, None)
            if call is not None and not call.done():
                call.set_result(Answer(result.status, bytes(result.body), result.retry_after_s))

    async def _accept(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        waiting: asyncio.Queue[_Incoming],
        door: Door,
    ) -> None:
        """Accept what has come, as much at once as there is, and acknowledge it afterwards."""
        while True:
            batch = [await waiting.get()]
            while len(batch) < BATCH_MAX and not waiting.empty():
                batch.append(waiting.get_nowait())
            events = [self._decode(incoming.payload) for incoming in batch]
            try:
                await door.accept(events, Entrance.LONG_CONNECTION)
            except TryLater:
                continue  # not acknowledged, so the platform brings it again
            for incoming in batch:
                await socket.send_str(f'{{"ack":{incoming.seq}}}')

    # --- calls --------------------------------------------------------------------------

    async def perform(self, call: Call) -> Outcome:
        """Make a call over the connection that is held now."""
        socket = self._socket
        if socket is None or socket.closed or len(self._calls) >= CALLS_MAX:
            return NotSent("not_connected", retry_after_s=1.0)
        echo = str(next(self._numbers))
        answer = self._calls[echo] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._answer_within_s):
                await socket.send_str(_text(call, echo))
                return outcome_of_answer(await answer, call.verb)
        except TimeoutError:
            return Unknown("timed_out")
        except (aiohttp.ClientError, OSError):
            return Unknown("cut")
        finally:
            self._calls.pop(echo, None)

    def _give_up_calls(self) -> None:
        """Nobody can tell any more whether these calls had an effect."""
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConnectionResetError())
        self._calls.clear()


def _text(call: Call, echo: str) -> str:
    fields: dict[str, object] = {"verb": str(call.verb)}
    match call.verb:
        case Verb.SEND | Verb.EDIT:
            fields |= msgspec.to_builtins(call.body)
        case Verb.TYPING:
            fields["chat"] = call.chat
        case _:
            pass
    if call.message_id:
        fields["message_id"] = call.message_id
    return msgspec.json.encode({"call": fields, "echo": echo}).decode()
