"""The real process is told to stop in the middle of its work."""

from __future__ import annotations

import secrets
import signal
import time
from pathlib import Path

import pytest

from posthouse.cli.laboratory.laboratory import Laboratory
from posthouse.cli.serving import FORCED
from posthouse.simulators.probe.faults import Fault, FaultSettings, Verb

MESSAGES = 120
HAPPENINGS = 60  # what has happened when it is told
STOP_WITHIN_S = 10.0
REST_WITHIN_S = 60.0
# Every third call takes as long as a house of the laboratory waits for an answer, nearly.
SLOW = FaultSettings(delay_s=2.0, rates={"*": {Verb.SEND: {Fault.DELAY: 0.3}}})

pytestmark = pytest.mark.slow


async def test_told_to_stop_it_ends_in_time_and_loses_and_doubles_and_doubts_nothing(
    tmp_path: Path,
) -> None:
    laboratory = Laboratory(tmp_path, secrets.randbits(32), SLOW, word_pause_s=0.05)
    async with laboratory.opened():
        laboratory.talk(MESSAGES)
        async with laboratory.premises.house() as house:
            await house.until_open()
            await laboratory.platform.until_happened(HAPPENINGS)
            told_at = time.monotonic()
            house.tell(signal.SIGTERM)
            assert await house.until_ended() == 0
            stopped_s = time.monotonic() - told_at
        laboratory.talk(MESSAGES // 2)
        async with laboratory.premises.house():
            await laboratory.until_at_rest(REST_WITHIN_S)
    judgement = laboratory.judgement()
    assert stopped_s < STOP_WITHIN_S
    assert judgement.is_good, judgement.problems
    assert judgement.answered == MESSAGES + MESSAGES // 2
    assert judgement.flagged == 0
    assert judgement.repeats == ()


async def test_told_twice_it_ends_at_once_and_loses_nothing(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, secrets.randbits(32), word_pause_s=0.05)
    async with laboratory.opened():
        laboratory.talk(MESSAGES)
        async with laboratory.premises.house() as house:
            await house.until_open()
            await laboratory.platform.until_happened(HAPPENINGS)
            house.tell(signal.SIGINT)
            await laboratory.premises.until_logged("house_stopping")
            told_at = time.monotonic()
            house.tell(signal.SIGINT)
            assert await house.until_ended() == FORCED
            assert time.monotonic() - told_at < 1.0
        async with laboratory.premises.house():
            await laboratory.until_at_rest(REST_WITHIN_S)
    judgement = laboratory.judgement()
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == MESSAGES
