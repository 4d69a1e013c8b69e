"""Permissions and access of every store against the published suites: one test per check."""

from pathlib import Path

import apsw
import psycopg
import pytest

from posthouse.model.permission import Effect, Field, Subject, SubjectKind, Wish
from posthouse.store.access import Access
from posthouse.store.grants import NewGrant, PeopleGroup
from posthouse.store.postgres.store import PostgresStore
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.conformance import access, grants
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.conformance.grants import Books
from tests.cluster import EMPTY, Cluster

each_product = pytest.mark.parametrize("store", ["memory", "file", "postgres"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SqlStore:
    if request.param == "memory":
        return open_memory_store()
    if request.param == "postgres":
        return PostgresStore.open(request.getfixturevalue("cluster").wiped())
    return SqliteStore.open(tmp_path / "house.db")


@each_product
@pytest.mark.parametrize("check", checks_of(grants), ids=lambda check: check.__name__)
async def test_a_store_rules_by_what_is_written(check: Check[Books], store: SqlStore) -> None:
    await check(Books(store.grants, store.access))
    await store.close()


@each_product
@pytest.mark.parametrize("check", checks_of(access), ids=lambda check: check.__name__)
async def test_a_store_knows_who_may_enter(check: Check[Access], store: SqlStore) -> None:
    await check(store.access)
    await store.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET author = 'nobody'", "DELETE FROM audit"])
async def test_nobody_changes_the_audit(statement: str) -> None:
    store = open_memory_store()
    await store.access.audit("cli", "pause", "chat:1", "{}", 1.0)
    with pytest.raises(apsw.ConstraintError, match="never changed"):
        store._writing.connection.execute(statement)
    assert len(await store.access.audit_lines()) == 1
    await store.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET author = 'nobody'", "DELETE FROM audit"])
async def test_nobody_changes_the_audit_of_postgresql(statement: str, cluster: Cluster) -> None:
    store = PostgresStore.open(cluster.wiped())
    await store.access.audit("cli", "pause", "chat:1", "{}", 1.0)
    with (
        psycopg.connect(cluster.url(EMPTY)) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="never changed"),
    ):
        connection.execute(statement)
    assert len(await store.access.audit_lines()) == 1
    await store.close()


WISH = Wish(person="ann", chat=7, bot="b", handler="h")
FOR_ANN = NewGrant(effect=Effect.ALLOW, subject=Subject(SubjectKind.PERSON, "ann"), field=Field())


def statements_of(store: SqliteStore) -> list[str]:
    """Return the list that every read of the store will be added to."""
    seen: list[str] = []
    store._reading.connection.trace_v2(
        apsw.SQLITE_TRACE_STMT, lambda event: seen.append(str(event["sql"]))
    )
    return seen


async def test_a_blank_book_is_looked_into_once_and_again_after_each_change() -> None:
    store = open_memory_store()
    seen = statements_of(store)
    assert not (await store.grants.rule(WISH, 1.0)).is_allowed
    assert await store.grants.groups_of("b", "ann") == ()
    assert len(seen) == 1
    made = await store.grants.grant(FOR_ANN, "cli", 1.0)
    assert (await store.grants.rule(WISH, 1.0)).is_allowed
    await store.grants.revoke(made.id, "cli", 1.0)
    assert not (await store.grants.rule(WISH, 1.0)).is_allowed
    group = PeopleGroup(name="ops", bot="b", members=("ann",))
    await store.grants.set_people(group, "cli", 1.0)
    assert await store.grants.groups_of("b", "ann") == ("ops",)
    store._reading.connection.trace_v2(0, None)
    await store.close()


async def test_a_ruling_is_one_indexed_read() -> None:
    store = open_memory_store()
    await store.grants.grant(FOR_ANN, "cli", 1.0)
    await store.grants.rule(WISH, 1.0)
    seen = statements_of(store)
    assert (await store.grants.rule(WISH, 1.0)).is_allowed
    store._reading.connection.trace_v2(0, None)
    assert len(seen) == 1
    plan = store._reading.connection.execute(
        f"EXPLAIN QUERY PLAN {seen[0]}",
        {
            "person": "ann",
            "chat": 7,
            "bot": "b",
            "handler": "h",
            "scene": "",
            "command": "",
            "now": 1,
        },
    ).fetchall()
    lines = [str(step[3]) for step in plan]
    assert any(line.startswith("SEARCH grants USING INDEX") for line in lines), lines
    assert not any(line.startswith(("SCAN grants", "SCAN people")) for line in lines), lines
    await store.close()
