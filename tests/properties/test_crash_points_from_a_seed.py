"""A whole house on virtual time dies at every named point, with bots of every class.

What no built-in handler and no command does (named side effects, answers of operators, turns that
are given back) is tried here and nowhere else; the real process is killed in ``tests/acceptance``.

::

    POSTHOUSE_SEEDS=20 make test ARGS=tests/properties/test_crash_points_from_a_seed.py  # all
"""

import os
from collections.abc import Iterator
from random import Random

import pytest
import structlog

from posthouse.cli.crash_at import SEND_POINTS
from posthouse.store.points import MOMENTS, STEPS
from posthouse.store.points import POINTS as STORE_POINTS
from tests.acceptance import test_crash_commands, test_crash_points
from tests.house.kit import simulated
from tests.properties.world import CLASSES, world
from tests.unit.store.test_crash_of_books import BOOKS

ROUNDS = int(os.environ.get("POSTHOUSE_SEEDS", "0"))  # 0: until one house has come there
RARELY = 5  # seeds at most until a house comes to a point
FIRST_SEED = int(os.environ.get("POSTHOUSE_SEED", "0"))
BY_COMMANDS = frozenset(test_crash_commands.COMMANDS)
BY_BOOKS = frozenset(BOOKS)  # of the assistant
BY_RELAYS = frozenset({"parcel", "parcel-lease", "parcel-take"})  # no house writes these
SENDING = frozenset({"sending"})  # a notice without a body: by the real process
ELSEWHERE = BY_COMMANDS | BY_BOOKS | BY_RELAYS | SENDING
POINTS = (
    *(f"{step}:{moment}" for step in STEPS if step not in ELSEWHERE for moment in MOMENTS),
    "waking",
    *SEND_POINTS,
)
TRIES = 3
WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    structlog.configure(processors=[structlog.processors.LogfmtRenderer()])
    yield
    structlog.reset_defaults()


def plan(point: str) -> list[tuple[str, int]]:
    """Say with which classes and seeds a point is tried: all, or until one house comes there."""
    dice = Random(f"{FIRST_SEED}{point}")
    names = dice.sample(sorted(CLASSES), len(CLASSES))
    return [(name, FIRST_SEED + seed) for seed in range(ROUNDS or RARELY) for name in names]


async def dies(point: str, name: str, seed: int) -> bool:
    """Let a house die at a point a few times; returns whether it came there."""
    made = world(seed, name)
    came: list[bool] = []
    is_often = point.startswith(test_crash_points.OFTEN)

    async def fate() -> None:
        for number in range(TRIES):
            came.append(await made.die_at(point, WITHIN_S, number * is_often))  # noqa: PERF401

    try:
        await made.live(fate())
        await made.judge()
    except AssertionError:
        print(f"{point}: class {name}, POSTHOUSE_SEED={seed}")  # noqa: T201
        raise
    return any(came)


@pytest.mark.parametrize("point", POINTS)
@simulated
async def test_killed_there_it_keeps_its_promise(point: str) -> None:
    has_come = False
    for name, seed in plan(point):
        has_come |= await dies(point, name, seed)
        if has_come and not ROUNDS:
            return
    assert has_come, f"no house came to {point}"


def test_every_point_is_tried() -> None:
    here = set(POINTS)
    steps = BY_COMMANDS | BY_BOOKS | BY_RELAYS
    elsewhere = {f"{step}:{moment}" for step in steps for moment in MOMENTS}
    assert here | elsewhere | set(test_crash_points.POINTS) == {*STORE_POINTS, *SEND_POINTS}
