"""The real process, killed at every named point of the road, one life after another on one book.

Whatever is half done there, the next life must find out and mend. ``POSTHOUSE_CRASH_SEED`` chooses
how often each point is passed before.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.cli.crash_at import SEND_POINTS
from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.wire import Chat, Person, Saying
from posthouse.store.points import MOMENTS, WAKING

SEED = int(os.environ.get("POSTHOUSE_CRASH_SEED") or secrets.randbits(32))

# What every chat brings the house to. Not here: what no built-in handler does (start, once), what
# an operator does (decide, retry), and the rooms of the web channel.
OFTEN = ("accept", "claim", "put", "finish", "claim-send", "settle")
RARE = ("sending", "claim-amend", "amend", "recall", "stop", "gateway", "chat", "prune")
POINTS = (
    *(f"{step}:{moment}" for step in (*OFTEN, *RARE) for moment in MOMENTS),
    WAKING,
    *SEND_POINTS,
)
TIMES_MAX = 4

# Whose answers can be taken back and edited; inside a slot they have no name to do it by.
AMENDABLE = frozenset(BotClass) - {BotClass.NONE, BotClass.SLOT}
BUSTLES_MAX = 4
BUSTLE_S = 3.0
REST_WITHIN_S = 60.0

pytestmark = [pytest.mark.crash, pytest.mark.slow]


@pytest.mark.timeout(300)
async def test_killed_at_every_point_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"POSTHOUSE_CRASH_SEED={SEED}")  # noqa: T201 - shown when it fails
    laboratory = Laboratory(tmp_path, SEED)
    points = list(POINTS)
    laboratory.dice.shuffle(points)
    async with laboratory.opened():
        for point in points:
            await _die_at(point, laboratory, tmp_path / "copy")
        async with laboratory.premises.house():
            await laboratory.until_at_rest(REST_WITHIN_S)
            for each in BOTS:
                _take_back(laboratory, each)
            await laboratory.until_at_rest(REST_WITHIN_S)
    judgement = laboratory.judgement()
    with capsys.disabled():
        print(f"\nPOSTHOUSE_CRASH_SEED={SEED}: kills {len(points)}; {judgement}")  # noqa: T201
    assert judgement.is_good, judgement.problems
    assert judgement.answered > judgement.acknowledged / 2
    assert not _seen(laboratory, r"^q-\d"), "what was taken back is still to be seen"
    assert not _seen(laboratory, r"\bbefore$"), "what was edited is still to be seen"


async def _die_at(point: str, laboratory: Laboratory, copy: Path) -> None:
    """Let people do everything until the house comes to the point, and look at what it left."""
    often = point.startswith(tuple(f"{step}:" for step in OFTEN)) or point == WAKING
    times = laboratory.dice.randint(1, TIMES_MAX) if often else 1
    environ = {"POSTHOUSE_CRASH_AT": f"{point}:{times}"}
    async with laboratory.premises.house(environ=environ) as house:
        for _ in range(BUSTLES_MAX):
            _bustle(laboratory)
            try:
                code = await house.until_ended(BUSTLE_S)
            except TimeoutError:
                continue
            assert code == -signal.SIGKILL, laboratory.premises.log_tail()
            break
        else:
            pytest.fail(f"the house never came to {point} {times} times")
    _, problems = await book.inspect(laboratory.premises.database, copy)
    assert not problems, f"killed at {point}: {problems}"


def _bustle(laboratory: Laboratory) -> None:
    """Let people do, with every bot, all that makes the house write."""
    for each in BOTS:
        laboratory.say(each.bot, "c-0", "u-0", "hello")
        laboratory.say(each.bot, "c-0", "u-1", "/echo")
        laboratory.say(each.bot, f"new-{laboratory.dice.getrandbits(32):x}", "u-0", "/echo")
        here = _anything(each, "c-1")
        laboratory.do(replace(here, text="/new"))
        laboratory.do(replace(here, type="pressed", message_id="gone", token="gone01"))
        laboratory.do(replace(_anything(each, "taken-back"), text="/echo q-1"))
        _take_back(laboratory, each)
        there = _anything(each, "regretted")
        said = laboratory.do(replace(there, text="/echo q-2")).event.entry.message_id
        laboratory.do(replace(there, type="recalled", message_id=said))
        for words in ("/echo", "hello"):
            elsewhere = _anything(each, "edited")
            said = laboratory.do(replace(elsewhere, text=f"{words} before")).event.entry.message_id
            laboratory.do(replace(elsewhere, type="edited", message_id=said, text=f"{words} after"))


def _take_back(laboratory: Laboratory, bot: Bot) -> None:
    laboratory.do(replace(_anything(bot, "taken-back"), text="recall"))


def _anything(bot: Bot, chat: str) -> Saying:
    return Saying(bot=bot.bot, chat=Chat(id=chat), sender=Person(id="u-0"), mentions_bot=True)


def _seen(laboratory: Laboratory, pattern: str) -> list[str]:
    """Return what people still see, and the house does not say that it could not help it."""
    said = book.read(laboratory.premises.database).said
    sure = {each.key for each in said if not each.is_flagged}
    return [
        f"{message.bot} {message.chat}: {message.text}"
        for message in laboratory.platform.ledger().messages
        if message.bot in AMENDABLE
        and message.key in sure
        and not message.is_recalled
        and re.search(pattern, message.text, re.MULTILINE)
    ]
