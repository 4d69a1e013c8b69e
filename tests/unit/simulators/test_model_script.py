"""What a pretended model says without being told."""

from __future__ import annotations

import msgspec
import pytest

from posthouse.simulators.model.script import (
    QUOTED_MAX,
    Line,
    Message,
    Script,
    quotation,
)


@pytest.mark.parametrize(
    "told",
    [
        '{"question": "?", "sources": [{"number": 1, "text": "Press\\nthe button."}]}',
        "Sources:\n[1] manual\nPress\nthe button.\n\n[2] other\nDo not.",
    ],
)
def test_it_quotes_the_first_source(told: str) -> None:
    assert quotation((Message("user", told),)) == "Press the button. [1]"


def quoted(text: str, question: str = "") -> str:
    told = msgspec.json.encode({"question": question, "sources": [{"number": 1, "text": text}]})
    return quotation((Message("user", told.decode()),))


def test_it_quotes_whole_sentences_and_not_too_many() -> None:
    sentence = "It listens on port 8350 of this machine unless the settings name another one."
    assert quoted(" ".join([sentence] * 9)) == " ".join([f"{sentence} [1]"] * 5)


def test_of_a_sentence_without_an_end_it_quotes_whole_words() -> None:
    assert quoted("and so on " * 100) == f"{'and so on ' * 39}and so [1]"
    assert quoted("山" * 1000) == f"{'山' * QUOTED_MAX} [1]"


@pytest.mark.parametrize(
    ("question", "said"),
    [("怎么停？", "发送“停”或 `stop`。"), ("how do I stop it?", "Say *stop* (or 停) in the chat.")],
)
@pytest.mark.parametrize("between", [" ", "\n\n"])
def test_it_quotes_prose_in_the_language_of_the_question(
    question: str, said: str, between: str
) -> None:
    text = f"```sh\nstop\n```\n\nSay *stop* (or 停) in the chat.{between}发送“停”或 `stop`。"
    assert quoted(text, question) == f"{said} [1]"


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
