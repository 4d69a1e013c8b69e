"""What may leave the house."""

import pytest

from posthouse.handlers.assistant.outgoing import Verdict, WordList

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
