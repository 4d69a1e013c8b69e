"""The real process, whose clock jumps an hour, and who is frozen for longer than its lease.

``POSTHOUSE_FREEZE_S=60`` freezes it for a minute; ``POSTHOUSE_FAKETIME=1`` moves its clock, which
needs libfaketime. Clocks that are injected jump in ``tests/house``, always.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from pathlib import Path

import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import BOTS, CONNECTED, Laboratory

LEASE_S = 2  # the shortest there is
FREEZE_S = float(os.environ.get("POSTHOUSE_FREEZE_S", "4"))
MESSAGES = 60
HAPPENINGS = 40  # what has happened when it is frozen
REST_WITHIN_S = 60.0
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

pytestmark = pytest.mark.slow


class Impatient(Laboratory):
    """A laboratory whose house loses its lanes soon when it does not look after them."""

    def _settings(self) -> str:
        return f"{super()._settings()}\n[gateway]\nlease_s = {LEASE_S}"


@pytest.mark.timeout(120 + 2 * FREEZE_S)
async def test_frozen_for_longer_than_its_lease_it_goes_on_and_says_nothing_twice(
    tmp_path: Path,
) -> None:
    assert FREEZE_S > LEASE_S
    laboratory = Impatient(tmp_path, secrets.randbits(32))
    async with laboratory.opened(), laboratory.premises.house() as house:
        await house.until_open()
        laboratory.talk(MESSAGES)
        await laboratory.platform.until_happened(HAPPENINGS)
        house.tell(signal.SIGSTOP)
        laboratory.talk(MESSAGES)
        await asyncio.sleep(FREEZE_S)
        house.tell(signal.SIGCONT)
        await laboratory.until_at_rest(REST_WITHIN_S)
        assert not house.has_ended
    judgement = laboratory.judgement()
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == 2 * MESSAGES
    assert judgement.answered + len(judgement.unsure) == 2 * MESSAGES


@pytest.mark.skipif(
    FAKETIME is None or not os.environ.get("POSTHOUSE_FAKETIME"),
    reason="moving a process's clock needs libfaketime, and POSTHOUSE_FAKETIME=1",
)
@pytest.mark.parametrize("jump", ["+1h", "-1h"])
async def test_a_clock_that_jumps_an_hour_stops_nothing(tmp_path: Path, jump: str) -> None:
    """Over connections: webhooks are refused meanwhile, since their signatures look old."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    environ = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    bots = tuple(each for each in BOTS if each.bot_class in CONNECTED)
    laboratory = Impatient(tmp_path, secrets.randbits(32), bots=bots)
    async with laboratory.opened(), laboratory.premises.house(environ=environ) as house:
        await house.until_open()
        laboratory.talk(MESSAGES)
        await laboratory.until_at_rest(REST_WITHIN_S)
        clock.write_text(f"{jump}\n")
        for number in range(MESSAGES):
            bot = laboratory.dice.choice(bots)
            laboratory.say(bot.bot, f"after-{number % 5}", "u-0", "/echo")
        await laboratory.until_at_rest(REST_WITHIN_S)
        assert not house.has_ended
    judgement = laboratory.judgement()
    late = [each for each in written(laboratory) if each.state == "late"]
    assert judgement.acknowledged == 2 * MESSAGES
    assert judgement.answered + len(late) == 2 * MESSAGES
    assert (len(late) == MESSAGES) == (jump == "+1h"), "what looks an hour old is not answered"
    assert not judgement.forbidden
    assert not judgement.inversions
    assert judgement.repeats == ()


def written(laboratory: Laboratory) -> tuple[book.Message, ...]:
    return book.read(laboratory.premises.database).messages
