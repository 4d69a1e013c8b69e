"""The real process, killed at the points that operators' commands come to.

Whoever gave the command sees it fail, gives it again to the next life, and finds it done once. The
short run dies at one moment of each step, which ``POSTHOUSE_CRASH_SEED`` chooses;
``POSTHOUSE_CRASH_ROUNDS`` tries both.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.cli.laboratory.premises import Ended
from posthouse.cli.terminal import OK
from posthouse.simulators.probe.bots import BotClass
from posthouse.store.points import MOMENTS
from tests.acceptance.test_crash_points import ROUNDS, SEED

KEYED = tuple(each for each in BOTS if each.bot_class is BotClass.KEYED)
REST_WITHIN_S = 60.0
LOOKING = ("grants", "--json")  # writes nothing

# What is done, how it is looked up, and how often it is to be found.
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Any], int]]] = {
    "grant": (
        ("grant", "person:keyed:u-9", "deploy.start", "--bot", "keyed"),
        ("grants", "--json"),
        len,
    ),
    "access": (
        ("tokens", "add", "ci", "--scope", "push:tag=night"),
        ("tokens", "list", "--json"),
        lambda said: len({each["name"] for each in said}),
    ),
    "room": (
        ("chat", "--say", "/echo hello"),
        ("chats", "list", "--json"),
        lambda said: sum(each["chat"]["bot"] == "web" for each in said),
    ),
    "push": (
        ("push", "--to", "keyed:c-0", "pushed", "--key", "k-1", "--json"),
        ("push", "--to", "keyed:c-0", "pushed", "--key", "k-1", "--json"),
        lambda said: len(said["targets"][0]["deliveries"]),
    ),
}

pytestmark = [pytest.mark.crash, pytest.mark.slow]


class WithWebChat(Laboratory):
    """A laboratory whose house has a web chat as well."""

    def _settings(self) -> str:
        return f'{super()._settings()}\n[bots.web]\nchannel = "web"'


def moments(step: str) -> tuple[str, ...]:
    """Say at which moments of a step the house dies in this run."""
    return MOMENTS if ROUNDS else (random.Random(f"{SEED}{step}").choice(MOMENTS),)


STEPS = [(step, moment) for step in COMMANDS for moment in moments(step)]


@pytest.mark.parametrize(("step", "moment"), STEPS)
async def test_a_command_that_a_kill_cut_is_given_again_and_done_once(
    tmp_path: Path, step: str, moment: str
) -> None:
    command, look, count = COMMANDS[step]
    laboratory = WithWebChat(tmp_path, SEED, bots=KEYED)
    async with laboratory.opened():
        premises = laboratory.premises
        async with premises.house(environ={"POSTHOUSE_CRASH_AT": f"{step}:{moment}:1"}) as house:
            with contextlib.suppress(Ended):  # opening the house for the first time comes there too
                await house.until_open()
                await premises.command(*LOOKING)  # … and may do so just after it has opened
                if not house.has_ended:
                    code, _ = await premises.command(*command)
                    assert code != OK, "a command that was cut says that it failed"
            assert await house.until_ended() == -signal.SIGKILL
        async with premises.house() as house:
            await house.until_open()
            code, said = await premises.command(*command)
            assert code == OK, said
            code, said = await premises.command(*look)
            assert (code, count(json.loads(said))) == (OK, 1), said
            await laboratory.until_at_rest(REST_WITHIN_S)
        assert (await premises.command("db", "check"))[0] == OK
    shown = [message.text for message in laboratory.platform.ledger().messages]
    assert shown.count("pushed") == (step == "push")
