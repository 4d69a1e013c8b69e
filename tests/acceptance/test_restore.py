"""The real process comes back with an older book: it does not say again what it has forgotten."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from pathlib import Path

import pytest

from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.simulators.probe.bots import BotClass

KEYED = next(each for each in BOTS if each.bot_class is BotClass.KEYED)
REST_WITHIN_S = 30.0


@pytest.mark.slow
async def test_what_it_has_forgotten_is_answered_only_when_an_operator_says_so(
    tmp_path: Path,
) -> None:
    laboratory = Laboratory(tmp_path, secrets.randbits(32))
    copy = tmp_path / "copy.db"
    async with laboratory.opened():
        async with laboratory.premises.house() as house:
            await house.until_open()
            before = laboratory.say(KEYED.bot, "c-0", "u-0", "/echo")
            await laboratory.until_at_rest(REST_WITHIN_S)
            assert (await laboratory.premises.command("backup", copy))[0] == 0
            forgotten = laboratory.say(KEYED.bot, "c-0", "u-0", "/echo")
            await laboratory.until_at_rest(REST_WITHIN_S)
            house.tell(signal.SIGTERM)
            assert await house.until_ended() == 0
        assert _texts(laboratory) == [before, forgotten]
        code, said = await laboratory.premises.command("restore", copy)
        assert code == 0, said

        async with laboratory.premises.house() as house:
            await house.until_open()
            for event in laboratory.events:  # the platform repeats itself
                assert await laboratory.hand_over(event) == 200
            new = laboratory.say(KEYED.bot, "c-0", "u-0", "/echo")
            held = await _held(laboratory, of=2)
            assert _texts(laboratory) == [before, forgotten]

            assert [text for _, text in held] == [forgotten, new]
            await _decide(laboratory, "sent", held[0][0])
            await _decide(laboratory, "send", held[1][0])
            await laboratory.until_at_rest(REST_WITHIN_S)
    assert _texts(laboratory) == [before, forgotten, new]
    assert laboratory.judgement().inversions == ()


def _texts(laboratory: Laboratory) -> list[str]:
    return [message.text for message in laboratory.platform.ledger().messages]


async def _held(laboratory: Laboratory, of: int) -> list[tuple[int, str]]:
    """Wait until so many messages are held; returns their numbers and words."""
    async with asyncio.timeout(REST_WITHIN_S):
        while True:
            code, said = await laboratory.premises.command("held", "list", "--json")
            assert code == 0, said
            held = [(each["id"], each["text"]) for each in json.loads(said)["deliveries"]]
            if len(held) >= of:
                return held


async def _decide(laboratory: Laboratory, decision: str, number: int) -> None:
    code, said = await laboratory.premises.command("held", decision, number)
    assert code == 0, said
