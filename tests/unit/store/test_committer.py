"""The writer: one commit for all who wait, one failure for the one who fails."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from posthouse.model.errors import FenceLost, StorageFull, StoreClosed, TryLater
from posthouse.store.points import STEPS, WAKING
from posthouse.store.sql import about
from posthouse.store.sql.about import NOTHING
from posthouse.store.sql.database import Database
from posthouse.store.sqlite import committer as module
from posthouse.store.sqlite import file
from posthouse.store.sqlite.committer import GroupCommitter, InlineCommitter, translated
from posthouse.store.sqlite.database import Database as File

READ = "SELECT title FROM chats ORDER BY id"


def enter(database: Database, title: str) -> str:
    database.run(
        "INSERT INTO chats (bot, platform_id, kind, title, mode_since_at)"
        " VALUES ('b', :title, 'group', :title, 0.0)",
        title=title,
    )
    return title


def enter_and_fail(database: Database, error: Exception) -> None:
    enter(database, "never")
    raise error


class Bench:
    """A writer on a real file, the points it passes, and a gate to hold it at one of them."""

    def __init__(self, path: Path) -> None:
        self.points: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_inside = threading.Event()
        self.database = file.open_writing(path)
        self.committer = GroupCommitter(self.database, self._at)
        self.reading = file.open_reading(path)

    def _at(self, point: str) -> None:
        self.points.append(point)
        if point.endswith(":before-commit"):
            self.is_inside.set()
            self.gate.wait()

    async def blocked(self) -> "asyncio.Future[str]":
        """Hold the writer inside a commit, so that whatever comes next waits together."""
        self.gate.clear()
        first = asyncio.ensure_future(self.committer.commit("chat", NOTHING, enter, "first"))
        await asyncio.to_thread(self.is_inside.wait)
        return first

    def titles(self) -> list[str]:
        return [row[0] for row in self.reading.all(READ)]

    def commits(self) -> int:
        return self.points.count(WAKING)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "book.db")
    yield bench
    bench.gate.set()
    await bench.committer.close()
    bench.reading.connection.close()
    bench.database.connection.close()


async def test_who_waits_shares_one_commit_and_one_waking(bench: Bench) -> None:
    first = await bench.blocked()
    waiting = [bench.committer.commit("chat", NOTHING, enter, f"{n}") for n in range(100)]
    bench.gate.set()
    assert await asyncio.gather(first, *waiting) == ["first", *(f"{n}" for n in range(100))]
    assert bench.commits() == 2
    assert len(bench.titles()) == 101


async def test_a_batch_has_a_largest_size(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_S", float("inf"))
    first = await bench.blocked()
    waiting = [bench.committer.commit("chat", NOTHING, enter, f"{n}") for n in range(513)]
    bench.gate.set()
    await asyncio.gather(first, *waiting)
    assert bench.commits() == 3


async def test_a_batch_ends_when_its_time_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_S", 0.0)
    first = await bench.blocked()
    waiting = [bench.committer.commit("chat", NOTHING, enter, f"{n}") for n in range(3)]
    bench.gate.set()
    await asyncio.gather(first, *waiting)
    assert bench.commits() == 4


async def test_accepts_come_first(bench: Bench) -> None:
    first = await bench.blocked()
    waiting = [
        bench.committer.commit("settle", NOTHING, enter, "settle"),
        bench.committer.commit("accept", NOTHING, enter, "accept"),
    ]
    bench.gate.set()
    await asyncio.gather(first, *waiting)
    assert bench.titles() == ["first", "accept", "settle"]


async def test_only_the_one_that_fails_fails(bench: Bench) -> None:
    first = await bench.blocked()
    waiting = [
        bench.committer.commit("chat", NOTHING, enter, "before"),
        bench.committer.commit("finish", NOTHING, enter_and_fail, FenceLost()),
        bench.committer.commit("put", NOTHING, enter_and_fail, ZeroDivisionError()),
        bench.committer.commit("chat", NOTHING, enter, "after"),
    ]
    bench.gate.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(result) for result in results] == [
        str, str, FenceLost, ZeroDivisionError, str,
    ]  # fmt: skip
    assert bench.titles() == ["first", "before", "after"]
    assert await bench.committer.commit("chat", NOTHING, enter, "later") == "later"


async def test_a_statement_that_is_refused_is_its_operations_error(bench: Bench) -> None:
    def refused(database: Database) -> None:
        enter(database, "never")
        database.run("INSERT INTO house (id) VALUES (2)")

    first = await bench.blocked()
    waiting = [
        bench.committer.commit("put", NOTHING, refused),
        bench.committer.commit("chat", NOTHING, enter, "ok"),
    ]
    bench.gate.set()
    _, refusal, title = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert isinstance(refusal, apsw.ConstraintError)
    assert title == "ok"
    assert bench.titles() == ["first", "ok"]


async def test_a_full_disk_fails_all_of_a_batch_and_nothing_after_it(bench: Bench) -> None:
    connection = bench.database.connection
    pages = int(str(connection.pragma("page_count")))
    connection.pragma("max_page_count", pages)
    waiting = [bench.committer.commit("chat", NOTHING, enter, "x" * 5000) for _ in range(20)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {StorageFull}
    assert bench.titles() == []
    await bench.committer.commit("chat", NOTHING, connection_limit, 2**30)
    assert await bench.committer.commit("chat", NOTHING, enter, "space again") == "space again"


def connection_limit(database: Database, pages: int) -> None:
    assert isinstance(database, File)
    database.connection.pragma("max_page_count", pages)


async def test_a_queue_has_a_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    first = await bench.blocked()
    waiting = [bench.committer.commit("chat", NOTHING, enter, f"{n}") for n in range(3)]
    with pytest.raises(TryLater):
        await bench.committer.commit("accept", NOTHING, enter, "too many")
    bench.gate.set()
    await asyncio.gather(first, *waiting)
    assert await bench.committer.commit("accept", NOTHING, enter, "room again") == "room again"


async def test_who_no_longer_waits_disturbs_nobody(bench: Bench) -> None:
    first = await bench.blocked()
    impatient = asyncio.ensure_future(bench.committer.commit("chat", NOTHING, enter, "impatient"))
    patient = bench.committer.commit("chat", NOTHING, enter, "patient")
    impatient.cancel()
    bench.gate.set()
    assert [await first, await patient] == ["first", "patient"]
    assert bench.titles() == ["first", "impatient", "patient"]


async def test_closing_writes_what_waits(bench: Bench) -> None:
    first = await bench.blocked()
    waiting = [bench.committer.commit("chat", NOTHING, enter, f"{n}") for n in range(10)]
    closing = asyncio.create_task(bench.committer.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreClosed):
        await bench.committer.commit("chat", NOTHING, enter, "too late")
    bench.gate.set()
    await asyncio.gather(first, *waiting, closing)
    assert len(bench.titles()) == 11


async def test_the_points_of_a_write_come_in_order(bench: Bench) -> None:
    await bench.committer.commit("accept", NOTHING, enter, "one")
    assert bench.points == ["accept:before-commit", "accept:after-commit", WAKING]


async def test_at_the_first_point_nobody_else_sees_it_and_at_the_second_everybody(
    tmp_path: Path,
) -> None:
    path = tmp_path / "book.db"
    writing = file.open_writing(path)
    reading = file.open_reading(path)
    seen: dict[str, int] = {}
    committer = GroupCommitter(writing, lambda at: seen.update({at: len(reading.all(READ))}))
    await committer.commit("accept", NOTHING, enter, "one")
    await committer.close()
    reading.connection.close()
    writing.connection.close()
    assert seen == {"accept:before-commit": 0, "accept:after-commit": 1, WAKING: 1}


# --- at once ----------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[File]:
    database = file.open_memory()
    yield database
    database.connection.close()


async def test_inline_an_operation_is_all_or_nothing(memory: File) -> None:
    committer = InlineCommitter(memory)
    await committer.commit("chat", NOTHING, enter, "one")
    with pytest.raises(FenceLost):
        await committer.commit("chat", NOTHING, enter_and_fail, FenceLost())
    assert memory.all(READ) == [("one",)]
    await committer.commit("chat", NOTHING, enter, "two")
    assert memory.all(READ) == [("one",), ("two",)]
    await committer.close()


async def test_inline_the_points_are_the_same(memory: File) -> None:
    points: list[str] = []
    committer = InlineCommitter(memory, points.append)
    await committer.commit("accept", NOTHING, enter, "one")
    await committer.close()
    assert points == ["accept:before-commit", "accept:after-commit", WAKING]


async def test_inline_a_closed_store_says_so(memory: File) -> None:
    committer = InlineCommitter(memory)
    await committer.close()
    with pytest.raises(StoreClosed):
        await committer.commit("chat", NOTHING, enter, "one")


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "becomes"),
    [
        (apsw.FullError(), StorageFull),
        (apsw.IOError(), TryLater),
        (apsw.ReadOnlyError(), TryLater),
        (apsw.BusyError(), TryLater),
        (apsw.CorruptError(), TryLater),
        (apsw.ConstraintError(), apsw.ConstraintError),
    ],
)
def test_what_sqlite_says_is_put_into_words(problem: apsw.Error, becomes: type[Exception]) -> None:
    assert type(translated(problem)) is becomes


def test_every_step_that_is_written_is_a_point() -> None:
    import re

    folder = Path(about.__file__).parent
    code = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    steps = set(re.findall(r'(?:_commit|\.commit)\(\s*"([a-z-]+)"', code))
    assert steps <= set(STEPS)
    assert {"accept", "claim", "finish", "settle", "recall"} <= steps
