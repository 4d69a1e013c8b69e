"""What `posthouse init` writes says every setting and its default."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from posthouse.cli.init import template
from posthouse.settings.settings import (
    BotSettings,
    EndpointSettings,
    HandlerSettings,
    KnowledgeSettings,
    ModelSettings,
    RouteRule,
    Settings,
)

each_language = pytest.mark.parametrize("language", ["zh", "en"])

EXAMPLES = {  # tables of which there may be any number, or none
    "bots",
    "embedding",
    "handlers",
    "knowledge",
    "models",
    "reranking",
    "routes",
}


def uncommented(language: str) -> dict[str, object]:
    """Read the template as if every `#` before a setting were removed."""
    text = re.sub(r"^# (?=(\[|\w+ = ))", "", template(language), flags=re.MULTILINE)
    return tomllib.loads(text)


@each_language
def test_as_it_is_written_it_changes_nothing(language: str) -> None:
    assert Settings.model_validate(tomllib.loads(template(language))) == Settings()


@each_language
def test_every_line_says_the_default(language: str) -> None:
    written = {key: value for key, value in uncommented(language).items() if key not in EXAMPLES}
    defaults = Settings().model_dump(mode="json", exclude=EXAMPLES)
    assert written == defaults


@each_language
def test_the_examples_show_every_key(language: str) -> None:
    shown = uncommented(language)
    assert set(_first(shown["bots"])) == set(BotSettings.model_fields)
    assert set(_first(shown["handlers"])) == set(HandlerSettings.model_fields)
    assert set(_first(shown["models"])) == set(ModelSettings.model_fields)
    assert set(_first(shown["knowledge"])) == set(KnowledgeSettings.model_fields)
    assert set(shown["embedding"]) == set(EndpointSettings.model_fields)  # type: ignore[call-overload]
    assert set(shown["reranking"]) == set(EndpointSettings.model_fields)  # type: ignore[call-overload]
    assert set(_first(shown["routes"])) == set(RouteRule.model_fields)


def _first(examples: object) -> dict[str, object]:
    rows: Iterator[dict[str, object]]
    rows = iter(examples.values() if isinstance(examples, dict) else examples)  # type: ignore[call-overload]
    return next(rows)


def test_both_languages_say_the_same() -> None:
    assert uncommented("zh") == uncommented("en")


def test_sections_are_in_the_order_of_the_types() -> None:
    tables = [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    for language in ("zh", "en"):
        assert re.findall(r"^\[(\w+)\]", template(language), re.MULTILINE) == tables
