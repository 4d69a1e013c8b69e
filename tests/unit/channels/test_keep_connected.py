"""The reconnect loop on a fake clock: hours of outage take no time here."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest

from posthouse.channels.channel import ConnectionState, Status
from posthouse.channels.keep_connected import (
    BadCredentials,
    ConnectAndRead,
    Policy,
    Pulse,
    Superseded,
    keep_connected,
)
from posthouse.testing.clock import FakeClock, run_simulated

POLICY = Policy()
CONNECTING, CONNECTED, WAITING = (
    ConnectionState.CONNECTING,
    ConnectionState.CONNECTED,
    ConnectionState.WAITING,
)


class Line:
    """Runs the loop and keeps every status it told; ``last`` is that of the end."""

    def __init__(self, connect_and_read: ConnectAndRead, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.statuses: list[Status] = []
        self._connect_and_read = connect_and_read
        self._random = Random(seed)

    def run(self, seconds: float) -> list[Status]:
        run_simulated(self._for(seconds), self.clock)
        self.last = self.statuses.pop()
        return self.statuses

    async def _for(self, seconds: float) -> None:
        loop = keep_connected(
            self._connect_and_read,
            POLICY,
            self.clock,
            asyncio.sleep,
            self._random,
            self.statuses.append,
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(loop, seconds)

    def attempts_at(self) -> list[float]:
        return [status.since_at for status in self.statuses if status.state is CONNECTING]

    def pauses_s(self) -> list[float]:
        at = self.attempts_at()
        return [later - earlier for earlier, later in pairwise(at)]


def fails(error: Exception) -> ConnectAndRead:
    async def connect_and_read(pulse: Pulse) -> None:
        raise error

    return connect_and_read


def holds(seconds: float, *, traffic_every_s: float = 10.0) -> ConnectAndRead:
    """A connection with regular traffic that the platform closes after a while."""

    async def connect_and_read(pulse: Pulse) -> None:
        pulse.connected()
        for _ in range(int(seconds / traffic_every_s)):
            await asyncio.sleep(traffic_every_s)
            pulse.heard()

    return connect_and_read


def in_turn(*attempts: ConnectAndRead) -> ConnectAndRead:
    """Each attempt as given; the last for ever."""
    waiting = list(attempts)

    def connect_and_read(pulse: Pulse) -> Coroutine[object, object, None]:
        return (waiting.pop(0) if len(waiting) > 1 else waiting[0])(pulse)

    return connect_and_read


def test_it_never_gives_up() -> None:
    line = Line(fails(OSError("no route")))
    assert line.run(24 * 3600)[-1].failures > 1000


def test_pauses_double_up_to_a_minute_with_jitter() -> None:
    line = Line(fails(OSError("no route")))
    line.run(3600)
    for pause_s, longest_s in zip(line.pauses_s(), [1, 2, 4, 8, 16, 32, 60, 60], strict=False):
        assert longest_s / 2 <= pause_s <= longest_s


def test_a_line_that_is_cut_again_and_again_is_hardly_ever_down() -> None:
    """It worked each time; waiting a minute would make a bot deaf most of the time."""
    line = Line(holds(20))
    statuses = line.run(3600)
    assert max(line.pauses_s()) <= 20 + 1
    assert any(status.is_alarming for status in statuses)  # all the same, somebody should know


def test_two_houses_do_not_come_back_together() -> None:
    lines = [Line(fails(OSError("no route")), seed) for seed in (1, 2)]
    for line in lines:
        line.run(600)
    assert lines[0].pauses_s() != lines[1].pauses_s()


def test_the_states_of_a_connection_that_is_lost_once() -> None:
    statuses = Line(in_turn(holds(20), holds(10_000))).run(100)
    assert [status.state for status in statuses[:5]] == [
        *(CONNECTING, CONNECTED, WAITING),
        *(CONNECTING, CONNECTED),
    ]
    assert statuses[2].detail == "closed by the platform"


def test_an_alarm_after_five_failures_and_once_recovered() -> None:
    failing = [fails(OSError("no route"))] * 7
    statuses = Line(in_turn(*failing, holds(10_000))).run(1000)
    first = next(status for status in statuses if status.is_alarming)
    assert (first.failures, first.state) == (5, WAITING)
    assert statuses[-1].state is CONNECTED
    assert (statuses[-1].is_alarming, statuses[-1].failures) == (False, 0)
    changes = [a.is_alarming != b.is_alarming for a, b in pairwise(statuses)]
    assert changes.count(True) == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_whoever_is_told_to_stop_is_off(*, is_there: bool) -> None:
    line = Line(in_turn(holds(10_000) if is_there else fails(OSError("no route"))))
    line.run(100)
    assert (line.last.state, line.last.is_alarming) == (ConnectionState.OFF, False)


def test_a_connection_that_flaps_is_no_recovery() -> None:
    line = Line(in_turn(holds(5, traffic_every_s=5)))
    statuses = line.run(1000)
    assert statuses[-1].is_alarming
    assert max(line.pauses_s()) > 30


def test_a_steady_connection_makes_the_next_pause_short_again() -> None:
    failing = [fails(OSError("no route"))] * 7
    line = Line(in_turn(*failing, holds(60), holds(10_000)))
    line.run(2000)
    assert line.pauses_s()[-1] <= 60 + POLICY.wait_first_s


def test_traffic_keeps_a_connection() -> None:
    line = Line(holds(10_000, traffic_every_s=80))
    line.run(9000)
    assert len(line.attempts_at()) == 1


def test_a_silent_connection_is_cut_and_closed() -> None:
    closed = []

    async def falls_silent(pulse: Pulse) -> None:
        pulse.connected()
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(pulse)

    line = Line(falls_silent)
    lost = next(status for status in line.run(200) if status.state is WAITING)
    assert lost.since_at - line.attempts_at()[0] == POLICY.idle_s
    assert "Nothing came in" in lost.detail
    assert closed


def test_a_handshake_that_does_not_end_is_cut() -> None:
    async def hangs(pulse: Pulse) -> None:
        await asyncio.Event().wait()

    line = Line(hangs)
    line.run(60)
    assert line.pauses_s()[0] == pytest.approx(POLICY.connect_within_s, abs=POLICY.wait_first_s)


@pytest.mark.parametrize(
    ("error", "state", "pause_s"),
    [
        (Superseded(), ConnectionState.SUPERSEDED, POLICY.superseded_wait_s),
        (BadCredentials(), ConnectionState.REFUSED, POLICY.refused_wait_s),
    ],
    ids=["superseded", "refused"],
)
def test_what_only_an_operator_can_mend(
    error: Exception, state: ConnectionState, pause_s: float
) -> None:
    line = Line(fails(error))
    first = line.run(2000)[1]
    assert (first.state, first.is_alarming, first.detail) == (state, True, str(error))
    assert line.pauses_s()[:2] == [pause_s, pause_s]


def test_errors_of_others_are_named_not_quoted() -> None:
    lost = Line(fails(OSError("https://api.example/bot123:SECRET/poll"))).run(1)[1]
    assert lost.detail == "OSError"


def test_a_reader_that_cancels_itself_does_not_end_the_loop() -> None:
    async def cancels_itself(pulse: Pulse) -> None:
        raise asyncio.CancelledError

    line = Line(cancels_itself)
    line.run(60)
    assert len(line.attempts_at()) > 3


def test_cancelling_closes_the_connection() -> None:
    closed = []

    async def stays(pulse: Pulse) -> None:
        pulse.connected()
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(pulse)

    Line(stays).run(10)
    assert closed


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_clock_that_is_set_does_not_stop_the_watch(jump_s: float) -> None:
    async def silent() -> list[Status]:
        offset_s = 0.0
        statuses: list[Status] = []

        async def connect_and_read(pulse: Pulse) -> None:
            nonlocal offset_s
            pulse.connected()
            await asyncio.sleep(1)
            offset_s = jump_s
            await asyncio.Event().wait()

        clock: Callable[[], float] = lambda: real() + offset_s  # noqa: E731 - two lines for a clock
        loop = keep_connected(
            connect_and_read, POLICY, clock, asyncio.sleep, Random(1), statuses.append
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(loop, 2.5 * POLICY.idle_s)
        return statuses

    real = FakeClock()
    assert WAITING in [status.state for status in run_simulated(silent(), real)]
