"""How text is cut into what is compared."""

import pytest

from posthouse.knowledge.words import (
    fingerprint,
    is_unspaced,
    normalise,
    smooth,
    stem,
    tokens,
    trigrams,
    without_courtesies,
)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("飞书机器人", ["飞书", "书机", "机器", "器人"]),
        ("猫", ["猫"]),
        ("安装mmcv 2.0", ["安装", "mmcv", "2", "0"]),
        ("ＡＰＩ　Ｋｅｙ", ["api", "key"]),
        ("snake_case", ["snak", "cas"]),
        ("ひらがなカ", ["ひら", "らが", "がな", "なカ"]),
        ("한국어 문서", ["한국어", "문서"]),
        ("，。！?", []),
        ("", []),
    ],
)
def test_words_are_words_and_unspaced_text_is_pairs(text: str, cut: list[str]) -> None:
    assert tokens(normalise(text)) == cut


@pytest.mark.parametrize(
    "forms",
    [
        ("install", "installs", "installed", "installing"),
        ("config", "configs"),
        ("query", "queries"),
        ("message", "messages"),
        ("pass", "pass"),
        ("status", "status"),
    ],
)
def test_forms_of_a_word_are_one_word(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_short_words_stay_as_they_are() -> None:
    assert [stem(word) for word in ("is", "red", "use", "was")] == ["is", "red", "use", "was"]


def test_a_key_is_told_apart_by_its_beginning() -> None:
    assert stem("f" * 5000) == "f" * 40


def test_half_a_surrogate_pair_is_no_character() -> None:
    assert tokens(normalise("a\ud800b")) == ["a", "b"]


def test_trigrams_go_over_the_borders_of_words() -> None:
    assert trigrams(smooth(normalise("Hi,  你好!"))) == ["hi ", "i 你", " 你好"]


def test_one_question_may_be_written_in_many_ways() -> None:
    ways = ("你们几点上班？", " 你们，几点上班 ", "你们几点上班?!", "你们\n几点 上班")
    assert len({fingerprint(way) for way in ways}) == 1


def test_a_chinese_manual_is_chinese_in_spite_of_its_commands() -> None:
    assert is_unspaced(normalise("安装步骤：`pip install posthouse && posthouse init`"))
    assert not is_unspaced(normalise("install it, 怎么"[:12]))
    assert not is_unspaced("")


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("hi, who is the CEO please", "who is the CEO"),
        ("Hello! Who is the CEO? Thank you!!", "Who is the CEO"),
        ("您好，请问一下：几点上班？谢谢您", "几点上班"),
        ("大家好 想问下 几点上班", "几点上班"),
        ("history of the house", "history of the house"),
        ("怎么说你好", "怎么说你好"),
        ("how do I say thanks in a card", "how do I say thanks in a card"),
        ("谢谢", ""),
    ],
)
def test_courtesies_are_no_part_of_a_question(said: str, question: str) -> None:
    assert fingerprint(without_courtesies(said)) == fingerprint(question)


def test_courtesies_of_a_long_text_take_no_time() -> None:
    assert without_courtesies(" " * 100_000 + "x").strip() == "x"
    assert without_courtesies("hi " * 50_000) == ""
    assert without_courtesies("谢谢" * 50_000 + "x").endswith("谢谢x")
