"""Operations side by side: their questions travel together, and none hears another's answer."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from posthouse.model.errors import TryLater
from posthouse.store.postgres import pipeline as pipelines
from posthouse.store.postgres import reading as reader
from posthouse.store.postgres.committer import PostgresCommitter
from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import Statement
from posthouse.store.postgres.pipeline import Answer, Pipeline
from posthouse.store.postgres.reading import PostgresReading
from posthouse.store.postgres.together import NOT_BEGUN, Together
from posthouse.store.sql.about import NOTHING
from posthouse.store.sql.database import Database, Value
from tests.cluster import EMPTY, Cluster

ECHO = "SELECT :said::bigint"
WRONG = "SELECT nothing FROM nowhere"
TAG = "INSERT INTO chat_tags (tag, chat) VALUES (:tag, :chat)"
TAGS = "SELECT tag FROM chat_tags ORDER BY chat"
GATE = -11
WAIT = f"SELECT pg_advisory_xact_lock_shared({GATE})"


class Counting(Pipeline):
    """Counts journeys."""

    journeys = 0

    def answers(self) -> list[tuple[object, Answer]]:
        self.journeys += 1
        return super().answers()


@pytest.fixture
def pipeline(cluster: Cluster) -> Iterator[Counting]:
    connection = connect(cluster.url(EMPTY))
    yield Counting(connection)
    connection.close()


def saying(*numbers: int) -> Callable[[Database], list[int]]:
    """Ask for each of some numbers in turn."""

    def operation(database: Database) -> list[int]:
        answers = []
        for number in numbers:
            row = database.one(ECHO, said=number)
            assert row is not None
            answers.append(row[0])
        return answers

    return operation


def about(*things: str) -> list[frozenset[str]]:
    return [frozenset({thing}) for thing in things]


# --- side by side ---------------------------------------------------------------------------


def test_questions_travel_together(pipeline: Counting) -> None:
    operations = [saying(number, 100 + number) for number in range(20)]
    results = Together(pipeline, operations, about(*map(str, range(20)))).run()
    assert results == [[number, 100 + number] for number in range(20)]
    assert pipeline.journeys == 2


def test_one_waits_until_another_about_the_same_has_ended(pipeline: Counting) -> None:
    seen: list[str] = []

    def operation(name: str) -> Callable[[Database], None]:
        def run(database: Database) -> None:
            for _ in range(2):
                seen.append(name)
                database.one(ECHO, said=1)

        return run

    operations = [operation(name) for name in ("a1", "b", "a2", "a3")]
    Together(pipeline, operations, about("a", "b", "a", "a")).run()
    assert seen == ["a1", "b", "a1", "b", "a2", "a2", "a3", "a3"]


def test_what_stands_behind_one_that_waits_does_not_pass_it(pipeline: Counting) -> None:
    ended: list[str] = []

    def operation(name: str) -> Callable[[Database], None]:
        def run(database: Database) -> None:
            database.one(ECHO, said=1)
            ended.append(name)

        return run

    things = [frozenset("a"), frozenset("ab"), frozenset("b")]
    Together(pipeline, [operation(name) for name in "123"], things).run()
    assert ended == ["1", "2", "3"]


def test_when_the_time_is_over_what_waits_is_not_begun(pipeline: Counting) -> None:
    operations = [saying(1), saying(2), saying(3)]
    together = Together(pipeline, operations, about("a", "a", "b"))
    assert together.run(lambda: False) == [[1], NOT_BEGUN, [3]]


def test_whoever_asks_nothing_is_done_at_once(pipeline: Counting) -> None:
    operations = [saying(), saying(), saying(3)]
    assert Together(pipeline, operations, about("a", "a", "a")).run() == [[], [], [3]]
    assert pipeline.journeys == 1


# --- when something fails -------------------------------------------------------------------


def test_when_one_fails_the_others_are_given_up(pipeline: Counting) -> None:
    left: list[str] = []

    def waiting(database: Database) -> None:
        try:
            database.one(ECHO, said=1)
        finally:
            left.append("waiting")

    def failing(database: Database) -> None:
        database.run(ECHO, said=2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Together(pipeline, [waiting, failing], about("a", "b")).run()
    assert left == ["waiting"]
    pipeline.answers()  # to what was on its way
    assert Together(pipeline, [saying(7)], about("a")).run() == [[7]]


def test_a_wrong_statement_is_told_and_what_follows_is_not_executed(pipeline: Counting) -> None:
    pipeline.send(Statement(WRONG, ()), {})
    pipeline.send(Statement("SELECT 1", ()), {}, "asker")
    with pytest.raises(psycopg.errors.UndefinedTable):
        pipeline.answers()
    pipeline.send(Statement("SELECT 1", ()), {}, "asker")
    assert pipeline.answers() == [("asker", Answer([(1,)], 1))], "prepared again, since it was not"


def test_a_lost_connection_is_told(cluster: Cluster, pipeline: Counting) -> None:
    with psycopg.connect(cluster.url(EMPTY), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pipeline.connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        Together(pipeline, [saying(1)], about("a")).run()
    assert pipeline.connection.broken


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("bigint", -(2**62), -(2**62)),
        ("bigint", None, None),
        ("float8", 0.1, 0.1),
        ("boolean", True, True),
        ("boolean", False, False),
        ("bytea", b"\x00\xff", b"\x00\xff"),
        ("text", "豆哥", "豆哥"),
        ("text", "a\0b", "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_values_arrive_as_they_left(
    pipeline: Counting, kind: str, value: Value, expected: Value
) -> None:
    pipeline.send(Statement(f"SELECT $1::{kind}", ("value",)), {"value": value}, "asker")
    ((_, answer),) = pipeline.answers()
    assert answer.rows == [(expected,)]
    assert type(answer.rows[0][0]) is type(expected)


def test_a_long_text_is_sent_while_long_answers_come(pipeline: Counting) -> None:
    """Neither side may wait for the other to read: all of this is more than any buffer holds."""
    long = "x" * 1_000_000
    for number in range(20):
        pipeline.send(Statement("SELECT $1::text", ("said",)), {"said": long}, number)
    assert [asker for asker, answer in pipeline.answers() if answer.rows == [(long,)]] == [
        *range(20)
    ]


def test_statements_of_too_many_forms_are_prepared_each_time(
    pipeline: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines, "PREPARED_MAX", 1)
    for number in (1, 2, 3):
        pipeline.send(Statement(f"SELECT {number}", ()), {}, number)
    assert pipeline.answers() == [(number, Answer([(number,)], 1)) for number in (1, 2, 3)]
    kept = Statement("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''", ())
    pipeline.send(kept, {}, "asker")
    ((_, answer),) = pipeline.answers()
    assert answer.rows == [(1,)]


# --- those who use it -----------------------------------------------------------------------


async def test_a_write_that_fails_does_not_take_its_neighbours_with_it(cluster: Cluster) -> None:
    def tag(database: Database, chat: int) -> int:
        database.run(TAG, tag=f"t{chat}", chat=chat)
        if chat == 3:
            raise ZeroDivisionError
        if chat == 5:
            database.run(TAG, tag="t4", chat=4)  # there already: the server says so at the end
        return chat

    url = cluster.wiped()
    committer = PostgresCommitter(url)
    writes = [committer.commit("push", ("one writer", chat), tag, chat) for chat in range(1, 8)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    await committer.close()
    kinds = {type(result) for result in results if isinstance(result, Exception)}
    assert kinds == {ZeroDivisionError, psycopg.errors.UniqueViolation}
    with psycopg.connect(url) as connection:
        said = connection.execute(TAGS).fetchall()
    assert said == [("t1",), ("t2",), ("t4",), ("t6",), ("t7",)]


@pytest.mark.parametrize(("met", "tries"), [(3, 4), (9, 4)], ids=["in the end", "too often"])
async def test_who_meets_another_again_and_again_is_tried_a_few_times(
    cluster: Cluster, met: int, tries: int
) -> None:
    begun: list[int] = []

    def meeting(_: Database) -> str:
        begun.append(len(begun))
        if len(begun) <= met:
            raise psycopg.errors.DeadlockDetected
        return "done"

    committer = PostgresCommitter(cluster.url(EMPTY))
    (result,) = await asyncio.gather(
        committer.commit("push", NOTHING, meeting), return_exceptions=True
    )
    await committer.close()
    assert len(begun) == tries, "with its neighbours, and then alone"
    if met < tries:
        assert result == "done"
    else:
        assert isinstance(result, psycopg.errors.DeadlockDetected)


async def test_a_question_that_fails_does_not_take_its_neighbours_with_it(
    cluster: Cluster,
) -> None:
    reading = PostgresReading(cluster.url(EMPTY))
    questions = (reading.one(ECHO, said=1), reading.all(WRONG), reading.one(ECHO, said=3))
    first, wrong, third = await asyncio.gather(*questions, return_exceptions=True)
    await reading.close()
    assert (first, third) == ((1,), (3,))
    assert isinstance(wrong, psycopg.errors.UndefinedTable)


async def test_a_question_that_takes_long_does_not_hold_up_others(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "HELD_UP_S", 0.0)
    reading = PostgresReading(cluster.url(EMPTY))
    with psycopg.connect(cluster.url(EMPTY)) as gate:
        gate.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        is_asked = threading.Event()

        def wait(database: Database) -> object:
            is_asked.set()
            return database.one(WAIT)

        slow = asyncio.create_task(reading.ask(wait))
        await asyncio.to_thread(is_asked.wait, 20.0)
        assert await reading.one(ECHO, said=2) == (2,)
        assert not slow.done()
    await slow
    await reading.close()


async def test_who_cannot_reach_the_database_is_told(cluster: Cluster) -> None:
    reading = PostgresReading("postgresql://127.0.0.1:1/nothing")
    with pytest.raises(TryLater):
        await reading.one(ECHO, said=1)
    await reading.close()


async def test_more_questions_than_the_queues_hold_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "WAITING_MAX", 0)
    reading = PostgresReading("postgresql://127.0.0.1:1/nothing")
    with pytest.raises(TryLater, match="0 questions wait"):
        await reading.one(ECHO, said=1)
    await reading.close()
