"""The road over a WebSocket that the house holds open, and the calls that come back on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import msgspec
from aiohttp import WSMessage, WSMsgType, web
from msgspec import Raw, Struct

from posthouse.simulators.probe import desk
from posthouse.simulators.probe.bots import Bot
from posthouse.simulators.probe.desk import Call, Desk, Manner, Reply
from posthouse.simulators.probe.pusher import Errand, Failure
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.state import ProbePlatform
from posthouse.simulators.probe.wire import (
    EditBody,
    Envelope,
    Id,
    MessageBody,
    decode,
)
from posthouse.simulators.timing import Sleep, end, is_done_within

SUPERSEDED = 4009
NO_SENSE = 4000
BESIDE_MAX = 64
Cut = Callable[[], None]


class EventFrame(Struct, frozen=True):
    """An envelope on its way."""

    seq: int
    event: Envelope


class HouseFrame(Struct, frozen=True, forbid_unknown_fields=True):
    """What the house sends: an acknowledgement, or a call with an echo."""

    ack: int | None = None
    call: Raw = Raw()
    echo: Id | None = None


class Result(Struct, frozen=True):
    """What HTTP would have answered."""

    status: int
    body: desk.Body | dict[str, str]
    retry_after_s: float | None = None


class ResultFrame(Struct, frozen=True):
    """The outcome of a call."""

    echo: str
    result: Result


class SendCall(MessageBody, frozen=True, tag_field="verb", tag="send"):
    """Say something."""


class EditCall(EditBody, frozen=True, tag_field="verb", tag="edit", kw_only=True):
    """Give a message new words."""

    message_id: str


class RecallCall(Struct, frozen=True, tag_field="verb", tag="recall", forbid_unknown_fields=True):
    """Take a message back."""

    message_id: str


class TypingCall(Struct, frozen=True, tag_field="verb", tag="typing", forbid_unknown_fields=True):
    """Show that somebody is at work."""

    chat: str


AnyCall = SendCall | EditCall | RecallCall | TypingCall
_ANY_CALL: type[AnyCall] = AnyCall  # type: ignore[assignment] # mypy knows no types of unions


class Holder:
    """One open socket of the house."""

    def __init__(self, socket: web.WebSocketResponse, cut: Cut) -> None:
        self.socket = socket
        self._cut = cut
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def cut(self) -> None:
        """Close the socket without a word."""
        self._cut()
        self.leave()

    def leave(self) -> None:
        """Note that nothing can be pushed here any more."""
        if not self.gone.done():
            self.gone.set_result(None)

    async def say(self, text: str) -> bool:
        """Send a frame; False when the house is gone."""
        if self.gone.done() or self.socket.closed:
            return False
        try:
            await self.socket.send_str(text)
        except (ConnectionError, RuntimeError):
            return False
        return not self.gone.done()


class Line:
    """The long connection of one bot, whoever holds it."""

    def __init__(self, platform: ProbePlatform, bot: Bot, desk: Desk, sleep: Sleep) -> None:
        self._platform = platform
        self._bot = bot
        self._desk = desk
        self._sleep = sleep
        self._seq = 0
        self._by_seq: dict[int, Errand] = {}  # pruned when the errand is done
        self._beside: set[asyncio.Task[None]] = set()  # answers and farewells on their way
        self.holder: Holder | None = None

    # --- events out ---------------------------------------------------------------------------

    def cut(self) -> Failure:
        """Fail before a byte leaves."""
        if self.holder is not None:
            self._let_go(self.holder).cut()
        return Failure(is_road_gone=True)

    async def push(self, errand: Errand, timeout_s: float, *, hangs_up: bool) -> Failure:
        """Send a frame and wait for its ack, or for that of an earlier attempt."""
        holder = self.holder
        if holder is None:
            return Failure(is_road_gone=True)
        frame = EventFrame(self._number(errand), self._platform.push(errand.event))
        if not await holder.say(msgspec.json.encode(frame).decode()):
            self._let_go(holder)  # else it would be tried again at once, before anybody notices
            return Failure(is_road_gone=True)
        if hangs_up:
            self._let_go(holder).cut()
        await is_done_within(self._sleep, timeout_s, errand.done, holder.gone)
        return Failure(is_road_gone=holder.gone.done())

    def _number(self, errand: Errand) -> int:
        """Give an attempt its number, and remember it as long as an ack may mean the errand."""
        self._seq += 1
        seq = self._seq
        self._by_seq[seq] = errand
        errand.done.add_done_callback(lambda _: self._by_seq.pop(seq, None))
        return seq

    # --- the house's side ---------------------------------------------------------------------

    async def serve(self, socket: web.WebSocketResponse, cut: Cut, opened: Cut) -> None:
        """Hold the line until the socket closes or a newer one supersedes it."""
        holder = Holder(socket, cut)
        older, self.holder = self.holder, holder
        if older is not None:
            self._spawn(_dismiss(older))
        opened()
        try:
            async for frame in socket:
                if self.holder is not holder:
                    break
                await self._hear(holder, frame)
        except Refusal as refusal:
            await socket.close(code=NO_SENSE, message=refusal.body.message.encode()[:120])
        finally:
            self._let_go(holder)

    async def close(self) -> None:
        """Stop: 1001 to whoever holds the line."""
        holder = self.holder
        if holder is not None:
            self._let_go(holder)
            await holder.socket.close(code=1001)
        await end(*self._beside)

    def _let_go(self, holder: Holder) -> Holder:
        holder.leave()
        if self.holder is holder:
            self.holder = None
        return holder

    async def _hear(self, holder: Holder, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            raise Refusal(400, "bad_request", "frames are text")
        frame = decode(message.data, HouseFrame)
        if frame.ack is not None:
            errand = self._by_seq.get(frame.ack)
            if errand is not None:
                errand.acknowledge()
        elif bytes(frame.call) and frame.echo is not None:
            await self._take(holder, bytes(frame.call), frame.echo)
        else:
            raise Refusal(400, "bad_request", "a frame is an ack, or a call with an echo")

    async def _take(self, holder: Holder, call: bytes, echo: str) -> None:
        """Handle a call now, answer it beside; with too many answers open, read no further."""
        try:
            wanted = self._as_call(decode(call, _ANY_CALL))
        except Refusal as refusal:
            await holder.say(_result(echo, Result(refusal.status, refusal.body)))
            return
        reply = self._desk.take(self._bot, wanted, is_by_connection=True)
        while len(self._beside) >= BESIDE_MAX:
            await asyncio.wait(self._beside, return_when=asyncio.FIRST_COMPLETED)
        self._spawn(self._answer(holder, reply, echo))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _answer(self, holder: Holder, reply: Reply, echo: str) -> None:
        if reply.delay_s:
            await self._sleep(reply.delay_s)
        text = _result(echo, Result(reply.status, reply.body or {}, reply.retry_after_s))
        is_written = False
        match reply.manner:
            case Manner.WHOLE:
                is_written = await holder.say(text)
            case Manner.HALF:
                await holder.say(text[: len(text) // 2])
            case Manner.CUT:
                self._let_go(holder).cut()
        self._desk.close(reply, is_written=is_written)

    def _as_call(self, call: AnyCall) -> Call:
        match call:
            case SendCall():
                return desk.send(self._platform, self._bot, call)
            case EditCall(message_id=message_id):
                return desk.edit(self._platform, self._bot, message_id, call)
            case RecallCall(message_id=message_id):
                return desk.recall(self._platform, self._bot, message_id)
            case TypingCall(chat=chat):
                return desk.typing(chat)


def _result(echo: str, result: Result) -> str:
    return msgspec.json.encode(ResultFrame(echo, result)).decode()


async def _dismiss(older: Holder) -> None:
    """Tell the older holder why it has lost the line; it may be long dead."""
    older.leave()
    with suppress(ConnectionError, RuntimeError):
        await older.socket.close(code=SUPERSEDED, message=b"superseded")
