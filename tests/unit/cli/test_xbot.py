"""What becomes of XBot's permissions."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from posthouse.cli.xbot import ends_at, import_xbot, read
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import Field, Subject, SubjectKind, Wish
from posthouse.settings.settings import Settings
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.store.xbot import XBotRow, read_permissions

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
DAY_S = 86400.0
LATER = "2027-01-31"
SCHEMA = (
    "CREATE TABLE permissions (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL,"
    " cmd TEXT NOT NULL, subcmd TEXT NOT NULL, valid_until DATE NOT NULL)"
)


def row(
    cmd: str = "deploy",
    subcmd: str = "start",
    valid_until: object = LATER,
    username: str = "ann",
    number: int = 1,
) -> XBotRow:
    return XBotRow(number, username, cmd, subcmd, valid_until)


def local_db(folder: Path, *rows: tuple[str, str, str, object]) -> Path:
    path = folder / "local.db"
    with sqlite3.connect(path) as database:
        database.execute(SCHEMA)
        database.executemany(
            "INSERT INTO permissions (username, cmd, subcmd, valid_until) VALUES (?, ?, ?, ?)", rows
        )
    database.close()
    return path


# --- dates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "until"),
    [
        (1_796_169_600_000, datetime(2026, 12, 2, tzinfo=UTC)),
        ("1796169600000", datetime(2026, 12, 2, tzinfo=UTC)),
        (1_796_169_600, datetime(2026, 12, 2, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 2, tzinfo=UTC)),
        ("2026/12/01", datetime(2026, 12, 2, tzinfo=UTC)),
        ("2026-12-01 18:30:00", datetime(2026, 12, 1, 18, 30, tzinfo=UTC)),
        ("2026-12-01T18:30:00+08:00", datetime(2026, 12, 1, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_read(written: object, until: datetime) -> None:
    assert ends_at(written, UTC) == until.timestamp()


def test_a_date_is_one_of_the_place_where_the_house_is() -> None:
    east = timezone(timedelta(hours=8))
    assert ends_at("2026-12-01", east) == datetime(2026, 12, 2, tzinfo=east).timestamp()


@pytest.mark.parametrize(
    "written", ["", "soon", None, 0, -1, "nan", "inf", 10**18, "2026-13-01", b"x"]
)
def test_what_is_no_date_is_never_for_ever(written: object) -> None:
    assert ends_at(written, UTC) is None
    found = read([row(valid_until=written)], "b", UTC, NOW)
    assert found.lines == ()
    assert len(found.unreadable) == 1


# --- lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cmd", "subcmd", "field"),
    [
        ("*", "*", Field(bot="b", handler="commands")),
        ("*", "start", Field(bot="b", handler="commands")),  # XBot looks no further
        ("deploy", "*", Field(bot="b", handler="commands", scene="deploy")),
        ("deploy", "start", Field(bot="b", handler="commands", scene="deploy", command="start")),
        ("#", "*", Field(bot="b", handler="commands", scene="#")),
    ],
)
def test_a_line_means_what_it_meant(cmd: str, subcmd: str, field: Field) -> None:
    (line,) = read([row(cmd, subcmd)], "b", UTC, NOW).lines
    assert (line.subject, line.field) == (Subject(SubjectKind.PERSON, "ann"), field)


def test_what_is_over_is_told_and_kept_as_a_reason() -> None:
    rows = [row(valid_until="2026-11-19"), row("status", valid_until=LATER, number=2)]
    found = read(rows, "b", UTC, NOW)
    assert [line.field.scene for line in found.expired] == ["deploy"]
    assert len(found.lines) == 2


def test_of_equal_lines_the_latest_end_counts() -> None:
    rows = [row(valid_until=date) for date in ("2026-12-01", "2027-12-01", "2025-12-01")]
    (line,) = read(rows, "b", UTC, NOW).lines
    assert line.until_at == datetime(2027, 12, 2, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("wrong", [row(username=" "), row(cmd="")])
def test_a_line_of_nobody_or_nothing_is_left_out(wrong: XBotRow) -> None:
    assert read([wrong], "b", UTC, NOW).lines == ()


async def test_what_is_imported_is_ruled_by() -> None:
    rows = [row("deploy", "*", "2026-11-30"), row("*", "x", LATER, "bob")]
    store = open_memory_store()
    for line in read(rows, "b", UTC, NOW).lines:
        await store.grants.grant(line, "import:xbot", NOW)
    asked = [("ann", "deploy"), ("ann", "billing"), ("bob", "billing"), ("eve", "deploy")]
    wishes = [
        Wish(person=who, chat=1, bot="b", handler="commands", scene=scene, command="go")
        for who, scene in asked
    ]
    now = [(await store.grants.rule(wish, NOW)).is_allowed for wish in wishes]
    later = [(await store.grants.rule(wish, NOW + 20 * DAY_S)).is_allowed for wish in wishes]
    assert (now, later) == ([True, False, True, False], [False, False, True, False])
    await store.close()


# --- the file --------------------------------------------------------------------------------


def test_its_table_is_read_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    path = local_db(tmp_path, ("ann", "deploy", "*", 1_796_169_600_000))
    before = path.read_bytes()
    (found,) = read_permissions(path)
    assert (found.username, found.cmd, found.subcmd) == ("ann", "deploy", "*")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["local.db"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorMistake, match="does not exist"):
        read_permissions(tmp_path / "local.db")
    (tmp_path / "text").write_text("hello " * 1000)
    with pytest.raises(OperatorMistake, match="no table of permissions"):
        read_permissions(tmp_path / "text")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(OperatorMistake, match="no table of permissions"):
        read_permissions(tmp_path / "empty.db")


async def test_a_dry_run_lists_what_is_over_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = local_db(tmp_path, ("ann", "deploy", "*", "2020-01-01"), ("bob", "*", "*", LATER))
    settings = Settings(data=tmp_path / "data", language="en", timezone="UTC")
    await SqliteStore.open(settings.data / "posthouse.db").close()
    assert await import_xbot(settings, path, "web", NOW, is_dry=True) == 0
    shown = capsys.readouterr().out
    assert shown.count("person:ann deploy 2020-01-02 00:00") == 2  # all, then those that are over
    assert shown.count("person:bob") == 1
    store = SqliteStore.open(settings.data / "posthouse.db")
    assert await store.grants.list() == ()
    await store.close()


async def test_an_import_is_written_once_however_often_it_runs(tmp_path: Path) -> None:
    path = local_db(tmp_path, ("ann", "deploy", "*", LATER), ("eve", "*", "*", "never"))
    settings = Settings(data=tmp_path / "data", language="en", timezone="UTC")
    await SqliteStore.open(settings.data / "posthouse.db").close()
    for _ in range(2):
        assert await import_xbot(settings, path, "web", NOW, is_dry=False) == 1  # one unreadable
    store = SqliteStore.open(settings.data / "posthouse.db")
    (line,) = await store.grants.list()
    assert (line.author, line.note) == ("import:xbot", "XBot 1")
    await store.close()
