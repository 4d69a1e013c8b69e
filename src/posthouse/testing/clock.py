"""Time that a test owns: a clock that stands still, and an event loop that jumps to what is next.

::

    clock = FakeClock()
    result = run_simulated(the_whole_house(clock), clock)

Inside ``run_simulated`` an ``asyncio.sleep(3600)`` takes no time at all: whenever nothing is ready
to run, the clock jumps to the earliest timer. Nothing depends on the machine's speed, so a run
with the same seed is the same run. What works in threads or sockets has no place in it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

STANDS_STILL_S = 2.0  # real seconds without work and without a timer: nobody will wake us
RUNS_S_MAX = 90 * 86400.0


class FakeClock:
    """Calling it gives the time in epoch seconds; it moves only when it is told to."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def __repr__(self) -> str:
        return f"FakeClock({self._now})"

    def advance(self, seconds: float) -> None:
        """Move on; a negative number sets the clock back."""
        self._now += seconds


class SimulationStuck(AssertionError):
    """Everything waits and no timer is set: something forgot to wake somebody."""


class SimulationEndless(AssertionError):
    """The simulated time is used up: something waits again and again."""


def run_simulated(
    main: Coroutine[object, object, T],
    clock: FakeClock | None = None,
    *,
    runs_s_max: float = RUNS_S_MAX,
) -> T:
    """Run ``main`` in an event loop whose time is ``clock``, and return its result.

    Args:
        main: what to run.
        clock: the time of the loop; give the same to whatever else needs the time.
        runs_s_max: how many simulated seconds it may take.

    Raises:
        SimulationStuck: nothing can happen any more.
        SimulationEndless: ``runs_s_max`` is over.
    """
    time = FakeClock() if clock is None else clock
    ends_at = time() + runs_s_max
    with asyncio.Runner(loop_factory=lambda: _SimulatedLoop(time, ends_at)) as runner:
        return runner.run(main)


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: FakeClock, ends_at: float) -> None:
        self._clock = clock
        super().__init__(_JumpingSelector(clock, ends_at))
        # A timer is due within this; below the float's own step at epoch seconds (0.24 µs) the
        # loop would wait for a time that cannot be told from now.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._clock()


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for the timeout, move the clock there."""

    def __init__(self, clock: FakeClock, ends_at: float) -> None:
        super().__init__()
        self._clock = clock
        self._ends_at = ends_at

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(STANDS_STILL_S if timeout is None else 0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise SimulationStuck
        if self._clock() >= self._ends_at:
            raise SimulationEndless
        self._clock.advance(timeout)
        return ready
