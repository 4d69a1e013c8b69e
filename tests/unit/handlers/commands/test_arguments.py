"""From words to typed arguments."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Literal, Optional

import pytest

from posthouse.handlers.commands.arguments import Arguments, Unsupported, Usage


class Color(Enum):
    RED = "r"
    BLUE = "b"


def one(kind: object, word: str) -> object:
    """Read one word as ``kind``."""

    def command(value):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        return value

    command.__annotations__["value"] = kind
    ((value,), _) = Arguments(command).read((word,), "")
    return value


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (str, "x", "x"),
        (int, "-3", -3),
        (float, "2.5", 2.5),
        (bool, "是", True),
        (bool, "OFF", False),
        (date, "2026-11-20", date(2026, 11, 20)),
        (date, "2026/11/20", date(2026, 11, 20)),
        (datetime, "2026-11-20T08:30", datetime(2026, 11, 20, 8, 30)),  # noqa: DTZ001 - as said
        (timedelta, "1h30m", timedelta(minutes=90)),
        (timedelta, "2 小时", timedelta(hours=2)),
        (Color, "red", Color.RED),
        (Color, "B", Color.BLUE),
        (Literal["on", 3], "3", 3),
        (int | None, "5", 5),
        (list[int] | None, "1,2", [1, 2]),
        (Optional[list[str]], "a,b", ["a", "b"]),  # noqa: UP045 - people write it so too
        (date, "2026/1/5", date(2026, 1, 5)),
        (datetime, "2026/1/5 08:30", datetime(2026, 1, 5, 8, 30)),  # noqa: DTZ001 - as said
        (int | str, "five", "five"),
        (list[int], "1,2，3、4", [1, 2, 3, 4]),
        (tuple[str, ...], "a", ("a",)),
        (Path, "a/b", Path("a/b")),
    ],
)
def test_a_word_becomes_a_value(kind: object, word: str, value: object) -> None:
    read = one(kind, word)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "word", "wanted"),
    [
        (int, "x", "int"),
        (int, "9" * 5000, "int"),
        (float, "nan", "number"),
        (bool, "maybe", "yes|no"),
        (date, "2026-13-01", "date"),
        (timedelta, "soon", "span"),
        (timedelta, "90", "span"),
        (timedelta, "9" * 300 + "d", "span"),
        (Color, "green", "r|b"),
        (Literal["a", "b"], "c", "a|b"),
        (list[int], "1,x", "int"),
        (int | None, "x", "int"),
    ],
)
def test_a_word_that_does_not_fit_is_named_with_what_would(
    kind: object, word: str, wanted: str
) -> None:
    with pytest.raises(Usage) as caught:
        one(kind, word)
    assert (caught.value.problem, caught.value.name) == ("wrong", "value")
    assert caught.value.wanted == wanted


def test_today_is_a_date() -> None:
    assert one(date, "明天") == datetime.now().astimezone().date() + timedelta(days=1)


def deploy(host: str, count: int = 1, *, force: bool = False, tag: str = "new") -> None: ...
def every(first: str, *rest: int) -> None: ...
def last_list(name: str, hosts: list[str]) -> None: ...
def note(title: str, text: str = "") -> None: ...


@pytest.mark.parametrize(
    ("function", "words", "below", "expected"),
    [
        (deploy, ("web",), "", (["web", 1], {})),
        (deploy, ("web", "3", "--force"), "", (["web", 3], {"force": True})),
        (deploy, ("--tag=old", "web"), "", (["web", 1], {"tag": "old"})),
        (deploy, ("web", "--tag", "old"), "", (["web", 1], {"tag": "old"})),
        (every, ("a", "1", "2"), "", (["a", 1, 2], {})),
        (last_list, ("a", "x", "y"), "", (["a", ["x", "y"]], {})),
        (last_list, ("a", "x,y"), "", (["a", ["x", "y"]], {})),
        (note, ("title",), "many\nlines", (["title", "many\nlines"], {})),
    ],
)
def test_words_find_their_parameters(
    function: Callable[..., object], words: Sequence[str], below: str, expected: object
) -> None:
    assert Arguments(function).read(words, below) == expected


@pytest.mark.parametrize(
    ("function", "words", "problem", "name"),
    [
        (deploy, (), "missing", "host"),
        (deploy, ("a", "1", "b"), "too_many", ""),
        (deploy, ("a", "x"), "wrong", "count"),
        (every, ("a", "1", "x"), "wrong", "rest"),
        (last_list, ("a",), "missing", "hosts"),
    ],
)
def test_words_that_do_not_fit(
    function: Callable[..., object], words: Sequence[str], problem: str, name: str
) -> None:
    with pytest.raises(Usage) as caught:
        Arguments(function).read(words, "")
    assert (caught.value.problem, caught.value.name) == (problem, name)


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (timedelta(days=1), "1d"),
        (timedelta(days=1, hours=2, minutes=30), "1d2h30m"),
        (timedelta(seconds=1.5), "1.5s"),
        (timedelta(), "0s"),
        ([1, 2], "1,2"),
        (Color.RED, "r"),
        ("", '""'),
        (None, ""),
    ],
)
def test_a_default_is_shown_as_it_could_be_said(default: object, shown: str) -> None:
    def command(value: object = default) -> None: ...

    command.__annotations__["value"] = str | None if default is None else type(default)
    (described,) = Arguments(command).describe()
    assert described["default"] == shown


def test_a_list_that_may_be_missing_takes_all_that_is_left() -> None:
    def command(hosts: list[int] | None = None) -> None: ...

    assert Arguments(command).read(("1", "2"), "") == ([[1, 2]], {})
    assert Arguments(command).read((), "") == ([None], {})


def test_a_type_that_no_word_can_be_is_refused_when_the_scene_is_loaded() -> None:
    def command(value: memoryview) -> None: ...

    with pytest.raises(Unsupported, match="value: memoryview"):
        Arguments(command)
