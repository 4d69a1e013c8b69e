"""Which messages lean on the one before, and what they are understood as."""

import pytest

from posthouse.handlers.assistant.references import carried, is_small_talk, last_question, leans

HISTORY = (
    ("person", "怎么接入飞书？"),
    ("bot", "运行 posthouse init feishu。"),
    ("person", "谢谢"),
)


@pytest.mark.parametrize(
    "text",
    [
        "那 QQ 呢？",
        "为什么",
        "它要钱吗",
        "and on Telegram?",
        "why?",
        "what about that one",
        "还有吗",
        "多久？",
        "how long does it take?",
    ],
)
def test_it_leans(text: str) -> None:
    assert leans(text)
    assert carried(text, HISTORY) == f"{text}\n怎么接入飞书？"


@pytest.mark.parametrize(
    "text",
    [
        "怎么把数据库换成 PostgreSQL？",
        "How do I connect a Feishu app to the house?",
        "机器人在群里为什么不回答问题",
        "今天晚饭吃什么",
    ],
)
def test_it_stands_alone(text: str) -> None:
    assert not leans(text)
    assert carried(text, HISTORY) == text


def test_small_talk_is_not_leant_on() -> None:
    assert last_question(HISTORY) == "怎么接入飞书？"
    assert last_question((("person", "hi"), ("bot", "hello"))) == ""
    assert carried("为什么", ()) == "为什么"


@pytest.mark.parametrize(
    "text", ["", "？？", "谢谢！", "Thanks!", "OK", "你好", "good morning", "👍"]
)
def test_small_talk(text: str) -> None:
    assert is_small_talk(text)


@pytest.mark.parametrize("text", ["端口", "hello world example", "好的，怎么撤回"])
def test_questions_are_no_small_talk(text: str) -> None:
    assert not is_small_talk(text)
