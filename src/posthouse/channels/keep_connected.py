"""The one reconnect loop. A channel says how to connect and read; this says when.

It never gives up. Each failure lengthens the pause, with jitter, so that a thousand houses do not
come back in the same second. A connection is alive while something comes in; a silent one is cut.
Where another process holds the bot it waits long instead of fighting, and where the credentials
are refused it asks rarely, since only an operator can mend that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random

from msgspec import Struct

from posthouse.channels.channel import ConnectionState, Status
from posthouse.model.errors import PosthouseError

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
OnStatus = Callable[[Status], None]

LOOK_EVERY_S_LEAST = 0.1  # rounding must not turn the watch into a busy loop


class Superseded(PosthouseError):
    """Another process holds this bot's connection; stop it, or give this house its own bot."""


class BadCredentials(PosthouseError):
    """The platform refuses the bot's credentials; correct them in the config file."""


class WentSilent(PosthouseError):
    """Nothing came in for too long, so the connection was taken for dead."""


class Policy(Struct, frozen=True, kw_only=True):
    """How patient the loop is."""

    wait_first_s: float = 1.0  # after the first failure; doubles from there
    wait_max_s: float = 60.0
    superseded_wait_s: float = 600.0
    refused_wait_s: float = 300.0
    connect_within_s: float = 30.0  # from beginning to ``connected``
    idle_s: float = 90.0  # without traffic a connection is dead; above the platform's ping
    steady_s: float = 30.0  # a connection that lasted this long counts as recovered
    worked_s: float = 15.0  # after one that lasted this long the next is tried soon
    alarm_after: int = 5  # failures in a row

    def wait_s(self, failures: int, random: Random) -> float:
        """Return the pause after so many failures: between half of it and all of it."""
        longest = min(self.wait_max_s, self.wait_first_s * 2.0 ** min(failures - 1, 32))
        return longest * (0.5 + random.random() / 2)


class Pulse:
    """What ``connect_and_read`` tells the loop while it works."""

    def __init__(self, clock: Clock, on_connected: Callable[[], None]) -> None:
        self._clock = clock
        self._on_connected = on_connected
        self._connected_at: float | None = None
        self._heard_at = clock()

    def connected(self) -> None:
        """The platform has taken us: the handshake is over."""
        self.heard()
        if self._connected_at is None:
            self._connected_at = self._heard_at
            self._on_connected()

    def heard(self) -> None:
        """Something came in: a message, a ping, a pong."""
        self._heard_at = self._clock()

    @property
    def connected_s(self) -> float:
        """How long the connection has been there; 0 before."""
        return 0.0 if self._connected_at is None else self._clock() - self._connected_at

    def left_s(self, policy: Policy) -> float:
        """Return how much longer silence is no reason to worry."""
        self._heard_at = min(self._heard_at, self._clock())  # the clock may be set back
        patience_s = policy.connect_within_s if self._connected_at is None else policy.idle_s
        return self._heard_at + patience_s - self._clock()


ConnectAndRead = Callable[[Pulse], Coroutine[object, object, None]]


async def keep_connected(
    connect_and_read: ConnectAndRead,
    policy: Policy,
    clock: Clock,
    sleep: Sleep,
    random: Random,
    on_status: OnStatus,
) -> None:
    """Connect, read, and connect again until cancelled.

    Args:
        connect_and_read: opens one connection, reports to its ``Pulse``, reads until the
            connection ends, and closes what it opened. Returning and raising both mean the end;
            ``Superseded`` and ``BadCredentials`` say why.
        policy: how patient to be.
        clock: seconds since the epoch.
        sleep: waits by the same clock.
        random: for jitter.
        on_status: told at every change. ``Status.is_alarming`` turns true after
            ``policy.alarm_after`` failures, at once when superseded or refused, and false again
            when a connection has been steady. The last one is ``OFF``.
    """
    line = _Line(policy, clock, on_status)
    try:
        while True:
            error = await _attempt(connect_and_read, policy, sleep, line)
            line.lost(error)
            await sleep(line.wait_s(error, random))
    finally:
        line.off()


class _Line:
    """What is known about the connection over all attempts."""

    def __init__(self, policy: Policy, clock: Clock, on_status: OnStatus) -> None:
        self._policy = policy
        self.clock = clock
        self._on_status = on_status
        self._failures = 0
        self._in_vain = 0  # attempts in a row that did not even last a moment
        self._is_alarming = False
        self._pulse: Pulse | None = None

    def connecting(self) -> Pulse:
        self._tell(ConnectionState.CONNECTING)
        self._pulse = Pulse(self.clock, lambda: self._tell(ConnectionState.CONNECTED))
        return self._pulse

    def steady(self) -> None:
        """The connection has held: what was before is over."""
        if self._failures:
            self._failures, self._is_alarming = 0, False
            self._tell(ConnectionState.CONNECTED)

    def lost(self, error: BaseException | None) -> None:
        self._failures += 1
        has_worked = self._pulse is not None and self._pulse.connected_s >= self._policy.worked_s
        self._in_vain = 1 if has_worked else self._in_vain + 1
        state = _state(error)
        is_hopeless = state is not ConnectionState.WAITING
        self._is_alarming |= is_hopeless or self._failures >= self._policy.alarm_after
        self._tell(state, _words(error))

    def off(self) -> None:
        """Nobody connects any more: another gateway does, or the house stops."""
        self._is_alarming = False
        self._tell(ConnectionState.OFF)

    def wait_s(self, error: BaseException | None, random: Random) -> float:
        match error:
            case Superseded():
                return self._policy.superseded_wait_s
            case BadCredentials():
                return self._policy.refused_wait_s
            case _:
                return self._policy.wait_s(self._in_vain, random)

    def _tell(self, state: ConnectionState, detail: str = "") -> None:
        status = Status(
            state=state,
            since_at=self.clock(),
            failures=self._failures,
            detail=detail,
            is_alarming=self._is_alarming,
        )
        self._on_status(status)


def _state(error: BaseException | None) -> ConnectionState:
    match error:
        case Superseded():
            return ConnectionState.SUPERSEDED
        case BadCredentials():
            return ConnectionState.REFUSED
        case _:
            return ConnectionState.WAITING


def _words(error: BaseException | None) -> str:
    """Name an end without quoting it: other libraries put addresses with tokens into theirs."""
    if error is None:
        return "closed by the platform"
    return str(error) if isinstance(error, PosthouseError) else type(error).__name__


async def _attempt(
    connect_and_read: ConnectAndRead, policy: Policy, sleep: Sleep, line: _Line
) -> BaseException | None:
    """Hold one connection as long as it lives; returns what ended it."""
    pulse = line.connecting()
    reading = asyncio.ensure_future(connect_and_read(pulse))
    watching = asyncio.ensure_future(_until_silent(pulse, policy, sleep, line))
    try:
        await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        return _end_of(reading if reading.done() else watching)
    finally:
        for task in (reading, watching):
            task.cancel()
        await asyncio.wait({reading, watching})
        _end_of(reading)  # an error while it closes changes nothing any more


def _end_of(task: asyncio.Future[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


async def _until_silent(pulse: Pulse, policy: Policy, sleep: Sleep, line: _Line) -> None:
    """Watch a connection by its traffic; ends with ``WentSilent``."""
    is_steady = False
    while (left_s := pulse.left_s(policy)) > 0:
        steady_in_s = left_s if is_steady else policy.steady_s - pulse.connected_s
        await sleep(max(min(left_s, steady_in_s), LOOK_EVERY_S_LEAST))
        if not is_steady and pulse.connected_s >= policy.steady_s:
            is_steady = True
            line.steady()
    raise WentSilent
