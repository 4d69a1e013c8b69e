"""Calls that stand behind others at a worker: soon over, never twice, and nobody's victim."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.handlers.commands import process
from tests.unit.handlers.commands.stage import Stage, staged, until

APP = """
    import os, pathlib, threading, time
    from posthouse.scene import limit

    def cmd_pid():
        return str(os.getpid())

    def cmd_note(book: pathlib.Path, what: str, seconds: float = 0.0):
        with book.open("a") as file:
            file.write(what + "\\n")
        time.sleep(seconds)
        return f"{what} {os.getpid()}"

    def cmd_wait(begun: pathlib.Path, go: pathlib.Path):
        begun.touch()
        while not go.exists():
            time.sleep(0.01)
        return str(os.getpid())

    def cmd_dawdle():
        read = os.read

        def read_late(*arguments):
            os.read = read
            time.sleep(1.0)  # before it looks whether it may begin what stands behind
            return read(*arguments)

        os.read = read_late
        return str(os.getpid())

    @limit(give_up_s=0.3)
    def cmd_stuck():
        time.sleep(60)

    def cmd_die(begun: pathlib.Path, go: pathlib.Path):
        cmd_wait(begun, go)
        os._exit(1)

    def cmd_thread(begun: pathlib.Path, go: pathlib.Path):
        cmd_wait(begun, go)
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        return str(os.getpid())
"""
LONG_S = 60.0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A house whose one worker has just shown that it is quick."""
    async with staged(tmp_path, public={"app": APP}, workers_max=3, give_up_s=LONG_S) as made:
        await made.answer("/app pid")
        yield made


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands behind another call stays there."""
    monkeypatch.setattr(process, "PATIENCE_S", LONG_S)
    monkeypatch.setattr(process, "QUICK_S", LONG_S)


class Scene:
    """Something that holds up a worker, and others behind it."""

    def __init__(self, stage: Stage, tmp_path: Path) -> None:
        self.stage = stage
        self.book, self.begun, self.go = tmp_path / "book", tmp_path / "begun", tmp_path / "go"

    async def first(self, command: str) -> asyncio.Task[str]:
        """Begin something that waits until ``go`` exists."""
        text = f"/app {command} {self.begun} {self.go}"
        running = asyncio.create_task(self.stage.answer(text))
        await until(self.begun.exists)
        return running

    async def behind(self, *notes: str) -> list[asyncio.Task[str]]:
        """Hand these over behind it."""
        texts = [f"/app note {self.book} {note}" for note in notes]
        tasks = [asyncio.create_task(self.stage.answer(text)) for text in texts]
        await until(lambda: all(worker.seats == 1 + len(notes) for worker in self.busy))
        return tasks

    @property
    def busy(self) -> list[process.Process]:
        """The workers that have something to do."""
        return self.stage.pool._busy

    def noted(self) -> list[str]:
        """What has been run."""
        return self.book.read_text().split() if self.book.exists() else []


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Scene:
    return Scene(stage, tmp_path)


@pytest.mark.usefixtures("patient")
async def test_quick_calls_share_a_worker_that_is_awake(stage: Stage) -> None:
    pids = await asyncio.gather(*(stage.answer("/app pid") for _ in range(10)))
    assert len(set(pids)) == 1


async def test_nobody_waits_behind_a_call_that_lasts(scene: Scene) -> None:
    waiting = asyncio.create_task(scene.stage.answer(f"/app wait {scene.begun} {scene.go}"))
    pids = await asyncio.gather(*(scene.stage.answer("/app pid") for _ in range(10)))
    scene.go.touch()
    assert await waiting not in pids


async def test_each_call_is_run_once_however_often_it_is_moved(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.001)
    chance, numbers = random.Random(7), [str(number) for number in range(300)]
    texts = [f"/app note {scene.book} {each} {chance.random() / 200}" for each in numbers]
    answers = await asyncio.gather(*map(scene.stage.answer, texts))
    assert [answer.split()[0] for answer in answers] == numbers
    assert sorted(scene.noted(), key=int) == numbers


@pytest.mark.usefixtures("patient")
async def test_whoever_stands_behind_a_crash_is_run_elsewhere(scene: Scene) -> None:
    dying = await scene.first("die")
    behind = await scene.behind("a", "b")
    scene.go.touch()
    assert "ended unexpectedly" in await dying
    assert sorted([(await each).split()[0] for each in behind]) == ["a", "b"]
    assert sorted(scene.noted()) == ["a", "b"]


@pytest.mark.usefixtures("patient")
async def test_whoever_stands_behind_a_call_that_leaves_something_is_run_elsewhere(
    scene: Scene,
) -> None:
    leaving = await scene.first("thread")
    behind = await scene.behind("a", "b")
    scene.go.touch()
    pid = await leaving
    assert pid not in {(await each).split()[1] for each in behind}
    assert sorted(scene.noted()) == ["a", "b"]


@pytest.mark.usefixtures("patient")
async def test_whoever_leaves_while_standing_behind_is_never_run(scene: Scene) -> None:
    waiting = await scene.first("wait")
    gone, stays = await scene.behind("gone", "stays")
    gone.cancel()
    assert (await stays).startswith("stays")
    scene.go.touch()
    assert await waiting
    assert scene.noted() == ["stays"]


@pytest.mark.usefixtures("patient")
async def test_whoever_stands_behind_a_stopped_call_is_run_elsewhere(scene: Scene) -> None:
    waiting = await scene.first("wait")
    behind = await scene.behind("a", "b")
    waiting.cancel()
    assert sorted([(await each).split()[0] for each in behind]) == ["a", "b"]
    assert sorted(scene.noted()) == ["a", "b"]


@pytest.mark.usefixtures("patient")
async def test_a_call_that_takes_too_long_takes_nobody_with_it(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"app": APP}, give_up_s=0.5) as stage:
        await stage.answer("/app pid")
        scene = Scene(stage, tmp_path)
        late = await scene.first("wait")
        behind = await scene.behind("a", "b")
        assert "longer than 0.5 s" in await late
        assert sorted([(await each).split()[0] for each in behind]) == ["a", "b"]
        assert sorted(scene.noted()) == ["a", "b"]


async def test_time_is_kept_after_a_call_was_taken_from_a_worker_that_did_not_come_to_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.2)
    monkeypatch.setattr(process, "QUICK_S", LONG_S)
    await scene.stage.answer("/app pid")  # quick enough
    both = "/app dawdle", f"/app note {scene.book} a"
    await asyncio.gather(*map(scene.stage.answer, both))
    assert scene.noted() == ["a"]
    began_at = time.monotonic()
    ends = await asyncio.gather(*(scene.stage.answer("/app stuck") for _ in range(3)))
    assert all("longer than 0.3 s" in end for end in ends)
    assert time.monotonic() - began_at < LONG_S / 2


@pytest.mark.usefixtures("patient")
async def test_a_call_that_is_over_is_answered_although_the_next_one_crashes(
    scene: Scene, tmp_path: Path
) -> None:
    waiting = await scene.first("wait")
    crash = f"/app die {tmp_path / 'again'} {scene.go}"
    dying = asyncio.create_task(scene.stage.answer(crash))
    await until(lambda: scene.busy[0].seats > 1)
    scene.go.touch()
    assert (await waiting).isdigit()
    assert "ended unexpectedly" in await dying
