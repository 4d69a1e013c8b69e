"""Answers that are quotations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.handlers.assistant.extract import extracted
from posthouse.handlers.trying import Source

WORDS = ("backup", "database", "restore", "撤回", "消息")
WEIGHTS = dict.fromkeys(WORDS, 1.0)


def source(number: int, text: str, score: float) -> Source:
    key = f"kb:{number}.md#1"
    return Source(number=number, base="kb", title="T", text=text, key=key, score=score)


def test_what_is_far_away_does_not_silence_what_is_near() -> None:
    """The second holds more of the question's words, but was found to be about something else."""
    near = source(1, "Make a backup with one command.", 0.9)
    far = source(2, "backup database restore", 0.3)
    answer, sources = extracted(WEIGHTS, (near, far), "en")
    assert "> Make a backup with one command." in answer
    assert [each.number for each in sources if each.is_cited] == [1]


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from((*WORDS, "other")), min_size=1, max_size=5).map(" ".join),
            st.floats(0.0, 1.0),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_was_found_something_is_quoted_and_cited(
    found: list[tuple[str, float]],
) -> None:
    sources = tuple(source(at, text, score) for at, (text, score) in enumerate(found, 1))
    answer, cited = extracted(WEIGHTS, sources, "zh")
    numbers = [each.number for each in cited if each.is_cited]
    assert numbers
    assert all(f"[{number}]" in answer for number in numbers)
    assert "\n> " in answer
