"""A whole house on virtual time, with random people, platforms, faults and deaths, from one seed.

::

    POSTHOUSE_SEEDS=2000 make test ARGS=tests/properties/test_house_from_a_seed.py   # longer
    POSTHOUSE_SEED=17 make test ARGS=tests/properties/test_house_from_a_seed.py      # one again
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from posthouse.testing.clock import run_simulated
from tests.house.kit import simulated
from tests.properties.world import World, world

SEEDS = (
    [int(os.environ["POSTHOUSE_SEED"])]
    if "POSTHOUSE_SEED" in os.environ
    else list(range(int(os.environ.get("POSTHOUSE_SEEDS", "25"))))
)


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.LogfmtRenderer()]
    )
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("seed", SEEDS)
@simulated
async def test_a_house_from_a_seed(seed: int) -> None:
    made = world(seed)
    try:
        await made.live()
        await made.judge()
    except AssertionError:
        print(f"replay: POSTHOUSE_SEED={seed} make test ARGS={__file__}")  # noqa: T201
        raise


# --- one seed, one history ------------------------------------------------------------------


async def history(seed: int) -> str:
    """Live through a seed; returns a fingerprint of every call, with its time and bytes."""
    made: World = world(seed)
    await made.live()
    traces = [line for bot in made.house.bots.values() for line in vars(bot)["trace"]]
    assert traces
    return hashlib.sha256("\n".join(traces).encode()).hexdigest()


def test_one_seed_replays_one_history() -> None:
    first, second, other = (run_simulated(history(seed)) for seed in (7, 7, 8))
    assert first == second
    assert first != other


def test_it_does_not_depend_on_the_process() -> None:
    program = (
        "from posthouse.testing.clock import run_simulated\n"
        "from tests.properties.test_house_from_a_seed import history\n"
        "print(run_simulated(history(7)))"
    )
    told = {
        subprocess.run(
            (sys.executable, "-c", program),
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for hash_seed in ("1", "2")
    }
    assert told == {run_simulated(history(7))}
