"""What ``posthouse doctor`` says of the language models."""

from __future__ import annotations

import pytest

from posthouse.channels.finding import Finding, Mark
from posthouse.cli.model_check import model_findings
from posthouse.settings.settings import ModelSettings, Settings
from posthouse.simulators.model.script import Fault, Line, Script
from posthouse.simulators.model.server import ModelServer


async def examined(*models: tuple[str, ModelSettings]) -> list[Finding]:
    settings = Settings(models=dict(models))
    return [finding async for finding in model_findings(settings)]


async def test_one_that_answers_is_well() -> None:
    async with ModelServer(Script(Line(text="ok"))) as server:
        (finding,) = await examined(("a", ModelSettings(base_url=server.address, model="m")))
    assert finding.mark is Mark.OK
    assert "model a answers" in finding.said("en")


@pytest.mark.parametrize(
    ("fault", "mark", "wanted"),
    [
        (Fault.BUSY, Mark.WARN, "fallbacks"),
        (Fault.REFUSED, Mark.FAIL, "api_key"),
        (Fault.UNFINISHED, Mark.FAIL, "/v1"),
    ],
)
async def test_what_is_wrong_is_said_with_its_remedy(fault: Fault, mark: Mark, wanted: str) -> None:
    async with ModelServer(Script(Line(text="ok", fault=fault))) as server:
        (finding,) = await examined(("a", ModelSettings(base_url=server.address, model="m")))
    assert finding.mark is mark
    assert wanted in finding.remedy("en")
    assert wanted in finding.remedy("zh")


async def test_others_do_not_answer_in_its_place() -> None:
    async with ModelServer(Script(Line(text="ok"))) as server:
        gone = ModelSettings(base_url="http://127.0.0.1:9/v1", model="m", fallbacks=("b",))
        there = ModelSettings(base_url=server.address, model="m")
        first, second = await examined(("a", gone), ("b", there))
    assert (first.mark, second.mark) == (Mark.FAIL, Mark.OK)
    assert "base_url" in first.remedy("en")
