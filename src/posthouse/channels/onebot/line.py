"""One connection to an implementation: events come in, actions go out and find their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from itertools import count
from typing import Protocol

import structlog

from posthouse.channels.channel import Verb
from posthouse.channels.keep_connected import BadCredentials, Clock, Sleep, WentSilent
from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import UNREADABLE, Frame
from posthouse.channels.onebot.outcomes import WRONG_TOKEN, outcome_of
from posthouse.model.delivery import NotSent, Outcome, Unknown

CALLS_MAX = 1000  # waiting for their answers
HEARTBEATS_MISSED = 3
HEARTBEAT_S_LEAST, HEARTBEAT_S_MAX = 1.0, 600.0
LOOK_EVERY_S = 5.0  # at the silence
LOOK_EVERY_S_LEAST = 0.1  # rounding must not turn the watch into a busy loop

log = structlog.get_logger("posthouse.onebot")


class Role(StrEnum):
    """What a connection is for."""

    UNIVERSAL = "universal"
    API = "api"
    EVENT = "event"


class Socket(Protocol):
    """A WebSocket, whichever side opened it."""

    async def receive(self) -> str | bytes | None:
        """Return the next message; None at the end."""
        ...

    async def send(self, text: str) -> None:
        """Write a message.

        Raises:
            ConnectionError: the connection has ended; nothing was written.
        """
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye; may be called twice."""
        ...


class NoAnswer(OSError):
    """The connection ended before the answer came."""


class Busy(ConnectionError):
    """Too many actions wait for their answers; nothing was written."""


TakeEvent = Callable[[Frame, str | bytes], Awaitable[None]]
TakeUnreadable = Callable[[str | bytes, str], Awaitable[None]]


class Line:
    """One connection while it lives.

    Args:
        socket: an open one.
        role: what it is for.
        self_id: the account behind it; empty until an event tells.
        clock: seconds since the epoch.
    """

    def __init__(self, socket: Socket, role: Role, self_id: str, clock: Clock) -> None:
        self.role = role
        self.self_id = self_id
        self.is_open = True
        self._socket = socket
        self._clock = clock
        self._heard_at = clock()
        self._silence_s = float("inf")  # how much of it means the end
        self._waiting: dict[bytes, asyncio.Future[Frame]] = {}
        self._numbers = count(1)

    # --- in -------------------------------------------------------------------------------

    async def read(self, take: TakeEvent, take_unreadable: TakeUnreadable) -> None:
        """Read to the end; answers find their actions, everything else is handed on.

        Raises:
            BadCredentials: the implementation refuses the token.
        """
        try:
            while (payload := await self._socket.receive()) is not None:
                self._heard_at = self._clock()
                try:
                    frame = codec.read(payload)
                except UNREADABLE as problem:
                    await take_unreadable(payload, f"{type(problem).__name__}: {problem}")
                    continue
                if frame.is_answer:
                    self._answered(frame)
                else:
                    self._note(frame)
                    await take(frame, payload)
        finally:
            self.is_open = False
            self._give_up_calls()

    def _answered(self, frame: Frame) -> None:
        call = self._waiting.pop(bytes(frame.echo), None)
        if call is not None and not call.done():
            call.set_result(frame)
        elif frame.retcode in WRONG_TOKEN:  # before anything was asked (NapCat)
            raise BadCredentials

    def _note(self, frame: Frame) -> None:
        if not self.self_id and frame.self_id:
            self.self_id = str(frame.self_id)
        if frame.meta_event_type == "heartbeat" and frame.interval:
            every_s = min(max(frame.interval / 1000, HEARTBEAT_S_LEAST), HEARTBEAT_S_MAX)
            self._silence_s = HEARTBEATS_MISSED * every_s

    async def until_silent(self, sleep: Sleep) -> None:
        """Return never, or raise when three heartbeats in a row did not come.

        Raises:
            WentSilent: the implementation said how often it would be heard, and was not.
        """
        while (left_s := self._heard_at + self._silence_s - self._clock()) > 0:
            await sleep(max(min(left_s, LOOK_EVERY_S), LOOK_EVERY_S_LEAST))
        raise WentSilent

    # --- out ------------------------------------------------------------------------------

    async def perform(self, body: bytes, verb: Verb, within_s: float) -> Outcome:
        """Make a call and say what became of it."""
        try:
            return outcome_of(await self.ask(body, within_s), verb)
        except ConnectionError:
            return NotSent("not_connected", retry_after_s=1.0)
        except TimeoutError:
            return Unknown("timed_out")
        except NoAnswer:
            return Unknown("cut")

    async def ask(self, body: bytes, within_s: float) -> Frame:
        """Make a call and return its answer.

        Raises:
            ConnectionError: nothing was written.
            Busy: nothing was written.
            TimeoutError: it was written, and not answered in time.
            NoAnswer: it was written, and the connection ended.
        """
        if not self.is_open:
            raise ConnectionResetError
        if len(self._waiting) >= CALLS_MAX:
            raise Busy
        echo = str(next(self._numbers))
        name = f'"{echo}"'.encode()
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answer
        try:
            await self._socket.send(codec.with_echo(body, echo))
            async with asyncio.timeout(within_s):
                return await answer
        finally:
            self._waiting.pop(name, None)

    def _give_up_calls(self) -> None:
        """Nobody can tell any more what became of these."""
        for call in self._waiting.values():
            if not call.done():
                call.set_exception(NoAnswer())
        self._waiting.clear()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End it; actions under way become unclear."""
        await self._socket.close(code, reason)


async def hold(line: Line, take: TakeEvent, take_unreadable: TakeUnreadable, sleep: Sleep) -> None:
    """Keep a line to its end, which silence may be as well, and close it.

    Raises:
        BadCredentials: the implementation refuses the token.
        WentSilent: the heartbeats stopped.
    """
    reading = asyncio.ensure_future(line.read(take, take_unreadable))
    watching = asyncio.ensure_future(line.until_silent(sleep))
    try:
        done, _ = await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (reading, watching):
            task.cancel()
        await asyncio.gather(reading, watching, return_exceptions=True)
        await line.close()
