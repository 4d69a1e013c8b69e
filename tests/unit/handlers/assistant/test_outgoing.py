"""What may leave the house."""

import pytest

from posthouse.handlers.assistant.conclusions import let_out
from posthouse.handlers.assistant.outgoing import Verdict, WordList, settled
from posthouse.handlers.trying import Concluded, Source

WORDS = WordList(("机密", "Secret"), ("退款",), {"竞品": "其他产品", "old": "new"})


@pytest.mark.parametrize(
    ("text", "verdict", "left"),
    [
        ("hello", Verdict.PASSED, "hello"),
        ("这是机密内容", Verdict.BLOCKED, ""),
        ("a SECRET", Verdict.BLOCKED, ""),
        ("可以退款", Verdict.HELD, "可以退款"),
        ("竞品和 OLD", Verdict.PASSED, "其他产品和 new"),
    ],
)
def test_the_list_decides(text: str, verdict: Verdict, left: str) -> None:
    checked = WORDS.check(text)
    assert checked.verdict is verdict
    assert checked.text == left


@pytest.mark.parametrize("words", [WordList((), (), {}), WORDS])
def test_what_belongs_to_people_is_masked_whatever_the_list_says(words: WordList) -> None:
    for text in ("Call 13812345678.", "退款请打 13812345678"):
        checked = words.check(text)
        assert checked.verdict is not Verdict.BLOCKED
        assert "13812345678" not in checked.text


@pytest.mark.parametrize(
    ("grown", "shown"),
    [
        ("Call 1381234567", "Call "),
        ("请打 138 1234 56", "请打 "),
        ("写信到 li@corp.c", "写信到 "),
        ("Call 13812345678 ", "Call "),
        ("打开盖子，取出", "打开盖子，取出"),
    ],
)
def test_a_growing_answer_shows_no_half_of_a_number(grown: str, shown: str) -> None:
    assert settled(grown) == shown


def test_the_passages_of_an_answer_are_held_to_the_same_list() -> None:
    texts = ("Call 13812345678", "a secret", "可以退款", "竞品")
    sources = tuple(
        Source(number=at, base="b", title=text, text=text, key=f"b:{at}", score=1.0)
        for at, text in enumerate(texts, 1)
    )
    ended = Concluded(reason="answered", answer="thus [1]", sources=sources)
    out = let_out(ended, WORDS, "en", is_addressed=True)
    assert [each.text for each in out.sources] == ["Call [phone]", "", "", "其他产品"]
    assert [each.title for each in out.sources] == [each.text for each in out.sources]
    assert out.answer == "thus [1]"
