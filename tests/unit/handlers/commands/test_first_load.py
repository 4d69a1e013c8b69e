"""What people say while scenes are loaded for the first time, or anew after other settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.handlers.commands import handler, pool
from posthouse.handlers.commands.folders import Folders
from posthouse.handlers.commands.process import Limits
from posthouse.handlers.handler import CannotAnswer
from posthouse.model.turn import Answer
from tests.unit.handlers.asked import Asked
from tests.unit.handlers.commands.stage import (
    MEMORY_BYTES_MAX,
    Book,
    Stage,
    build,
    staged,
    turn_of,
    until,
    write,
)

ALL = Book({("*", "*", "*")})
PATIENT = Limits(memory_bytes_max=MEMORY_BYTES_MAX, output_bytes_max=1000, load_within_s=60.0)
APP = "def cmd_x(): return 'old'"
ASKING = """
    from posthouse.scene import Ask
    def cmd_ask():
        return Ask("Go?", ["yes"], then=on_yes)
    def on_yes(answer, state):
        return "gone"
    def on_mark(rest):
        return f"marked {rest}"
"""


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """Until it is there, slow files load."""
    return tmp_path / "go"


def release(go: Path) -> None:
    go.touch()


def hold_up(go: Path) -> None:
    go.unlink()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "OPENS_WITHIN_S", 0.0)
    monkeypatch.setattr(pool, "HELD_UP_S", 0.3)
    monkeypatch.setattr(pool, "FOLLOWS_WITHIN_S", 0.0)


def slow(text: str, go: Path) -> str:
    """A scene that is there when ``go`` is."""
    waiting = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    return waiting + "\n".join(line.removeprefix("    ") for line in text.splitlines())


@pytest.fixture
async def loading(tmp_path: Path, go: Path) -> AsyncIterator[Stage]:
    """A house that still loads its only scene, which is public."""
    scenes = {"app": slow(ASKING, go)}
    special = {"#": "app:on_mark"}
    async with staged(tmp_path, public=scenes, special=special, limits=PATIENT) as made:
        made.book.granted.add(("*", "#", ""))
        yield made


async def waits(stage: Stage, asked: asyncio.Task[str], go: Path) -> str:
    """What is said in the end to something that nobody can answer yet."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not asked.done()
    assert not stage.pool.is_settled
    release(go)
    return await asked


@pytest.mark.parametrize(
    ("text", "said"), [("/app ask", "Go?"), ("#it", "marked it"), ("/nothing", "no command")]
)
async def test_what_is_said_while_scenes_load_waits_for_them(
    loading: Stage, go: Path, text: str, said: str
) -> None:
    asked = asyncio.create_task(loading.answer(text))
    assert said in await waits(loading, asked, go)


async def test_a_press_while_scenes_load_is_no_refusal(
    tmp_path: Path, loading: Stage, go: Path
) -> None:
    release(go)
    asked = await loading.ask("/app ask")
    hold_up(go)
    turn = turn_of("", answer=Answer("q", asked.state, 0, ""))
    async with staged(tmp_path, limits=PATIENT) as again:
        with pytest.raises(CannotAnswer, match="still being loaded") as end:
            await again.commands.demand_answer(turn, Asked("en"))
        assert end.value.reason == "overload"
        pressed = asyncio.create_task(again.reply(asked, 0))
        assert await waits(again, pressed, go) == "gone"
        await again.commands.demand_answer(turn, Asked("en"))


async def test_a_file_that_never_ends_keeps_the_others_waiting_for_a_moment_only(
    tmp_path: Path, go: Path
) -> None:
    scenes = {"app": APP, "bad": slow(APP, go), "zoo": APP}
    async with staged(tmp_path, private=scenes, book=ALL, limits=PATIENT) as stage:
        assert await stage.answer("/app x") == await stage.answer("/zoo x") == "old"
        asked = asyncio.create_task(stage.answer("/bad x"))
        assert await waits(stage, asked, go) == "old"
        assert stage.pool.problems == {}


# ── other settings ───────────────────────────────────────────────────────────────────────────


async def test_after_other_settings_what_is_loaded_works_until_it_is_loaded_anew(
    tmp_path: Path, go: Path
) -> None:
    async with staged(tmp_path, private={"app": APP}, book=ALL) as old:
        await old.answer("/app x")
        write(old.folder, {"app": slow(APP.replace("old", "new"), go)})
        new = build(tmp_path, book=ALL, limits=PATIENT)
        new.commands.follow(old.commands)
        await new.commands.open()
        try:
            assert await new.answer("/app x") == "old"
            release(go)
            await until(lambda: new.pool.is_settled)
            assert await new.answer("/app x") == "new"
        finally:
            await new.commands.close()


async def test_after_other_settings_the_new_ones_take_over_when_they_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "FOLLOWS_WITHIN_S", 60.0)
    async with staged(tmp_path, private={"app": APP}, book=ALL) as old:
        await old.answer("/app x")
        new = build(tmp_path, book=ALL)
        new.commands.follow(old.commands)
        await new.commands.open()
        assert new.pool.is_settled
        await new.commands.close()


async def test_after_other_settings_a_broken_scene_stays_as_it_was(tmp_path: Path) -> None:
    async with staged(tmp_path, private={"app": APP}, book=ALL) as old:
        await old.answer("/app x")
        write(old.folder, {"app": "def ("})
        new = build(tmp_path, book=ALL)
        new.commands.follow(old.commands)
        await new.commands.open()
        try:
            await until(lambda: new.pool.is_settled)
            assert new.commands.broken_scenes == ("app",)
            assert await new.answer("/app x") == "old"
        finally:
            await new.commands.close()


async def test_what_is_public_no_more_is_so_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path, public={"app": APP}) as old:
        assert await old.answer("/app x") == "old"
        new = build(tmp_path)
        new.pool._folders = Folders((old.public,), ())
        new.commands.follow(old.commands)
        assert "may not use" in await new.answer("/app x")
        new = build(tmp_path)
        new.pool._folders = Folders((), ())
        new.commands.follow(old.commands)
        assert new.pool.catalogue.names == ()
