"""The database file: how it is opened, refused, brought up to date and copied."""

import stat
from pathlib import Path

import apsw
import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.store import migrate
from posthouse.store.migrate import Migration, migrations, pending
from posthouse.store.sqlite import file
from posthouse.store.sqlite.store import SqliteStore
from tests.unit.store.book import NOW, answer, enter, opened, say

NEWEST = len(migrations("sqlite"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def version(path: Path) -> object:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.pragma("user_version")
    finally:
        connection.close()


# --- opening ----------------------------------------------------------------------------------


async def test_a_new_book_is_made_with_its_folder_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "deep" / "book.db"
    async with opened(path) as store:
        await say(store, "1")
        for part in (path, path.with_name("book.db-wal"), path.with_name("book.db-shm")):
            assert mode(part) == 0o600, part.name


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db") as store:
        receipt = await say(store, "1")
    async with opened(tmp_path / "book.db") as store:
        again = await say(store, "1")
    assert (again.is_new, again.event) == (False, receipt.event)


def test_a_commit_waits_for_the_disk_and_the_log_is_ours(tmp_path: Path) -> None:
    connection = file.open_writing(tmp_path / "book.db").connection
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2  # FULL
    assert connection.pragma("mmap_size") == 0
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
    connection.close()


def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    file.open_writing(tmp_path / "book.db").connection.close()
    reading = file.open_reading(tmp_path / "book.db")
    with pytest.raises(apsw.ReadOnlyError):
        reading.run("UPDATE house SET is_held = 1")
    reading.connection.close()


async def test_a_book_that_was_closed_is_one_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db") as store:
        await say(store, "1")
        assert await store.reader.road(1) is not None
    assert names(tmp_path) == ["book.db"]


# --- refusing ---------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(OperatorMistake, match="not a database"):
        SqliteStore.open(path)
    assert path.read_bytes().startswith(b"Dear diary")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(OperatorMistake, match="another program"):
        SqliteStore.open(path)


async def test_a_newer_schema_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    async with opened(path):
        pass
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", NEWEST + 1)
    connection.close()
    with pytest.raises(OperatorMistake, match="start the newer Posthouse"):
        SqliteStore.open(path)


async def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    async with opened(path):
        pass
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    with pytest.raises(OperatorMistake, match=r"damaged .*`posthouse restore`"):
        SqliteStore.open(path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.db").mkdir()
    with pytest.raises(OperatorMistake, match="check the path"):
        SqliteStore.open(tmp_path / "book.db")


# --- migrating --------------------------------------------------------------------------------


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in migrations("sqlite")] == list(range(1, NEWEST + 1))


def test_only_what_is_missing_is_pending() -> None:
    known = tuple(Migration(n, f"m{n}", "") for n in (1, 2, 3))
    assert pending(0, known) == known
    assert pending(2, known) == known[2:]
    assert pending(3, known) == ()


@pytest.fixture
async def older(tmp_path: Path) -> Path:
    """A book in today's schema, with something in it."""
    path = tmp_path / "book.db"
    async with opened(path) as store:
        await say(store, "1")
    return path


def with_one_more(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    known = (*migrations("sqlite"), Migration(NEWEST + 1, "more", sql))
    monkeypatch.setattr(migrate, "migrations", lambda _: known)
    monkeypatch.setattr(file, "migrations", lambda _: known)


async def test_a_copy_is_kept_before_the_schema_changes(
    older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_one_more(monkeypatch, "CREATE TABLE more (n) STRICT".replace("(n)", "(n INTEGER)"))
    async with opened(older) as store:
        assert not (await say(store, "1")).is_new
    copy = older.with_name(f"book.db.schema-{NEWEST}")
    assert (version(older), version(copy)) == (NEWEST + 1, NEWEST)
    assert mode(copy) == 0o600


async def test_a_migration_that_fails_leaves_everything_as_it_was(
    older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        with_one_more(broken, "CREATE TABLE more (n INTEGER); SELECT nonsense;")
        with pytest.raises(apsw.SQLError):
            SqliteStore.open(older)
    assert version(older) == NEWEST
    async with opened(older) as store:
        assert not (await say(store, "1")).is_new


async def test_nothing_is_copied_when_nothing_changes(older: Path) -> None:
    async with opened(older):
        pass
    assert names(older.parent) == ["book.db"]


# --- copies -----------------------------------------------------------------------------------


async def test_a_backup_is_one_whole_file_for_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "copies" / "book.backup"
    async with opened(tmp_path / "book.db") as store:
        await say(store, "1")
        await store.upkeep.backup(target)
        await say(store, "2")
    assert names(target.parent) == ["book.backup"]
    assert mode(target) == 0o600
    assert file.taken_at(target) == NOW
    async with opened(target) as copy:
        assert not (await say(copy, "1")).is_new
        assert (await say(copy, "2")).is_new
        assert await copy.upkeep.check() == ()


async def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    async with opened(tmp_path / "book.db") as store:
        with pytest.raises(FileExistsError):
            await store.upkeep.backup(target)
    assert target.read_text() == "keep me"


async def test_what_was_deleted_is_not_in_a_backup(tmp_path: Path) -> None:
    target = tmp_path / "book.backup"
    async with opened(tmp_path / "book.db") as store:
        await say(store, "1", text="a secret that was pruned")
        await say(store, "2")
        database = file.open_writing(tmp_path / "book.db")
        database.run("DELETE FROM events WHERE id = 1")
        database.connection.close()
        await store.upkeep.backup(target)
    assert b"a secret that was pruned" not in target.read_bytes()


async def test_a_restored_house_is_held(tmp_path: Path) -> None:
    target = tmp_path / "book.backup"
    async with opened(tmp_path / "book.db") as store:
        await say(store, "1")
        await answer(store, await enter(store), "one", "two")
        await store.upkeep.backup(target)
        assert not (await store.holding.house()).is_held
    assert file.mark_restored(target) == NOW
    async with opened(target) as restored:
        house = await restored.holding.house()
        assert (house.is_held, house.snapshot_at) == (True, NOW)
        assert [held.text for held in await restored.holding.held()] == ["one", "two"]


async def test_a_mere_copy_needs_to_be_told_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db"):
        pass
    with pytest.raises(OperatorMistake, match="when it was copied"):
        file.mark_restored(tmp_path / "book.db")
    assert file.mark_restored(tmp_path / "book.db", NOW - 5) == NOW - 5


def test_what_is_no_book_cannot_be_restored(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"\xff\xd8" * 1000)
    with pytest.raises(OperatorMistake, match="not a database"):
        file.mark_restored(path, NOW)
    with pytest.raises(OperatorMistake, match="does not exist"):
        file.mark_restored(tmp_path / "nothing", NOW)
