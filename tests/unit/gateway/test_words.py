"""Orders are recognised however people write them, and nothing else is taken for one."""

import pytest

from posthouse.gateway.words import ControlWord, Order, bare, control_word, span_s, split_prefix
from posthouse.settings.settings import WordsSettings

WORDS = WordsSettings()


def order(text: str, *, is_addressed: bool = False, words: WordsSettings = WORDS) -> Order | None:
    found = control_word(text, words, is_addressed=is_addressed)
    return None if found is None else found.order


@pytest.mark.parametrize(
    "text",
    [
        "撤回",
        "豆哥撤回",
        " 撤回！",
        "@小豆 撤回",
        "撤 回。",
        "Recall",
        "RECALL!",
        "撤回🙏",
        "\u200b撤回\u200b",
    ],
)
def test_a_recall_word_is_the_whole_message(text: str) -> None:
    assert order(text) is Order.RECALL


@pytest.mark.parametrize("text", ["请撤回", "撤回刚才那条", "recall it", "", "👍", "@小豆", "！！"])
def test_what_merely_contains_it_is_none(text: str) -> None:
    assert order(text) is None


def test_a_house_may_look_for_recall_words_inside() -> None:
    words = WordsSettings(recall_contains=True)
    assert order("麻烦撤回一下", words=words) is Order.RECALL
    assert order("你好", words=words) is None


def test_a_recall_word_without_letters_matches_nothing() -> None:
    words = WordsSettings(recall=("🙏", "撤回"), recall_contains=True, stop=("!",))
    assert order("👍", words=words) is None
    assert order("hello", words=words) is None
    assert order("?", words=words, is_addressed=True) is None


def test_stop_counts_only_when_the_bot_is_addressed() -> None:
    assert order("停", is_addressed=True) is Order.STOP
    assert order("停") is None
    assert order("停一下", is_addressed=True) is None


@pytest.mark.parametrize("name", list(Order))
def test_every_order_is_a_command_too(name: Order) -> None:
    assert order(f"/{name}") is name
    assert order(f"／{name.upper()}") is name


def test_an_order_keeps_its_argument() -> None:
    assert control_word("/pause  30m ", WORDS, is_addressed=False) == ControlWord(
        Order.PAUSE, "30m"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/echo hello there", ("echo", "hello there")),
        ("  /ECHO  a  b ", ("echo", "a  b")),
        ("/echo\nline one\nline two", ("echo", "line one\nline two")),
        ("/echo\u3000全角空格", ("echo", "全角空格")),
        ("／help", ("help", "")),
        ("/ help", ("help", "")),
        ("/", None),
        ("help", None),
        ("", None),
    ],
)
def test_a_command_is_split_at_the_first_white_space(
    text: str, expected: tuple[str, str] | None
) -> None:
    assert split_prefix(text, WORDS) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 1800),
        ("30m", 1800),
        ("90s", 90),
        ("2h", 7200),
        ("2 小时", 7200),
        ("1D", 86400),
        ("5分钟", 300),
        ("soon", None),
        ("-5m", None),
        ("1.5h", None),
        ("9999999m", None),
        ("", None),
    ],
)
def test_spans_are_read_in_both_languages(text: str, seconds: float | None) -> None:
    assert span_s(text) == seconds


def test_bare_keeps_letters_and_digits_only() -> None:
    assert bare("@小豆 撤 回！🙏 No. 1") == "撤回no1"
