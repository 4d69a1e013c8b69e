"""What people write behind ``/grant``, read."""

from datetime import datetime

import pytest

from posthouse.gateway.grant_words import (
    describe,
    read_field,
    read_grant,
    read_subject,
    read_time,
    read_times,
    words_of,
)
from posthouse.model.address import Person
from posthouse.model.message import Mention, Text
from posthouse.model.permission import Field, Subject, SubjectKind

ANN = Mention("ou_1", "Ann Lee")
ME = Person("boss", "Boss")
NOW = datetime(2026, 11, 20, 12, 0).timestamp()  # noqa: DTZ001 - the house's own time
DAY_S = 86400.0


def at(*parts: int) -> float:
    return datetime(*parts).timestamp()  # type: ignore[arg-type]  # noqa: DTZ001 - as above


def test_mentions_are_words_by_their_id() -> None:
    parts = (Mention("bot", "Posthouse", is_me=True), Text("/grant"), ANN, Text(" deploy  30d "))
    assert words_of(parts) == (ANN, "deploy", "30d")


@pytest.mark.parametrize(
    ("word", "subject"),
    [
        (ANN, "person:ou_1"),
        ("person:web:p1", "person:web:p1"),
        ("people:ops", "people:ops"),
        ("chat:7", "chat:7"),
        ("chat", "chat:12"),
        ("本群", "chat:12"),
        ("everyone", "person:*"),
        ("所有人", "person:*"),
        ("me", "person:boss"),
    ],
)
def test_who(word: str | Mention, subject: str) -> None:
    assert str(read_subject(word, 12, ME)) == subject


@pytest.mark.parametrize(
    "word",
    [
        Mention("*", "all"),
        Mention(""),
        "@Ann",
        "ann",
        "person:",
        "chat:seven",
        "dog:rex",
        "",
        "x" * 999,
    ],
)
def test_what_is_nobody(word: str | Mention) -> None:
    assert read_subject(word, 12, ME) is None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("*", Field(bot="b")),
        ("deploy", Field(bot="b", handler="commands", scene="deploy")),
        ("deploy.start", Field(bot="b", handler="commands", scene="deploy", command="start")),
        ("deploy start", Field(bot="b", handler="commands", scene="deploy", command="start")),
        ("deploy.*", Field(bot="b", handler="commands", scene="deploy")),
        ("部署.开始", Field(bot="b", handler="commands", scene="部署", command="开始")),
        ("#", Field(bot="b", handler="commands", scene="#")),
        ("handler:demo", Field(bot="b", handler="demo")),
        ("handler:ops deploy", Field(bot="b", handler="ops", scene="deploy")),
        ("handler:commands", Field(bot="b", handler="commands")),
    ],
)
def test_what(text: str, field: Field) -> None:
    assert read_field(text.split(), "b") == field


@pytest.mark.parametrize("time", ["99999999999d", "30x", "5天天"])
def test_a_time_that_is_written_wrong_is_no_command(time: str) -> None:
    assert read_grant((ANN, "deploy", time), 12, "b", ME, NOW) is None
    assert read_field(["deploy", time], "b") is None
    assert read_field(["deploy.2fa"], "b") is not None  # with a dot it is one


@pytest.mark.parametrize("text", ["", "a.b.c", "a b c", "handler:", ".", "a..b", "a:b"])
def test_what_is_nothing(text: str) -> None:
    assert read_field(text.split(), "b") is None


@pytest.mark.parametrize("text", ["*", "deploy", "deploy.start", "handler:demo", "handler:ops x.y"])
def test_a_field_is_written_as_it_is_read(text: str) -> None:
    field = read_field(text.split(), "b")
    assert field is not None
    assert describe(field) == text


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("", (None, None)),
        ("until 2026-12-01", (None, at(2026, 12, 2))),
        ("2026-12-01", (None, at(2026, 12, 2))),
        ("直到 2026-12-01 18:30", (None, at(2026, 12, 1, 18, 30))),
        ("30d", (None, NOW + 30 * DAY_S)),
        ("12小时", (None, NOW + DAY_S / 2)),
        ("from 2026-11-25 until 2026-12-01", (at(2026, 11, 25), at(2026, 12, 2))),
        ("until 2026-11-20", (None, at(2026, 11, 21))),
    ],
)
def test_when(text: str, times: tuple[float | None, float | None]) -> None:
    assert read_times(text.split(), NOW) == times


@pytest.mark.parametrize(
    "text",
    [
        "until",
        "until tomorrow",
        "30",  # of what?
        "until 2026-13-01",
        "until 2026-11-19",  # it would be over already
        "from 2026-12-02 until 2026-12-01",
        "until 2026-12-01 25:00",
        "0d",
        "until 99999-01-01",
    ],
)
def test_when_is_never(text: str) -> None:
    assert read_times(text.split(), NOW) is None


def test_a_day_lasts_to_its_end() -> None:
    assert read_time("2026-12-01", NOW, is_end=False) == at(2026, 12, 1)
    assert read_time("2026-12-01", NOW, is_end=True) == at(2026, 12, 2)


def test_a_whole_order() -> None:
    read = read_grant((ANN, "deploy.start", "until", "2026-12-01"), 12, "b", ME, NOW)
    assert read is not None
    assert read.subject == Subject(SubjectKind.PERSON, "ou_1")
    assert read.field == Field(bot="b", handler="commands", scene="deploy", command="start")
    assert (read.from_at, read.until_at, read.name) == (None, at(2026, 12, 2), "Ann Lee")


@pytest.mark.parametrize(
    "words",
    [(), (ANN,), (ANN, "30d"), (ANN, "deploy", ANN), ("deploy", ANN), (ANN, "deploy", "soon", "x")],
)
def test_half_an_order_is_none(words: tuple[str | Mention, ...]) -> None:
    assert read_grant(words, 12, "b", ME, NOW) is None
