"""A loop wakes at a nudge or at a time, whichever comes first, and never spins."""

import asyncio
from collections.abc import Coroutine

import pytest

from posthouse.gateway.nudged import LOOK_AGAIN_S, Nudged
from posthouse.testing.clock import FakeClock, run_simulated


def waited(nudged: Nudged, ready_in_s: float | None, at_most_s: float = 15.0) -> float:
    """How long a wait takes on virtual time."""
    return run_simulated(_waited(nudged, ready_in_s, at_most_s), FakeClock(0.0))


async def _waited(nudged: Nudged, ready_in_s: float | None, at_most_s: float) -> float:
    began_at = asyncio.get_running_loop().time()
    await nudged.wait(None if ready_in_s is None else ready_in_s, at_most_s)
    return asyncio.get_running_loop().time() - began_at


@pytest.mark.parametrize(
    ("ready_in_s", "seconds"),
    [(None, 15.0), (3.0, 3.0), (60.0, 15.0), (0.0, LOOK_AGAIN_S), (-3600.0, LOOK_AGAIN_S)],
)
def test_it_waits_until_the_time_and_no_longer_than_allowed(
    ready_in_s: float | None, seconds: float
) -> None:
    assert waited(Nudged(lambda: 0.0), ready_in_s) == pytest.approx(seconds)


def test_a_nudge_before_the_wait_counts() -> None:
    nudged = Nudged(lambda: 0.0)
    nudged.set()
    assert waited(nudged, None) == 0.0


def test_a_nudge_that_was_forgotten_does_not() -> None:
    nudged = Nudged(lambda: 0.0)
    nudged.set()
    nudged.clear()
    assert waited(nudged, None) == 15.0


def test_a_nudge_during_the_wait_ends_it() -> None:
    async def scenario() -> float:
        nudged = Nudged(lambda: 0.0)
        asyncio.get_running_loop().call_later(2.0, nudged.set)
        return await _waited(nudged, 10.0, 15.0)

    coroutine: Coroutine[object, object, float] = scenario()
    assert run_simulated(coroutine, FakeClock(0.0)) == pytest.approx(2.0)
