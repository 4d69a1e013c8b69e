"""Connections that break, gateways that freeze, clocks that are wrong, databases that are away."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psycopg
import pytest

from posthouse.model.address import Place
from posthouse.model.errors import OperatorMistake, StorageFull, StoreClosed, TryLater
from posthouse.store.postgres import connect as connections
from posthouse.store.postgres.connect import Line
from posthouse.store.postgres.problems import translated
from posthouse.store.postgres.schema import bring_up_to_date
from posthouse.store.postgres.store import PostgresStore
from posthouse.testing.conformance.scene import BEGAN_AT, LEASE_S, Scene
from tests.cluster import Cluster
from tests.conformance.test_store import parts

HOUR_S = 3600.0
WAITING_S = 20.0


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore.open(url)
    try:
        yield store
    finally:
        await store.close()


def cut(url: str) -> None:
    """End every other connection to a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- connections ----------------------------------------------------------------------------


async def test_a_lost_connection_is_told_and_made_again(cluster: Cluster) -> None:
    url = cluster.wiped()
    async with opened(url) as store:
        scene = await Scene.open(parts(store))
        await scene.say("1", message_id="om1")
        assert await store.chats.list()
        cut(url)
        with pytest.raises(TryLater):
            await scene.say("2", message_id="om2")
        with pytest.raises(TryLater):
            await store.chats.list()
        assert (await scene.say("2", message_id="om2")).is_new
        assert [chat.id for chat in await store.chats.list()] == [scene.chat.id]


async def test_a_frozen_writer_loses_its_locks(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_IN_TRANSACTION_MS", 300)
    url = cluster.wiped()
    async with opened(url) as store:
        scene = await Scene.open(parts(store))
        with connections.connect(url) as frozen:
            frozen.execute("BEGIN")
            frozen.execute("SELECT pg_advisory_xact_lock(%s)", [scene.chat.id])
            assert (await scene.say("1")).is_new, "the server has ended the frozen one"
            with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
                frozen.execute("SELECT 1")


def test_whoever_was_refused_waits_longer_each_time() -> None:
    now = [0.0]
    line = Line("postgresql://127.0.0.1:1/nothing", clock=lambda: now[0])
    tries = 0
    for _ in range(200):
        with pytest.raises(TryLater) as refused:
            line.open()
        tries += "a moment ago" not in str(refused.value)
        now[0] += 0.1
    assert 4 <= tries <= 16, "in twenty seconds, where every look would be two hundred"


async def test_a_closed_store_says_so(cluster: Cluster) -> None:
    store = PostgresStore.open(cluster.wiped())
    await store.close()
    with pytest.raises(StoreClosed):
        await store.chats.resolve(Place("b", "room"), 0.0)
    with pytest.raises(StoreClosed):
        await store.holding.house()


# --- opening --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["postgresql://me:pass1234@127.0.0.1:1/nothing", "postgresql://me:pass1234@/?host=/no"],
)
def test_a_database_that_is_not_there_is_the_operators_to_mend(address: str) -> None:
    with pytest.raises(OperatorMistake) as mistake:
        PostgresStore.open(address)
    assert "check the address" in str(mistake.value)
    assert mistake.value.zh
    assert "pass1234" not in str(mistake.value) + mistake.value.zh


def test_another_programs_database_is_left_alone(cluster: Cluster) -> None:
    with cluster.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE events (mine text)")
        with pytest.raises(OperatorMistake, match="another program"):
            PostgresStore.open(url)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
            assert connection.execute("SELECT to_regclass('turns')").fetchone() == (None,)


async def test_a_newer_schema_is_refused(cluster: Cluster) -> None:
    with cluster.database() as url:
        await PostgresStore.open(url).close()
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO schema_versions (number, name) VALUES (999, 'later')")
        with pytest.raises(OperatorMistake, match="999"):
            PostgresStore.open(url)


async def test_gateways_that_start_together_migrate_once(cluster: Cluster) -> None:
    with cluster.database() as url:
        stores = await asyncio.gather(
            *(asyncio.to_thread(PostgresStore.open, url) for _ in range(3))
        )
        for store in stores:
            await store.close()


def test_a_migration_that_stands_in_anothers_way_is_tried_again(cluster: Cluster) -> None:
    with cluster.database() as url, ThreadPoolExecutor(1) as threads:
        bring_up_to_date(url)
        with psycopg.connect(url, autocommit=True) as worker:
            worker.execute("DELETE FROM schema_versions WHERE number = 7")  # the newest
            worker.execute("DROP TABLE trial_spending")
            worker.execute("SET deadlock_timeout = '1min'")  # so that it is not who gives way
            worker.execute("BEGIN")
            worker.execute("LOCK TABLE schema_versions IN ACCESS EXCLUSIVE MODE")
            migrating = threads.submit(bring_up_to_date, url)
            until_somebody_waits(url)
            worker.execute("SELECT pg_advisory_xact_lock(1886352244)")
            worker.execute("ROLLBACK")
            migrating.result(WAITING_S)
            assert worker.execute("SELECT count(*) FROM trial_spending").fetchone() == (0,)


def until_somebody_waits(url: str) -> None:
    """Return when a session of this database waits for a lock."""
    waits = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2000):
            connection.execute("SELECT pg_sleep(0.005)")
            if connection.execute(waits).fetchone():
                return
    raise AssertionError("nobody waits")


# --- time -----------------------------------------------------------------------------------


async def test_a_clock_that_is_wrong_ends_nobodys_lease(cluster: Cluster) -> None:
    with cluster.database() as url:
        async with opened(url) as store:
            journal, now = store.journal, time.time()
            right = await journal.enter("right", now, LEASE_S)
            ahead = await journal.enter("ahead", now + HOUR_S, LEASE_S)
            behind = await journal.enter("behind", now - HOUR_S, LEASE_S)
            await journal.free(now + HOUR_S)
            assert await journal.renew(right, now, LEASE_S)
            assert await journal.renew(behind, now - HOUR_S, LEASE_S)
            assert await journal.renew(ahead, now + HOUR_S, LEASE_S)
            late = await journal.enter("late", BEGAN_AT, -1.0)
            assert not await journal.renew(late, BEGAN_AT, LEASE_S), "its time was up"


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (psycopg.errors.DiskFull("no space"), StorageFull),
        (psycopg.errors.AdminShutdown("shutting down"), TryLater),
        (psycopg.errors.QueryCanceled("statement timeout"), TryLater),
        (psycopg.errors.LockNotAvailable("lock timeout"), TryLater),
        (psycopg.errors.ReadOnlySqlTransaction("standby"), TryLater),
        (psycopg.InterfaceError("the connection is closed"), TryLater),
        (psycopg.errors.UndefinedColumn("a defect"), psycopg.errors.UndefinedColumn),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_problems_are_grouped_by_what_to_do(problem: Exception, expected: type[Exception]) -> None:
    assert type(translated(problem)) is expected
