"""The real process, killed at every named point of the road, by bots of every class.

Each class has a house of its own, which lives one life after another on one book: whatever is half
done at a point, the next life must find out and mend. The short run tries every point once, with a
class that the seed chooses; ``POSTHOUSE_CRASH_ROUNDS=20`` tries every point with every class,
twenty times. ``POSTHOUSE_CRASH_SEED`` also chooses how often each point is passed before.

What operators' commands write has points of its own: ``test_crash_commands.py``. What no built-in
handler does is tried in ``tests/house/test_crash_points.py``, on virtual time.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import secrets
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.cli.crash_at import SEND_POINTS
from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.judgement import Judgement
from posthouse.cli.laboratory.laboratory import EVERY_BOT, NEIGHBOURS, Laboratory
from posthouse.cli.laboratory.qq import QQ
from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.wire import Chat, Person, Saying
from posthouse.store.points import MOMENTS, WAKING

SEED = int(os.environ.get("POSTHOUSE_CRASH_SEED") or secrets.randbits(32))
ROUNDS = int(os.environ.get("POSTHOUSE_CRASH_ROUNDS", "0"))  # 0: each point once

OFTEN = ("accept", "claim", "start", "put", "finish", "claim-send", "settle")
RARE = ("sending", "claim-amend", "amend", "recall", "stop", "gateway", "chat", "prune")
POINTS = (
    *(f"{step}:{moment}" for step in (*OFTEN, *RARE) for moment in MOMENTS),
    WAKING,
    *SEND_POINTS,
)
TIMES_MAX = 4

# Whose answers can be taken back and edited; inside a slot they have no name to do it by.
AMENDABLE = frozenset(BotClass) - {BotClass.NONE, BotClass.SLOT}
GROWING = "put:"  # what happens only where messages can grow,
PRESSING = "sending:"  # and what only where a button is pressed too late
AMENDING = tuple(point for point in POINTS if "amend" in point)
SCENE = """
def cmd_say(*words):
    return " ".join(words)
"""
HOUSES_AT_ONCE = 2
BUSTLES_MAX = 10
BUSTLE_S = 3.0
REST_WITHIN_S = 60.0

pytestmark = [pytest.mark.crash, pytest.mark.slow]


class Workshop(Laboratory):
    """A laboratory whose house has a command of its own, which is never run twice."""

    def _settings(self) -> str:
        scenes = self._folder / "scenes"
        scenes.mkdir(parents=True)
        (scenes / "work.py").write_text(SCENE, "utf-8")
        first, *rest = super()._settings().split("\n", 1)
        return "\n".join((first, '[handlers.commands]\npublic_dirs = ["scenes"]', *rest))


def plan() -> dict[Bot, list[str]]:
    """Say at which points, and in which order, the house of each bot dies."""
    dice = random.Random(SEED)
    points: dict[Bot, list[str]] = {each: [] for each in EVERY_BOT}
    for point in dice.sample(POINTS, len(POINTS)):
        able = [each for each in EVERY_BOT if _comes_to(each, point)]
        idlest = min(able, key=lambda each: (len(points[each]), dice.random()))
        for each in able if ROUNDS else [idlest]:
            points[each] += [point] * max(ROUNDS, 1)
    for wanted in points.values():
        dice.shuffle(wanted)
    return points


def _comes_to(bot: Bot, point: str) -> bool:
    if point.startswith(GROWING):
        return bot is not QQ and bot.can_edit
    if point.startswith(PRESSING):
        return bot not in NEIGHBOURS
    return _is_amendable(bot) or point not in AMENDING


def _is_amendable(bot: Bot) -> bool:
    return bot is not QQ and bot.bot_class in AMENDABLE


@pytest.mark.timeout(600 + ROUNDS * len(EVERY_BOT) * len(POINTS) * 4)
async def test_killed_at_every_point_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"POSTHOUSE_CRASH_SEED={SEED}")  # noqa: T201 - shown when it fails
    planned = plan()
    gate = asyncio.Semaphore(HOUSES_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        lives = [
            group.create_task(_live(bot, points, tmp_path / bot.bot, gate))
            for bot, points in planned.items()
        ]
    with capsys.disabled():
        for (bot, points), life in zip(planned.items(), lives, strict=True):
            print(f"\n{bot.bot}: kills {len(points)}; {life.result()}", end="")  # noqa: T201


async def _live(bot: Bot, points: list[str], folder: Path, gate: asyncio.Semaphore) -> Judgement:
    """Let the house of one bot die at each of the points, then do all that is left."""
    laboratory = Workshop(folder, SEED, bots=(bot,))
    async with gate, laboratory.opened():
        await laboratory.move_in()
        for point in points:
            await _die_at(point, laboratory, folder / "copy")
        async with laboratory.premises.house():
            await laboratory.until_connected(BUSTLE_S)
            _bustle(laboratory, bot)
            await laboratory.until_at_rest(REST_WITHIN_S)
            _take_back(laboratory, bot)
            await laboratory.until_at_rest(REST_WITHIN_S)
    judgement = laboratory.judgement()
    assert judgement.is_good, f"{bot.bot}: {judgement.problems}"
    assert judgement.answered > judgement.acknowledged / 2
    assert not _seen(laboratory, r"^q-\d"), "what was taken back is still to be seen"
    assert not _seen(laboratory, r"\bhello before$"), "what was edited is still to be seen"
    return judgement


async def _die_at(point: str, laboratory: Laboratory, copy: Path) -> None:
    """Let people do everything until the house comes to the point, and look at what it left."""
    often = point.startswith(tuple(f"{step}:" for step in OFTEN)) or point == WAKING
    times = laboratory.dice.randint(1, TIMES_MAX) if often else 1
    environ = {"POSTHOUSE_CRASH_AT": f"{point}:{times}"}
    (bot,) = laboratory.bots
    async with laboratory.premises.house(environ=environ) as house:
        await laboratory.until_connected(BUSTLE_S)
        for _ in range(BUSTLES_MAX):
            _bustle(laboratory, bot)
            try:
                code = await house.until_ended(BUSTLE_S)
            except TimeoutError:
                continue
            assert code == -signal.SIGKILL, laboratory.premises.log_tail()
            break
        else:
            pytest.fail(f"the house of {bot.bot} never came to {point} {times} times")
    _, problems = await book.inspect(laboratory.premises.database, copy)
    assert not problems, f"{bot.bot} killed at {point}: {problems}"


def _bustle(laboratory: Laboratory, bot: Bot) -> None:
    """Let people do all that makes the house write."""
    laboratory.say(bot.bot, "c-0", "u-0", "hello")
    laboratory.say(bot.bot, "c-0", "u-1", "/echo")
    laboratory.say(bot.bot, "c-0", "u-2", "/work say")
    laboratory.say(bot.bot, f"new-{laboratory.dice.getrandbits(32):x}", "u-0", "/echo")
    here = _anything(bot, "c-1")
    laboratory.do(replace(here, text="/new"))
    laboratory.do(replace(_anything(bot, "taken-back"), text="/echo q-1"))
    _take_back(laboratory, bot)
    there = _anything(bot, "regretted")
    said = laboratory.do(replace(there, text="/echo q-2"))
    laboratory.do(replace(there, type="recalled", message_id=said))
    if bot in NEIGHBOURS:
        return  # nobody can edit there, or press what was never shown
    laboratory.do(replace(here, type="pressed", message_id="gone", token="gone01"))
    for words in ("/echo", "hello"):
        elsewhere = _anything(bot, "edited")
        said = laboratory.do(replace(elsewhere, text=f"{words} before"))
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
        for message in laboratory.ledger().messages
        if _is_amendable(laboratory.bots[0])
        and message.key in sure
        and not message.is_recalled
        and re.search(pattern, message.text, re.MULTILINE)
    ]
