"""What a pretended model says without being told."""

from __future__ import annotations

import pytest

from posthouse.simulators.model.script import Line, Message, Script, quotation


@pytest.mark.parametrize(
    "told",
    [
        '{"question": "?", "sources": [{"number": 1, "text": "Press\\nthe button."}]}',
        "Sources:\n[1] manual\nPress\nthe button.\n\n[2] other\nDo not.",
    ],
)
def test_it_quotes_the_first_source(told: str) -> None:
    assert quotation((Message("user", told),)) == "Press the button. [1]"


def test_it_knows_nothing_by_itself() -> None:
    assert "nobody told me" in quotation((Message("user", "why?"),))


def test_a_line_is_used_as_often_as_it_says() -> None:
    script = Script(Line(pattern="why", text="because", times=1), is_strict=True)
    asked = (Message("user", "why?"),)
    line = script.line_for(asked)
    assert line is not None
    assert line.text == "because"
    assert script.line_for(asked) is None


def test_a_broken_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="regular expression"):
        Script(Line(pattern="("))
