"""A model by variables alone, as people bring them from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import Loaded, load


def read(folder: Path, environ: dict[str, str], text: str = "") -> Loaded:
    (folder / "posthouse.toml").write_text(text, "utf-8")
    return load(environ, folder=folder)


def test_three_variables_are_a_model(tmp_path: Path) -> None:
    loaded = read(
        tmp_path,
        {"LLM_BASE_URL": "http://127.0.0.1:1/v1/", "LLM_API_KEY": "sk-1", "LLM_MODEL": "m"},
    )
    model = loaded.settings.models["default"]
    assert (model.base_url, model.model, model.api_key) == ("http://127.0.0.1:1/v1", "m", "sk-1")
    assert "sk-1" in loaded.secrets
    assert not [name for name, _ in loaded.remarks]


def test_a_provider_stands_for_an_address(tmp_path: Path) -> None:
    environ = {"LLM_PROVIDER": "Qwen", "LLM_MODEL": "qwen-plus", "LLM_TIMEOUT": "30"}
    model = read(tmp_path, environ).settings.models["default"]
    assert model.base_url == "https://dashscope.aliyuncs.com/compatible-mode/v1"
    assert model.within_s == 30.0


def test_the_file_wins_over_the_variables(tmp_path: Path) -> None:
    text = '[models.mine]\nbase_url = "http://127.0.0.1:2"\nmodel = "x"\n'
    loaded = read(tmp_path, {"LLM_BASE_URL": "http://127.0.0.1:1", "LLM_MODEL": "m"}, text)
    assert set(loaded.settings.models) == {"mine"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"LLM_MODEL": "m"}, "LLM_BASE_URL"),
        ({"LLM_PROVIDER": "acme", "LLM_MODEL": "m"}, "deepseek"),
        ({"LLM_BASE_URL": "http://127.0.0.1:1"}, "LLM_MODEL"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, environ: dict[str, str], wanted: str) -> None:
    loaded = read(tmp_path, environ)
    assert loaded.settings.models == {}
    ((_, said),) = loaded.remarks
    assert wanted in said.zh
    assert wanted in said.en


def test_a_fallback_must_exist(tmp_path: Path) -> None:
    text = '[models.a]\nbase_url = "http://127.0.0.1:2"\nmodel = "x"\nfallbacks = ["b"]\n'
    with pytest.raises(OperatorMistake, match="the model b"):
        read(tmp_path, {}, text)


def test_an_address_without_a_scheme_is_a_mistake(tmp_path: Path) -> None:
    text = '[models.a]\nbase_url = "127.0.0.1:2"\nmodel = "x"\n'
    with pytest.raises(OperatorMistake, match="http://"):
        read(tmp_path, {}, text)
