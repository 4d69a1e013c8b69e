"""What the assistant stands on, in every store, against the published suites."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.store.postgres.store import PostgresStore
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.conformance import asked, conduct, documents
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.conformance.scene import Scene
from tests.conformance.test_store import parts


@pytest.fixture(params=["memory", "file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened: SqlStore
    if request.param == "memory":
        opened = open_memory_store()
    elif request.param == "postgres":
        opened = PostgresStore.open(request.getfixturevalue("cluster").wiped())
    else:
        opened = SqliteStore.open(tmp_path / "house.db")
    yield opened
    assert await opened.upkeep.check() == ()
    await opened.close()


@pytest.mark.parametrize("check", checks_of(documents), ids=lambda check: check.__name__)
async def test_a_store_keeps_knowledge(check: Check[documents.Books], store: SqlStore) -> None:
    await check(documents.Books(store.documents, store.access))


@pytest.mark.parametrize("check", checks_of(asked), ids=lambda check: check.__name__)
async def test_a_store_knows_what_was_asked(check: Check[asked.Books], store: SqlStore) -> None:
    await check(asked.Books(store.asked, await Scene.open(parts(store))))


@pytest.mark.parametrize("check", checks_of(conduct), ids=lambda check: check.__name__)
async def test_a_store_knows_how_to_behave(check: Check[conduct.Books], store: SqlStore) -> None:
    await check(conduct.Books(store.conduct, store.access, store.upkeep))
