"""What the doctor says of the commands that assistants may run."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from posthouse.bootstrap import open_store
from posthouse.channels.finding import Finding, Mark
from posthouse.cli.doctor_tools import tool_findings
from posthouse.model.permission import Effect, Field, Subject, SubjectKind
from posthouse.settings.settings import ModelSettings, Settings
from posthouse.store.grants import NewGrant

NOW = 1_750_000_000.0
SCENE = '''
    """Hosts."""
    from posthouse.scene import readonly

    @readonly
    def cmd_load(host: str): ...

    def cmd_restart(host: str): ...
'''


def settings(tmp_path: Path, *tools: str, folder: str = "scene_dirs", **more: Any) -> Settings:  # noqa: ANN401 - of ``Settings``
    scenes = tmp_path / "scenes"
    scenes.mkdir(exist_ok=True)
    (scenes / "hosts.py").write_text(dedent(SCENE))
    model = ModelSettings(base_url="http://127.0.0.1:9/v1", model="m")
    handlers = {"commands": {folder: [str(scenes)]}, "assistant": {"tools": list(tools)}}
    given = {"data": tmp_path / "data", "handlers": handlers, "models": {"m": model}, **more}
    return Settings.model_validate(given)


async def findings(wanted: Settings, *, has_book: bool = False) -> list[Finding]:
    return [each async for each in tool_findings(wanted, NOW, has_book=has_book)]


async def test_a_house_without_tools_says_nothing(tmp_path: Path) -> None:
    assert await findings(settings(tmp_path)) == []


async def test_what_everybody_may_is_fine_and_says_what_asks_before(tmp_path: Path) -> None:
    wanted = settings(tmp_path, "hosts.load", "hosts.restart", folder="public_dirs")
    (found,) = await findings(wanted)
    assert found.mark is Mark.OK
    assert found.said.en == "assistant may run 2 commands; asks before: /hosts restart"


async def test_a_command_that_is_not_there_fails(tmp_path: Path) -> None:
    (found,) = await findings(settings(tmp_path, "hosts.reboot", folder="public_dirs"))
    assert found.mark is Mark.FAIL
    assert "/hosts reboot" in found.said.en
    assert "[handlers.assistant]" in found.remedy.en


async def test_a_handler_that_is_not_there_fails(tmp_path: Path) -> None:
    (found,) = await findings(settings(tmp_path, "ops:hosts.load"))
    assert found.mark is Mark.FAIL


@pytest.mark.parametrize(
    ("until_at", "mark"), [(None, Mark.OK), (NOW + 1, Mark.OK), (NOW - 1, Mark.WARN)]
)
async def test_what_nobody_may_is_said(tmp_path: Path, until_at: float | None, mark: Mark) -> None:
    wanted = settings(tmp_path, "hosts.load")
    (found,) = await findings(wanted)
    assert found.mark is Mark.WARN
    assert "/grant @somebody hosts.load" in found.remedy.en
    wanted.data.mkdir(exist_ok=True)
    store = open_store(wanted)
    new = NewGrant(
        effect=Effect.ALLOW,
        subject=Subject(SubjectKind.PERSON, "ann"),
        field=Field(handler="commands", scene="hosts"),
        until_at=until_at,
    )
    await store.grants.grant(new, "cli", NOW - 10)
    await store.close()
    (found,) = await findings(wanted, has_book=True)
    assert found.mark is mark


async def test_without_a_model_no_command_is_run(tmp_path: Path) -> None:
    *_, found = await findings(settings(tmp_path, "hosts.load", folder="public_dirs", models={}))
    assert found.mark is Mark.WARN
    assert "needs a model" in found.said.en
