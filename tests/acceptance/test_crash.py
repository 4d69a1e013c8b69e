"""The real process, killed at random under load, on a network that often fails.

A run prints its seed; ``POSTHOUSE_CRASH_SEED`` plays the same people, faults and kills again, and
``POSTHOUSE_CRASH_KILLS`` and ``POSTHOUSE_CRASH_EVENTS`` make it longer.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from pathlib import Path
from statistics import median

import pytest
from msgspec import Struct

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import Laboratory, shaky

SEED = int(os.environ.get("POSTHOUSE_CRASH_SEED") or secrets.randbits(32))
KILLS = int(os.environ.get("POSTHOUSE_CRASH_KILLS", "14"))
EVENTS = int(os.environ.get("POSTHOUSE_CRASH_EVENTS", "480"))

SHARE = EVENTS // (KILLS + 1)  # of the messages, for each life
HAPPENINGS_MAX = 5 * SHARE  # pushes, acknowledgements and calls of one life
HESITATION_S_MAX = 0.05  # a kill comes between two of them, or in the middle of the next
LIFE_S_MAX = 5.0  # also when less happens
REST_WITHIN_S = 90.0

pytestmark = [pytest.mark.crash, pytest.mark.slow]


class Life(Struct, frozen=True):
    """What there is to tell of one life of the house."""

    first_reply_s: float | None  # from the start of its process; None: it was killed before
    caught: book.Caught


@pytest.mark.timeout(120 + 8 * KILLS)
async def test_killed_at_random_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"POSTHOUSE_CRASH_SEED={SEED}")  # noqa: T201 - shown when it fails
    laboratory = Laboratory(tmp_path, SEED, shaky(SEED))
    async with laboratory.opened():
        lives = []
        for _ in range(KILLS):
            laboratory.talk(SHARE)
            lives.append(await _live_and_die(laboratory, tmp_path / "copy"))
        laboratory.talk(EVENTS - SHARE * KILLS)
        drained_s = await _live_to_the_end(laboratory)
    judgement = laboratory.judgement()
    code, said = await laboratory.premises.command("db", "check")
    with capsys.disabled():
        print(f"\n{_told(lives)}; {judgement}; at rest after {drained_s:.1f} s")  # noqa: T201
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == EVENTS
    assert judgement.answered > EVENTS * 0.8
    assert code == 0, said
    assert any(life.caught.turns for life in lives), "no kill hit a running turn: more kills"
    assert any(life.caught.sends for life in lives), "no kill hit a message on its way: more kills"


async def _live_and_die(laboratory: Laboratory, copy: Path) -> Life:
    """Kill a house after some happenings, and look at what it left."""
    happenings = laboratory.dice.randint(1, HAPPENINGS_MAX)
    hesitation_s = laboratory.dice.uniform(0.0, HESITATION_S_MAX)
    first_reply_s = asyncio.create_task(_first_reply_s(laboratory))
    async with laboratory.premises.house() as house:
        await house.until_open()
        life = asyncio.create_task(laboratory.platform.until_happened(happenings))
        await asyncio.wait({life}, timeout=LIFE_S_MAX)
        await asyncio.sleep(hesitation_s)
        await house.kill()
    life.cancel()
    first_reply_s.cancel()
    caught, problems = await book.inspect(laboratory.premises.database, copy)
    assert not problems, problems
    is_known = first_reply_s.done() and not first_reply_s.cancelled()
    return Life(first_reply_s.result() if is_known else None, caught)


async def _first_reply_s(laboratory: Laboratory) -> float:
    began_at = time.monotonic()
    await laboratory.platform.until_shown()
    return time.monotonic() - began_at


async def _live_to_the_end(laboratory: Laboratory) -> float:
    """Let a house do all that is left; returns how long it took."""
    began_at = time.monotonic()
    async with laboratory.premises.house():
        await laboratory.until_at_rest(REST_WITHIN_S)
    return time.monotonic() - began_at


def _told(lives: list[Life]) -> str:
    replies_s = [life.first_reply_s for life in lives if life.first_reply_s is not None]
    turns = sum(life.caught.turns for life in lives)
    sends = sum(life.caught.sends for life in lives)
    return (
        f"POSTHOUSE_CRASH_SEED={SEED}: kills {len(lives)} (in {turns} turns, {sends} sends), "
        f"first reply after p50 {median(replies_s):.2f} s, max {max(replies_s):.2f} s"
    )
