"""The examples, and what the how-to shows, are scenes that work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from posthouse.handlers.commands.settings import CommandsOptions
from posthouse.handlers.handler import CannotAnswer
from posthouse.model.action import Ask, Draft, Send
from posthouse.model.turn import Answer
from tests.unit.handlers.commands.stage import Book, staged, turn_of

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = ROOT / "examples" / "scenes"
ASSISTANT = ROOT / "examples" / "assistant"
PAGE = ROOT / "docs" / "how-to" / "write-a-command.md"
TOOLS_PAGE = ROOT / "docs" / "how-to" / "assistant-commands.md"
REFERENCE = ROOT / "docs" / "reference" / "scenes.md"
ALL = Book({("*", "*", "*")})


def scenes_of(folder: str) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in (EXAMPLES / folder).glob("*.py")}


SERVICES, PUBLIC = scenes_of("services"), scenes_of("public")


def options_of(text: str) -> CommandsOptions:
    return CommandsOptions(**tomllib.loads(text)["handlers"]["commands"])


async def test_a_deployment_asks_first(tmp_path: Path) -> None:
    async with staged(tmp_path, private=SERVICES, book=ALL) as stage:
        asked = await stage.ask('/deploy run web 1.4.3 production --note "the hot fix"')
        assert "web 1.4.3" in asked.question.text
        assert "not deployed" in await stage.reply(asked, 1)
        answer = Answer("q", asked.state, 0)
        *steps, end = await stage.actions(turn_of("", answer=answer))
        assert [type(step) for step in steps] == [Draft] * 3
        assert isinstance(end, Send)
        assert "as Ann wished" in end.content.text
        assert "> the hot fix" in end.content.text
        assert "There is no service wbe" in await stage.answer("/deploy run wbe 1")


async def test_a_status_comes_with_a_chart(tmp_path: Path) -> None:
    async with staged(tmp_path, private=SERVICES, public=PUBLIC) as stage:
        words, chart = await stage.actions(turn_of("/status load"))
        assert isinstance(words, Send)
        assert words.content.text.startswith("Load: ")
        assert isinstance(chart, Send)
        assert chart.content.media is not None
        assert chart.content.media.mime == "image/png"
        assert "GiB used" in await stage.answer("/status disk")


async def test_a_report_is_a_summary_and_a_file(tmp_path: Path) -> None:
    async with staged(tmp_path, private=SERVICES, book=ALL) as stage:
        found = await stage.actions(turn_of("/report daily 2026-11-01 2\nPlease look\nat noon"))
        summary, file = (action for action in found if isinstance(action, Send))
        assert "Please look\nat noon" in summary.content.text
        assert "28 more lines" in summary.content.text
        assert file.content.media is not None
        assert file.content.media.name == "report-2026-11-01.txt"


async def test_a_mark_has_its_handler(tmp_path: Path) -> None:
    options = options_of((EXAMPLES / "posthouse.toml").read_text("utf-8"))
    async with staged(tmp_path, private=SERVICES, book=ALL, special=options.special) as stage:
        assert await stage.answer("#北京") == "You would like to know more about “北京”."


@pytest.mark.parametrize("is_page", [False, True])
async def test_an_assistant_may_run_what_its_settings_name(
    tmp_path: Path, *, is_page: bool
) -> None:
    settings = (ASSISTANT / "posthouse.toml").read_text("utf-8")
    scene = (ASSISTANT / "services" / "hosts.py").read_text("utf-8")
    if is_page:
        page = TOOLS_PAGE.read_text("utf-8")
        settings, scene = re.findall(r"```(?:toml|python)\n(.*?)```", page, re.DOTALL)
    tools = tomllib.loads(settings)["handlers"]["assistant"]["tools"]
    async with staged(tmp_path, private={"hosts": scene}, book=ALL) as stage:
        lending = stage.commands.lending
        assert lending is not None
        found = [await lending.find(name) for name in tools]
        marks = {each.name: each.is_readonly for each in found if each is not None}
        assert marks == {"hosts.load": True, "hosts.restart": True, "hosts.note": False}
        asked = await stage.ask("/hosts restart web-1")
        assert "web-1 is up again" in await stage.reply(asked, 0)
        assert "Noted" in await stage.answer('/hosts note web-1 "the disk is old"')
        assert "web-1" in await stage.answer("/hosts load web-1")


async def test_the_how_to_works_as_it_is_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    ((_, settings), *python) = blocks
    disk, host = (text for _, text in python)
    assert options_of(settings).public_dirs == (Path("public"),)
    async with staged(tmp_path, public={"disk": disk}, private={"host": host}) as stage:
        assert re.fullmatch(r"\d+% of / is free: .*", await stage.answer("/disk free"))
        assert "too little" in await stage.answer("/disk free / 1.1")
        assert "`at_least` cannot be “much”; it is a number" in await stage.answer(
            "/disk free / much"
        )
        assert "Say how much of a disk is free." in await stage.answer("/help disk")
        with pytest.raises(CannotAnswer, match="may not use `host restart`"):
            await stage.actions(turn_of("/host restart web-1"))
        stage.book.granted.add(("ann", "host", "restart"))
        asked = await stage.ask("/host restart web-1")
        assert isinstance(asked, Ask)
        assert await stage.reply(asked, 0) == "web-1 is up again, Ann."
        assert await stage.reply(asked, text="leave it") == "Left alone."
        assert await stage.answer("/host restart x") == "There is no host x."


def test_the_reference_names_everything_that_a_scene_can_import() -> None:
    from posthouse import scene

    text = REFERENCE.read_text("utf-8")
    offered = {
        name
        for name, each in vars(scene).items()
        if getattr(each, "__module__", "") == scene.__name__ and not name.startswith("_")
    }
    told_otherwise = {"Person", "Chat", "Call", "Answer", "begin"}  # by `caller()`, `then`; tests
    assert {name for name in offered - told_otherwise if f"`{name}" not in text} == set()
