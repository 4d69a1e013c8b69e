"""The real process is given what nobody should send: it says so, loses nothing and stays up."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.cli.laboratory.premises import RunningHouse
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.wire import Chat, Person, Saying

KEYED = next(each for each in BOTS if each.bot_class is BotClass.KEYED)
REST_WITHIN_S = 60.0
MIB = 1024 * 1024
MEMORY_GROWS_BYTES_MAX = 32 * MIB

pytestmark = pytest.mark.slow


@pytest.fixture
async def laboratory(tmp_path: Path) -> AsyncIterator[Laboratory]:
    async with Laboratory(tmp_path, secrets.randbits(32)).opened() as opened:
        yield opened


@pytest.fixture
async def house(laboratory: Laboratory) -> AsyncIterator[RunningHouse]:
    async with laboratory.premises.house() as running:
        await running.until_open()
        yield running


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"text": "\xff\xfe\x80"}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="100 k deep"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="100 k deep and closed"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00" * 1000, id="zeros"),
    ],
)
async def test_what_cannot_be_read_is_kept_and_the_house_goes_on(
    laboratory: Laboratory, house: RunningHouse, body: bytes
) -> None:
    assert await laboratory.knock(KEYED, body) == 200
    assert await laboratory.knock(KEYED, body) == 200  # a repeat is the same entry
    await _is_well(laboratory, house)
    assert book.undecodable(laboratory.premises.database) == 1


async def test_a_gigabyte_in_chunks_is_cut_short_and_costs_no_memory(
    laboratory: Laboratory, house: RunningHouse
) -> None:
    before_bytes = house.memory_bytes()
    sent_bytes = 0
    most_bytes = 0

    async def gigabyte() -> AsyncIterator[bytes]:
        nonlocal sent_bytes, most_bytes
        for _ in range(1024):
            yield b"x" * MIB
            sent_bytes += MIB
            most_bytes = max(most_bytes, house.memory_bytes())
            await asyncio.sleep(0)  # else nobody notices the cut, and the rest goes nowhere

    with contextlib.suppress(aiohttp.ClientConnectionError):  # cut while we were still talking
        assert await laboratory.knock(KEYED, gigabyte()) == 413
    assert 0 < sent_bytes < 64 * MIB
    assert most_bytes - before_bytes < MEMORY_GROWS_BYTES_MAX
    await _is_well(laboratory, house)


async def test_control_characters_are_answered_and_do_not_reach_the_terminal(
    laboratory: Laboratory, house: RunningHouse
) -> None:
    nasty = "\x00\x07\x1b[31m\u202e\u2028\ufffe"
    laboratory.do(
        Saying(
            bot=KEYED.bot,
            chat=Chat(id=f"c{nasty}", title=nasty),
            sender=Person(id=f"u{nasty}", name=nasty),
            text=f"/echo m-0 {nasty}",
            mentions_bot=True,
        )
    )
    await _is_well(laboratory, house)
    answers = [message.text for message in laboratory.platform.ledger().messages]
    assert any("m-0" in text for text in answers)
    assert not {"\x07", "\x1b"} & set(laboratory.premises.log.read_text("utf-8"))


async def test_a_megabyte_is_answered_in_parts_and_holds_nobody_up(
    laboratory: Laboratory, house: RunningHouse
) -> None:
    laboratory.say(KEYED.bot, "c-long", "u-0", "/echo " + "x" * (MIB - 2000))
    await _is_well(laboratory, house)
    assert laboratory.judgement().answered == 2


async def _is_well(laboratory: Laboratory, house: RunningHouse) -> None:
    """Make sure that the same process still answers, and that its book is in order."""
    mark = laboratory.say(KEYED.bot, "c-well", "u-0", "/echo")
    await laboratory.until_at_rest(REST_WITHIN_S)
    assert not house.has_ended
    judgement = laboratory.judgement()
    assert judgement.is_good, judgement.problems
    assert mark in {message.text for message in laboratory.platform.ledger().messages}
    code, said = await laboratory.premises.command("db", "check")
    assert code == 0, said
