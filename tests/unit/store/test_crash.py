"""Killed at a named point: what was not durable is not there, what was is there once."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.store.book import answer, enter, opened, say

PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from posthouse.store.sqlite.store import SqliteStore
from tests.unit.store.book import answer, enter, say

def at(point):
    if point == sys.argv[2] and is_armed:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    global is_armed
    store = SqliteStore.open(Path(sys.argv[1]), at=at)
    await say(store, "before")
    gateway = await enter(store)
    is_armed = True
    if sys.argv[2].startswith("accept"):
        await say(store, "deadly")
    else:
        await answer(store, gateway, "one", "two")

is_armed = False
asyncio.run(main())
"""


def die_at(path: Path, point: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), point], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.mark.crash
@pytest.mark.parametrize(
    ("point", "is_new"), [("accept:before-commit", True), ("accept:after-commit", False)]
)
async def test_an_event(tmp_path: Path, point: str, *, is_new: bool) -> None:
    die_at(tmp_path / "book.db", point)
    async with opened(tmp_path / "book.db") as store:
        assert (await say(store, "deadly")).is_new is is_new
        assert await store.upkeep.check() == ()


@pytest.mark.crash
@pytest.mark.parametrize(
    ("point", "answers"),
    [("claim:after-commit", 0), ("finish:before-commit", 0), ("finish:after-commit", 2)],
)
async def test_the_outputs_of_a_turn(tmp_path: Path, point: str, answers: int) -> None:
    die_at(tmp_path / "book.db", point)
    async with opened(tmp_path / "book.db") as store:
        assert len(await store.journal.answers(1)) == answers
        gateway = await enter(store)
        if not answers:  # the lane of the dead is free at once, and the turn is the same
            assert len(await answer(store, gateway, "one", "two")) == 2
        assert await store.upkeep.check() == ()
