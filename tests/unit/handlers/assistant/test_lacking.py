"""What nothing of what was found speaks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.handlers.assistant.lacking import Lack, lack
from posthouse.knowledge.words import normalise, tokens

CAPITALS = "A label is written in capital letters."
QQ = "怎么接入 QQ：先运行 NapCat，再填写地址。"


def asked(query: str, text: str) -> Lack:
    """Weigh all words alike."""
    return lack(query, dict.fromkeys(tokens(normalise(query)), 1.0), text)


@pytest.mark.parametrize(
    ("query", "text", "terms"),
    [
        ("What is the capital of Peru?", CAPITALS, ("Peru",)),
        ("怎么接入钉钉？", QQ, ("钉钉",)),
        ("怎么接入 ＷｈａｔｓＡｐｐ？", QQ, ("WhatsApp",)),
        ("钉钉和企业微信怎么接入", QQ, ("钉钉", "企业微信")),
        ("怎么接入 QQ？", QQ, ()),
        ("QQ 能不能接入", QQ, ()),
        ("请问怎么填写地址呢", QQ, ()),
        ("How is a label written in 2026?", CAPITALS, ()),
    ],
)
def test_what_is_spoken_of_nowhere_is_named(query: str, text: str, terms: tuple[str, ...]) -> None:
    assert asked(query, text).terms == terms


def test_a_name_that_lacks_is_the_subject_where_little_else_is_asked() -> None:
    assert asked("What is the capital of Peru?", CAPITALS).is_subject(coverage=0.4)
    assert not asked("What is the capital of Peru?", CAPITALS).is_subject(coverage=0.6)
    assert not asked("What is the capital of peru?", CAPITALS).is_subject(coverage=0.4)


def test_where_nearly_everything_lacks_no_name_is_needed() -> None:
    assert asked("a poem about the sea", CAPITALS).is_subject(coverage=0.4)


def test_chinese_says_the_same_in_many_ways() -> None:
    lacking = asked("军队长期在外", "久暴师则国用不足")
    assert lacking.share == 1
    assert not lacking.is_subject(coverage=0.4)


def test_a_word_among_many_that_lacks_is_not_worth_a_warning() -> None:
    lacking = asked("Which label is written in nice capital letters?", CAPITALS)
    assert lacking.terms == ("nice",)
    assert not lacking.is_told
    assert asked("Is the label nice?", CAPITALS).is_told


def test_a_capital_at_the_beginning_makes_no_name() -> None:
    assert not asked("Bananas are capital", CAPITALS).has_name
    assert asked("Are Bananas capital", CAPITALS).has_name


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_asked_shares_are_shares(query: str, text: str) -> None:
    lacking = asked(query, text)
    assert 0 <= lacking.share <= 1
    assert not asked(query, query).is_told
