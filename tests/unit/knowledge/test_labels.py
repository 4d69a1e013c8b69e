"""Files of labels: every shape that people have, and a remedy for what is none."""

import pytest

from posthouse.knowledge.labels import Labelled, labelled, messages
from posthouse.model.errors import OperatorMistake


def test_lines_of_json_say_what_wants_an_answer() -> None:
    data = (
        '\ufeff{"id": "1", "text": "怎么装？", "answer": 1}\r\n\n{"text": "哈哈", "answer": false}'
    )
    assert labelled(data.encode(), "labels.jsonl") == (
        Labelled("怎么装？", is_wanted=True),
        Labelled("哈哈", is_wanted=False),
    )


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "a"}',
        b"plain",
        b'{"text": 1, "answer": 1}',
        b'{"text": "a", "answer": 7}',
        b'{"text": "a", "answer": "yes"}',
        b"\xff",
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(line: bytes) -> None:
    with pytest.raises(OperatorMistake, match=r"labels.jsonl, line 2 is no label like"):
        labelled(b'{"text": "a", "answer": 1}\n' + line, "labels.jsonl")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("good.json", '["怎么装？", " ", "在哪下载"]'),
        ("good.jsonl", '{"text": "怎么装？"}\n{"text": "在哪下载", "id": 2}\n'),
        ("good.txt", "怎么装？\n\n  在哪下载\n"),
    ],
)
def test_messages_of_one_kind_come_in_three_shapes(name: str, data: str) -> None:
    found = messages(data.encode(), name, is_wanted=False)
    assert [label.text for label in found] == ["怎么装？", "在哪下载"]
    assert not any(label.is_wanted for label in found)


@pytest.mark.parametrize(
    ("name", "data"),
    [("bad.json", b'{"a": 1}'), ("bad.json", b"[1]"), ("bad.txt", b"\xff\xfe"), ("bad.txt", b" ")],
)
def test_what_holds_no_messages_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(OperatorMistake, match=name):
        messages(data, name, is_wanted=True)
