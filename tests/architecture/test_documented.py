"""The reference names everything there is, with the value it has, and nothing that is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from posthouse.api import openapi
from posthouse.api.admin import TASKS
from posthouse.api.answers import ERRORS
from posthouse.api.health import PROBLEMS
from posthouse.api.metrics import GAUGES, TOTALS
from posthouse.bootstrap import build_house
from posthouse.channels.feishu.settings import FeishuOptions
from posthouse.channels.onebot.settings import OneBotOptions
from posthouse.channels.relay_client import RelayOptions
from posthouse.channels.web.settings import WebOptions
from posthouse.cli.commands.every import app
from posthouse.cli.run import parser
from posthouse.cli.terminal import Terminal
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.commands.settings import CommandsOptions
from posthouse.model.reasons import REASONS
from posthouse.settings.known_models import VARIABLES as MODEL_VARIABLES
from posthouse.settings.legacy import ANSWERS
from posthouse.settings.load import CONFIG_VARIABLE, KNOWN_VARIABLES
from posthouse.settings.settings import (
    BotSettings,
    EndpointSettings,
    HandlerSettings,
    KnowledgeSettings,
    ModelSettings,
    RouteRule,
    Settings,
)
from posthouse.station import build_station
from tests.architecture.tree import ROOT

REFERENCE = ROOT / "docs" / "reference"

Rows = dict[str, tuple[str, ...]]


@cache
def sections(page: str) -> dict[str, str]:
    """A page's text by heading; what stands before the first has the heading ''."""
    pieces = re.split(r"^## (.*)$", (REFERENCE / page).read_text("utf-8"), flags=re.MULTILINE)
    return {"": pieces[0], **dict(zip(pieces[1::2], pieces[2::2], strict=True))}


def rows(text: str) -> Rows:
    """The rows of all tables whose first cell is code: that, and the other cells."""
    found: Rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and (name := re.fullmatch(r"`([^`]+)`", cells[0])):
            found[name[1]] = tuple(cells[1:])
    return found


# ── settings ─────────────────────────────────────────────────────────────────────────────────


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "The house", Settings
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield f"`[{name}]`", kind
    yield "`[bots.<name>]`", BotSettings
    yield '`[bots.<name>]` with `channel = "web"`', WebOptions
    yield '`[bots.<name>]` with `channel = "feishu"`', FeishuOptions
    yield "`[bots.<name>.relay]`", RelayOptions
    yield '`[bots.<name>]` with `channel = "onebot"`', OneBotOptions
    yield "`[handlers.<name>]`", HandlerSettings
    yield '`[handlers.<name>]` with `kind = "commands"`', CommandsOptions
    yield "`[models.<name>]`", ModelSettings
    yield '`[handlers.<name>]` with `kind = "assistant"`', AssistantOptions
    yield "`[knowledge.<base>]`", KnowledgeSettings
    yield "`[embedding]` and `[reranking]`", EndpointSettings
    yield "`[[routes]]`", RouteRule


NAMED_TABLES = frozenset(
    {"bots", "embedding", "handlers", "knowledge", "models", "reranking", "routes"}
)


def leaves(kind: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The settings of a table with their defaults as the page writes them."""
    for name, field in kind.model_fields.items():
        is_table = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        if is_table or (kind is Settings and name in NAMED_TABLES):
            continue
        if field.is_required():
            yield name, "required"
            continue
        default = field.get_default()
        shown = json.dumps(default, ensure_ascii=False, default=str)
        yield name, "—" if default is None else f"`{shown}`"


@pytest.mark.parametrize(("heading", "kind"), [*tables()], ids=[name for name, _ in tables()])
def test_every_setting_is_documented_with_its_default(heading: str, kind: type[BaseModel]) -> None:
    documented = rows(sections("settings.md")[heading])
    assert {name: cells[0] for name, cells in documented.items()} == dict(leaves(kind))
    assert [name for name, cells in documented.items() if not (cells[1] and cells[2])] == []


def test_every_variable_is_documented() -> None:
    text = sections("settings.md")["Variables that other programs know"]
    names = {*KNOWN_VARIABLES, *MODEL_VARIABLES, CONFIG_VARIABLE}
    names |= {f"{name}…" if name.endswith("_") else name for name in ANSWERS}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


# ── commands ─────────────────────────────────────────────────────────────────────────────────


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command, with its options."""
    from typer.main import get_command

    top = get_command(app)
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        for below, inner in getattr(command, "commands", {"": command}).items():
            yield f"posthouse {name} {below}".rstrip(), set(_options(inner))


def _options(command: object) -> Iterator[str]:
    for parameter in command.params:  # type: ignore[attr-defined]
        yield from (word for word in parameter.opts if word.startswith("--"))


@pytest.mark.parametrize(
    ("command", "options"), [*commands()], ids=[name for name, _ in commands()]
)
def test_every_command_is_documented_with_its_options(command: str, options: set[str]) -> None:
    text = sections("command-line.md")[f"`{command}`"]
    assert [option for option in sorted(options) if f"`{option}`" not in text] == []


def test_the_options_of_run_are_documented() -> None:
    text = sections("command-line.md")["`posthouse run`"]
    options = {word for action in parser(Terminal())._actions for word in action.option_strings}
    expected = {option for option in options if option.startswith("--")} - {"--help"}
    assert [option for option in sorted(expected) if f"`{option}`" not in text] == []


def test_no_command_is_documented_that_is_gone() -> None:
    headings = {name.strip("`") for name in sections("command-line.md") if name}
    assert headings - {name for name, _ in commands()} == set()


# ── routes, tasks, errors ────────────────────────────────────────────────────────────────────


async def test_every_route_is_documented(tmp_path: Path) -> None:
    house = build_house(Settings(data=tmp_path))
    await house.open()
    found = {address for route in house.routes() for address in _addresses(route)}
    await house.close()
    chat = rows(sections("http.md")["The web chat"])
    assert set(chat) == found


def _addresses(route: object) -> Iterator[str]:
    path = str(route.path).replace(":int", "")  # type: ignore[attr-defined]
    methods = getattr(route, "methods", None)
    if methods is None:  # a folder of files; its stamp changes with its content
        yield "GET " + re.sub(r"/static/\w+$", "/static/{stamp}/{file}", path)
    else:
        yield from (f"{method} {path}" for method in methods if method != "HEAD")


def test_every_route_of_the_house_itself_is_documented() -> None:
    documented = {
        *rows(sections("http.md")["Health"]),
        *rows(sections("http.md")["Operators' tools"]),
    }
    assert {"GET /livez", "GET /readyz", "GET /api/v1/health", "GET /metrics"} <= documented
    assert "POST /api/v1/admin/{task}" in documented


async def test_every_route_for_scripts_is_documented(tmp_path: Path) -> None:
    house = build_house(Settings(data=tmp_path))
    await house.open()
    answering = (
        *house.messages().routes(),
        *house.asking().routes(),
        *openapi.routes(),
    )
    found = {address for route in answering for address in _addresses(route)}
    await house.close()
    documented = rows(sections("http.md")["Messages"])
    assert {name for name in documented if " /" in name} == found


async def test_every_route_of_a_relay_is_documented(tmp_path: Path) -> None:
    bots = {"a": {"channel": "feishu", "encrypt_key": "k"}}
    settings = Settings.model_validate({"role": "relay", "data": tmp_path, "bots": bots})
    station = build_station(settings)
    found = {address for route in station.door().routes() for address in _addresses(route)}
    await station.store.close()
    assert set(rows(sections("http.md")["The relay"])) == found


def test_every_task_of_the_operators_is_documented() -> None:
    documented = rows(sections("http.md")["Operators' tools"])
    assert set(documented) - {"POST /api/v1/admin/{task}"} == set(TASKS)
    for name, task in TASKS.items():
        missing = [
            field
            for field in task.arguments.__struct_fields__
            if f"`{field}`" not in documented[name][0]
        ]
        assert missing == [], name


def test_every_error_is_documented() -> None:
    assert rows(sections("http.md")["Errors"]) == {
        code: (str(status), said.en, said.zh) for code, (status, said) in ERRORS.items()
    }


def test_every_problem_of_health_is_documented() -> None:
    documented = rows(sections("http.md")["Health"])
    expected = {code: (said.en, said.zh) for code, said in PROBLEMS.items()}
    assert {code: cells for code, cells in documented.items() if code in expected} == expected


# ── metrics ──────────────────────────────────────────────────────────────────────────────────


def test_every_metric_is_documented() -> None:
    documented = rows(sections("metrics.md")[""])
    labels = {f"posthouse_{number.name}": number.label for number in (*GAUGES, *TOTALS)}
    metrics = {name: cells[0].strip("`") for name, cells in documented.items() if len(cells) == 3}
    assert {
        name: label for name, label in metrics.items() if name.startswith("posthouse")
    } == labels


async def test_every_count_of_the_book_is_documented(tmp_path: Path) -> None:
    house = build_house(Settings(data=tmp_path))
    await house.open()
    counts = await house.store.upkeep.counts()
    await house.close()
    documented = {
        name for name, cells in rows(sections("metrics.md")[""]).items() if len(cells) == 2
    }
    assert documented == set(counts)


# ── reasons ──────────────────────────────────────────────────────────────────────────────────


def test_every_reason_is_documented_in_its_own_words() -> None:
    documented = rows(sections("reasons.md")[""])
    expected = {
        reason.code: (reason.en, reason.zh, reason.next_en, reason.next_zh)
        for reason in REASONS.values()
    }
    assert documented == expected


# ── the test itself ──────────────────────────────────────────────────────────────────────────


def test_a_row_is_read_as_it_is_written() -> None:
    text = "| a | b |\n|---|---|\n| `x` | one \\| two |\n| plain | row |\n"
    assert rows(text) == {"x": ("one \\| two",)}


def test_headings_are_told_apart() -> None:
    assert {"`[server]`", "The house"} <= set(sections("settings.md"))
    assert len(list(commands())) > 10
