"""A score is what the model wrote, or nothing."""

import pytest

from posthouse.handlers.assistant.scores import read_score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("8", 8.0),
        ("8.5", 8.5),
        ("Score: 7", 7.0),
        ("3 out of 10", 3.0),
        ("10/10", 10.0),
        ("4/5", 8.0),
        ("得分：9", 9.0),
        ("9分", 9.0),
        ("八分", 8.0),
        ("十分", 10.0),
        ("七点五分", 7.5),
        ("0", 0.0),
        ("6 of 10, because it is about version", 6.0),
    ],
)
def test_a_score_is_read(text: str, score: float) -> None:
    assert read_score(text) == score


@pytest.mark.parametrize(
    "text",
    [
        "",
        "relevant",
        "310",
        "11",
        "12/10",
        "8 or 9",
        "8-10",
        "-5",
        "1.2.3",
        "3 out of 0",
        "十八",
        "version 2024 gets 5.5.5",
    ],
)
def test_what_is_no_score_is_none(text: str) -> None:
    assert read_score(text) is None
