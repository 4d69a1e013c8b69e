"""Simulated time: hours pass at once, in order, and the same way every time."""

import asyncio
import random
import time

import pytest

from posthouse.testing.clock import (
    FakeClock,
    SimulationEndless,
    SimulationStuck,
    run_simulated,
)


def test_a_clock_moves_only_when_told() -> None:
    clock = FakeClock(100.0)
    assert (clock(), clock()) == (100.0, 100.0)
    clock.advance(2.5)
    assert clock() == 102.5


def test_a_day_of_sleep_takes_no_time() -> None:
    clock = FakeClock()
    began_at, really_began_at = clock(), time.monotonic()
    run_simulated(asyncio.sleep(86400), clock)
    assert clock() - began_at == pytest.approx(86400)
    assert time.monotonic() - really_began_at < 5


def test_timers_fire_in_order_at_their_time() -> None:
    clock = FakeClock(0.0)
    fired: list[tuple[str, float]] = []

    async def fire(name: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        fired.append((name, clock()))

    async def main() -> None:
        await asyncio.gather(fire("c", 3600), fire("a", 0.5), fire("b", 60))

    run_simulated(main(), clock)
    assert fired == [("a", 0.5), ("b", 60.0), ("c", 3600.0)]


def test_a_time_limit_is_kept_in_simulated_time() -> None:
    async def main() -> None:
        async with asyncio.timeout(10):
            await asyncio.sleep(11)

    with pytest.raises(TimeoutError):
        run_simulated(main())


def wander(seed: int) -> list[tuple[int, float]]:
    chance, clock, seen = random.Random(seed), FakeClock(0.0), list[tuple[int, float]]()

    async def walk(name: int) -> None:
        for _ in range(5):
            await asyncio.sleep(chance.random())
            seen.append((name, clock()))

    async def main() -> None:
        await asyncio.gather(*(walk(name) for name in range(4)))

    run_simulated(main(), clock)
    return seen


def test_the_same_seed_is_the_same_run() -> None:
    assert wander(7) == wander(7)
    assert wander(7) != wander(8)


def test_waiting_for_nobody_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.testing.clock.STANDS_STILL_S", 0.01)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(SimulationStuck):
        run_simulated(main())


def test_waiting_for_ever_is_found_out() -> None:
    async def main() -> None:
        while True:
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(60))])

    with pytest.raises(SimulationEndless):
        run_simulated(main(), runs_s_max=3600)
