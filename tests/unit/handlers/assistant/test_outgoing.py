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
        ("a ＳＥＣＲＥＴ", Verdict.BLOCKED, ""),
        ("a se\u200bcret", Verdict.BLOCKED, ""),
        ("这是机\u2060密", Verdict.BLOCKED, ""),
        ("这是 机 密 内容", Verdict.BLOCKED, ""),
        ("可以退\ufeff款", Verdict.HELD, "可以退\ufeff款"),
        ("退　款", Verdict.HELD, "退　款"),
        ("竞\u200b品，ｏｌd；竞 品", Verdict.PASSED, "其他产品，new；其他产品"),
        ("打开计算机 密码是空的", Verdict.PASSED, "打开计算机 密码是空的"),
        ("s e c r e t", Verdict.PASSED, "s e c r e t"),
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


def test_words_are_written_in_any_width_too() -> None:
    words = WordList(("ＳＥＣＲＥＴ",), (), {"旧\u200b版": "新版"})
    assert words.check("a secret").verdict is Verdict.BLOCKED
    assert words.check("旧版").text == "新版"


@pytest.mark.parametrize(
    ("grown", "shown"),
    [
        ("Call 1381234567", "Call "),
        ("请打 138 1234 56", "请打 "),
        ("写信到 li@corp.c", "写信到 "),
        ("Call 13812345678 ", "Call "),
        ("请打 138.1234 . 56", "请打 "),
        ("请打 138\u200b1234", "请打 "),
        ("请打 138**1234**56", "请打 "),
        ("请打 １３８１２３４", "请打 "),
        ("写信到 li [at", "写信到 "),
        ("写信到 li(at) corp.c", "写信到 "),
        ("打开盖子，取出", "打开盖子，取出"),
        ("见第 3 章（安装", "见第 3 章（安装"),
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


@pytest.mark.parametrize(
    ("said", "reason", "answer"),
    [
        ("Call 400-123-4567 or 13812345678.", "answered", "Call 400-123-4567 or 13812345678."),
        ("old: 13812345678", "answered", "new: 13812345678"),
        ("a secret: 13812345678", "blocked_words", ""),
    ],
)
def test_nothing_is_masked_in_what_an_operator_wrote_to_be_said_exactly(
    said: str, reason: str, answer: str
) -> None:
    source = Source(number=1, base="b", title="?", text=said, key="b:1", score=1.0)
    fixed = Concluded(reason="answered", answer=said, sources=(source,))
    out = let_out(fixed, WORDS, "en", is_addressed=False, is_fixed=True)
    assert (out.reason, out.answer, out.sources[0].text) == (reason, answer, answer)
