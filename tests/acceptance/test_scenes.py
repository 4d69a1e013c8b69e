"""A house with its own commands as a real process, which is killed while one runs."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import Laboratory
from tests.unit.handlers.commands.stage import until

REST_WITHIN_S = 30.0
BOT, CHAT, PERSON = "keyed", "c-1", "u-1"
PEOPLE = 20

SCENE = '''
"""Work that takes its time."""
import os, pathlib, subprocess, sys, time


def cmd_run(folder: pathlib.Path, *words):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                             start_new_session=True)
    with (folder / "pids").open("a") as file:
        lost = subprocess.run(["env", "-i", f"PATH={os.environ['PATH']}", "setsid", "sh", "-c",
                               "sleep 60 >&2 & echo $!"], stdout=subprocess.PIPE, text=True)
        file.write(f"{os.getpid()} {child.pid} {lost.stdout.strip()}\\n")
    time.sleep(60)


def cmd_once(folder: pathlib.Path, *words):
    begun = folder / "begun"
    if not begun.exists():
        begun.touch()
        time.sleep(60)
    return " ".join(words)


def cmd_say(*words):
    return " ".join(words)
'''

pytestmark = [pytest.mark.slow, pytest.mark.crash]


class Workshop(Laboratory):
    """A laboratory whose house has scenes."""

    workers = 4

    def _settings(self) -> str:
        folder = self._folder / "public"
        folder.mkdir()
        (folder / "work.py").write_text(SCENE, "utf-8")
        first, *rest = super()._settings().split("\n", 1)
        commands = (
            "[handlers.commands]",
            'public_dirs = ["public"]',
            "give_up_s = 50",
            f"workers_max = {self.workers}",
        )
        return "\n".join((first, *commands, *rest))

    def shown(self) -> list[str]:
        return [message.text for message in self.platform.ledger().messages]


async def begun(pids: Path) -> list[int]:
    """The processes of the command, once it runs."""
    await until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    return list(map(int, (await asyncio.to_thread(pids.read_text)).split()))


def _runs(pid: int) -> bool:
    with suppress(OSError):
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


async def test_a_command_that_a_kill_cut_is_reported_once_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    workshop = Workshop(tmp_path, seed=1)
    pids = tmp_path / "pids"
    async with workshop.opened():
        async with workshop.premises.house() as house:
            await house.until_open()
            workshop.say(BOT, CHAT, PERSON, "/work say before")
            workshop.say(BOT, CHAT, PERSON, f"/work run {tmp_path}")
            running = await begun(pids)
            assert len(running) == 3
            await house.kill()
            await until(lambda: not any(map(_runs, running)))
        async with workshop.premises.house() as house:
            await house.until_open()
            after = workshop.say(BOT, CHAT, PERSON, "/work say after")
            await workshop.until_at_rest(REST_WITHIN_S)
    before, report, last = workshop.shown()
    assert before.startswith("before")
    assert "it was not run again" in report
    assert last == f"after {after}"
    assert len(pids.read_text().splitlines()) == 1
    assert workshop.judgement().is_good, workshop.judgement().problems


class NarrowWorkshop(Workshop):
    """One command runs, all others wait for its worker."""

    workers = 1


async def test_whoever_only_waited_for_a_worker_when_the_house_was_killed_is_answered(
    tmp_path: Path,
) -> None:
    workshop = NarrowWorkshop(tmp_path, seed=1)
    async with workshop.opened():
        async with workshop.premises.house() as house:
            await house.until_open()
            for number in range(PEOPLE):
                workshop.say(BOT, CHAT, f"u-{number}", f"/work once {tmp_path}")
            await until((tmp_path / "begun").exists)
            await until(lambda: len(book.read(workshop.premises.database).messages) == PEOPLE)
            await house.kill()
        async with workshop.premises.house():
            await workshop.until_at_rest(REST_WITHIN_S)
    told = ["it was not run again" in text for text in workshop.shown()]
    assert sum(told) == 1
    judgement = workshop.judgement()
    assert judgement.is_good, judgement.problems
    assert (judgement.answered, len(judgement.excused)) == (PEOPLE - 1, 1)
