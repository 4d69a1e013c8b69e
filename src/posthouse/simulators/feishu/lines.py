"""One long connection: frames out, acknowledgements and pings in."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from contextlib import suppress

import msgspec
from aiohttp import WSMessage, WSMsgType, web
from msgspec import Struct
from msgspec.structs import replace

from posthouse.simulators.feishu import frames
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.faults import Fault, FaultPlan, Verb
from posthouse.simulators.feishu.frames import CONTROL, DATA, Frame, Malformed
from posthouse.simulators.feishu.post import Attempt
from posthouse.simulators.feishu.record import ConnectionEntry
from posthouse.simulators.feishu.settings import Switches, TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.timing import Sleep, is_done_within

OK = 200
CLOSE_WITHIN_S = 1.0
DOUBLE_DIGITS = 2**53  # above, a client in JavaScript sends back a rounded number

_GONE = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})


class Place(Struct, frozen=True, kw_only=True):
    """All that the connections of one app need."""

    tenant: Tenant
    app: App
    settings: TenantSettings
    switches: Switches
    faults: FaultPlan
    sleep: Sleep


class _Pushed(Struct, eq=False, kw_only=True):
    """Something that waits for its acknowledgement."""

    event: Event
    frames: tuple[Frame, ...]
    acknowledged: asyncio.Future[Attempt]


class Line:
    """An open socket of a client."""

    def __init__(
        self, place: Place, held: web.WebSocketResponse, entry: ConnectionEntry, service: int
    ) -> None:
        self._place = place
        self._held = held
        self._entry = entry
        self._service = service
        self._instance_id = place.tenant.new_id("inst-", 16)
        self._numbers = 0
        self._waiting: dict[str, _Pushed] = {}
        self._writing = asyncio.Lock()  # fragments of one payload stay together
        self._gone = asyncio.Event()

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the socket is closed, by whomever."""
        kick = asyncio.ensure_future(self._kick())
        try:
            while await self._hear(await self._held.receive()):
                pass
        finally:
            kick.cancel()
            self._gone.set()
            self._entry.closed_at = self._place.tenant.now
            for pushed in self._waiting.values():
                pushed.event.entry.problem = "the connection was closed"

    async def close(self, code: int = 1000, words: str = "") -> None:
        """Say goodbye."""
        self._gone.set()
        self._entry.problem = self._entry.problem or f"closed with {code}"
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._held.close(code=code, message=words.encode())

    def cut(self) -> None:
        """Be gone without a word: the other side's kernel says so, nothing else does."""
        self._gone.set()
        self._entry.problem = self._entry.problem or "cut"
        held = self._held.get_extra_info("socket")
        if held is not None:
            with suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                held.shutdown(socket.SHUT_RDWR)

    async def _kick(self) -> None:
        after_s = self._place.switches.kicks_after_s
        if after_s is not None:
            await self._place.sleep(after_s)
            await self.close(1000, "bye")

    # --- in -------------------------------------------------------------------------------------

    async def _hear(self, message: WSMessage) -> bool:
        """Take a message; False when it was the last."""
        if message.type in _GONE or self._gone.is_set():
            return False
        if self._place.switches.is_frozen:
            return True
        match message.type:
            case WSMsgType.PING:
                await self._held.pong(message.data)
            case WSMsgType.BINARY:
                await self._take(message.data)
            case WSMsgType.TEXT:
                self._complain("a frame is binary, not text", message.data)
        return True

    async def _take(self, raw: bytes) -> None:
        try:
            frame = frames.decode(raw)
        except Malformed as error:
            self._complain(f"no frame: {error}", raw.hex())
            return
        if frame.service != self._service:
            self._complain(f"service {frame.service} instead of {self._service}", raw.hex())
        if frame.method == CONTROL:
            await self._answer_ping(frame, raw)
        elif frame.method == DATA:
            self._take_ack(frame, raw)
        else:
            self._complain(f"no method {frame.method}", raw.hex())

    async def _answer_ping(self, frame: Frame, raw: bytes) -> None:
        if frame.header("type") != "ping":
            self._complain(f"a client sends no {frame.header('type')!r}", raw.hex())
            return
        self._entry.pings += 1
        fault = self._place.faults.draw(self._place.app.name, Verb.PONG)
        how = {Fault.LOST: "none", Fault.EMPTY: "empty", Fault.PARTIAL: "partial"}.get(
            fault or Fault.DELAY, self._place.switches.pong
        )
        if how == "none":
            return
        config = msgspec.to_builtins(self._place.switches.config)
        if how == "partial":
            config = {"PingInterval": config["PingInterval"]}
        payload = b"" if how == "empty" else msgspec.json.encode(config)
        answer = replace(frame, headers=(("type", "pong"),), payload=payload)
        await self._write(frames.encode(answer))

    def _take_ack(self, frame: Frame, raw: bytes) -> None:
        pushed = self._waiting.get(frame.header("message_id"))
        if pushed is None:
            if not self._place.switches.drops_acks:
                self._complain("an acknowledgement of nothing that waits", raw.hex())
            return
        self._check_echo(pushed, frame, raw)
        attempt = self._read_ack(pushed.event, frame, raw)
        if not pushed.acknowledged.done():
            pushed.acknowledged.set_result(attempt)

    def _check_echo(self, pushed: _Pushed, frame: Frame, raw: bytes) -> None:
        """See that everything comes back as it went; the number of a fragment decides which."""
        sent = next(
            (each for each in pushed.frames if each.header("seq") == frame.header("seq")), None
        )
        if sent is None:
            self._complain(f"no fragment {frame.header('seq')!r} was sent", raw.hex())
            return
        headers = tuple(each for each in frame.headers if each[0] != "biz_rt")
        if headers != sent.headers:
            self._complain(f"headers {headers} instead of {sent.headers}", raw.hex())
        for name in ("seq_id", "log_id"):
            wanted, given = getattr(sent, name), getattr(frame, name)
            if given != wanted and (wanted < DOUBLE_DIGITS or given != int(float(wanted))):
                self._complain(f"{name} {given} instead of {wanted}", raw.hex())

    def _read_ack(self, event: Event, frame: Frame, raw: bytes) -> Attempt:
        handled = frame.header("biz_rt")
        if handled.removeprefix("-").isdecimal():
            event.entry.handled_ms = int(handled)
        try:
            said = msgspec.json.decode(frame.payload or b"")
            code, data = said["code"], said.get("data")
            answer = msgspec.json.decode(base64.b64decode(data)) if data else None
        except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._complain(f"no acknowledgement: {error}", raw.hex())
            return Attempt(problem="the acknowledgement makes no sense", code=200672)
        if code != OK:
            return Attempt(problem=f"acknowledged with {code}", code=200671)
        return Attempt(answer=answer if isinstance(answer, dict) else None)

    def _complain(self, problem: str, shown: str) -> None:
        self._place.tenant.notes.complain(self._place.app.name, problem, shown)

    # --- out ------------------------------------------------------------------------------------

    async def push(self, event: Event, *, hangs_up: bool) -> Attempt:
        """Send an event, and wait for its acknowledgement as long as Feishu does."""
        written = self._frames(event)
        message_id = written[0].header("message_id")
        acknowledged: asyncio.Future[Attempt] = asyncio.get_running_loop().create_future()
        pushed = _Pushed(event=event, frames=written, acknowledged=acknowledged)
        self._waiting[message_id] = pushed
        try:
            await self._send(written)
            if hangs_up:
                self.cut()
            await is_done_within(self._place.sleep, self._place.settings.ack_s, acknowledged)
        finally:
            self._remember_late(message_id)
        if acknowledged.done():
            return acknowledged.result()
        return Attempt(problem="no acknowledgement in time", code=200341)

    def _remember_late(self, message_id: str) -> None:
        """Keep what was not acknowledged in time a little longer: late is no complaint."""
        pushed = self._waiting[message_id]
        if pushed.acknowledged.done():
            del self._waiting[message_id]
        while len(self._waiting) > 10_000:  # noqa: PLR2004 - nobody is that late
            del self._waiting[next(iter(self._waiting))]

    async def _send(self, written: tuple[Frame, ...]) -> None:
        switches = self._place.switches
        order = list(written)
        if switches.fragment_order == "reversed":
            order.reverse()
        if switches.fragment_order == "doubled" and len(order) > 1:
            order.append(order[-1])
        if switches.fragment_order == "gap" and len(order) > 1:
            order.pop(0)
        async with self._writing:
            for number, frame in enumerate(order):
                if number and switches.fragment_pause_s:
                    await self._place.sleep(switches.fragment_pause_s)
                await self._write(frames.encode(frame))

    def _frames(self, event: Event) -> tuple[Frame, ...]:
        """Cut an event into fragments; one is enough unless a threshold is set."""
        payload = msgspec.json.encode(event.body)
        size = self._place.switches.fragment_bytes or len(payload)
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
        kind = self._place.switches.callback_frame if event.is_callback else "event"
        tenant = self._place.tenant
        message_id, trace_id = tenant.new_id(), tenant.new_id()
        log_id = int(tenant.new_id(digits=15), 16)
        return tuple(
            Frame(
                seq_id=self._next_number(),
                log_id=log_id,
                service=self._service,
                method=DATA,
                headers=(
                    ("timestamp", str(int(tenant.now * 1000))),
                    ("type", kind),
                    ("message_id", message_id),
                    ("sum", str(len(pieces))),
                    ("seq", str(seq)),
                    ("trace_id", trace_id),
                    ("instance_id", self._instance_id),
                ),
                payload=piece,
                log_id_new=f"{log_id:032x}",
            )
            for seq, piece in enumerate(pieces)
        )

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _write(self, raw: bytes) -> bool:
        if self._gone.is_set() or self._held.closed or self._place.switches.is_frozen:
            return False
        try:
            await self._held.send_bytes(raw)
        except (ConnectionError, RuntimeError):
            return False
        return True
