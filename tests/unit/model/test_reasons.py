"""Every outcome has one sentence in Chinese and one in English, and they name the same thing."""

import ast
import re

import pytest

from posthouse.model.reasons import REASONS, Reason, explain, next_click
from tests.architecture.tree import SOURCE

EVERY = tuple(REASONS.values())


@pytest.mark.parametrize("reason", EVERY, ids=lambda reason: reason.code)
def test_a_reason_is_said_in_both_languages(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", reason.code)
    assert re.search(r"[\u4e00-\u9fff]", reason.zh), "no Chinese sentence"
    assert re.search(r"[a-z]", reason.en), "no English sentence"
    assert not re.search(r"[\u4e00-\u9fff]", reason.en + reason.next_en)
    assert bool(reason.next_zh) == bool(reason.next_en), "a next click in one language only"


def test_no_code_is_named_twice() -> None:
    tree = ast.parse((SOURCE / "model" / "reasons.py").read_text(encoding="utf-8"))
    codes = [
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Reason"
        and isinstance(call.args[0], ast.Constant)
    ]
    assert sorted(str(code) for code in codes) == sorted(REASONS)


def test_what_the_delivery_table_says_can_be_explained() -> None:
    table = (SOURCE / "model" / "delivery.py").read_text(encoding="utf-8")
    said = set(re.findall(r'(?:_because|_arrived_to_stay)\("(\w+)"\)', table))
    assert said >= {"gave_up", "recalled", "cannot_recall", "no_platform_id", "recall_too_late"}
    assert said <= set(REASONS)


@pytest.mark.parametrize(
    ("stored", "language", "sentence"),
    [
        ("answered", "zh", "已回答"),
        ("answered", "en", "answered"),
        ("answered", "fr", "answered"),
        ("refused_by_platform 60020", "en", "the platform refused it (60020)"),
        ("refused_by_platform 60020 not in list", "zh", "平台拒绝 (60020 not in list)"),
        ("something_new 7", "en", "something_new 7"),
        ("", "en", ""),
    ],
)
def test_explain(stored: str, language: str, sentence: str) -> None:
    assert explain(stored, language) == sentence


@pytest.mark.parametrize(
    ("stored", "language", "click"),
    [
        ("late", "zh", "点“现在回答”，或调大 answer_within_s"),
        ("rule_ignores 3", "en", "see [[routes]]"),
        ("answered", "en", ""),
        ("something_new 7", "en", ""),
    ],
)
def test_next_click(stored: str, language: str, click: str) -> None:
    assert next_click(stored, language) == click
