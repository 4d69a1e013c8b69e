"""What scenes get of the house that its settings describe."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from posthouse.bootstrap import build_handlers, build_house
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.handler import CannotAnswer
from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import load
from posthouse.world import World
from tests.unit.handlers.asked import Asked
from tests.unit.handlers.commands.stage import Book, turn_of, words

SETTINGS = """
    data = "data"
    handlers.commands.public_dirs = ["public"]
    bots.a = { channel = "web", token = { env = "CHAT_TOKEN" } }
"""
SCENE = """
import os, pathlib, tempfile
from posthouse.scene import File

def cmd_send(path: pathlib.Path):
    return File(path)

def cmd_scratch():
    handle, path = tempfile.mkstemp()
    return File(path, "scratch")

def cmd_env():
    return " ".join(os.environ)
"""


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_TOKEN", "hush")
    monkeypatch.setenv("JENKINS", "here")


@asynccontextmanager
async def commands(folder: Path) -> AsyncIterator[Commands]:
    """Write settings and a scene, and build the handler that they describe."""
    (folder / "public").mkdir()
    (folder / "public" / "work.py").write_text(SCENE)
    (folder / "posthouse.toml").write_text(SETTINGS)
    settings = load(os.environ, folder=folder).settings
    made = build_handlers(settings, World(), Book())["commands"]
    assert isinstance(made, Commands)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def answer(made: Commands, text: str) -> str:
    return "\n".join(words([each async for each in made.handle(turn_of(text), Asked("en"))]))


async def test_the_keys_of_the_house_stay_in_the_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "web.key").write_text("hush")
    (tmp_path / "report.txt").write_text("hello")
    async with commands(tmp_path) as made:
        assert await answer(made, "/work send report.txt") == "report.txt"
        assert await answer(made, "/work scratch") == "scratch"
        assert await answer(made, "/work send public/work.py") == "work.py"
        with pytest.raises(CannotAnswer, match=r"web\.key cannot be read"):
            await answer(made, "/work send data/web.key")


async def test_variables_that_hold_secrets_are_not_for_scenes(tmp_path: Path) -> None:
    async with commands(tmp_path) as made:
        shown = (await answer(made, "/work env")).split()
    assert "JENKINS" in shown
    assert "CHAT_TOKEN" not in shown


async def test_an_assistant_runs_commands_of_a_handler_that_has_some(tmp_path: Path) -> None:
    for tools, why in (
        ('["ops:hosts.load"]', '"ops" is no handler of the kind "commands"'),
        ('["other:hosts.load"]', '"other" is no handler of the kind "commands"'),
        ('["hosts"]', "weather.now"),
        ('["hosts.load; rm"]', "weather.now"),
    ):
        text = f'[handlers.other]\nkind = "demo"\n[handlers.assistant]\ntools = {tools}\n'
        (tmp_path / "posthouse.toml").write_text(text)
        settings = load(os.environ, folder=tmp_path).settings
        settings = settings.model_copy(update={"data": tmp_path})
        with pytest.raises(OperatorMistake, match=re.escape(why)):
            build_house(settings)
