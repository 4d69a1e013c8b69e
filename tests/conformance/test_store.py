"""Every store against the published suites: one test per check and store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from posthouse.store.postgres.store import PostgresStore
from posthouse.store.postgres.tables import PostgresTables
from posthouse.store.sql.store import SqlStore
from posthouse.store.sql.tables import move
from posthouse.store.sqlite.file import mark_restored
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.store.sqlite.tables import SqliteTables
from posthouse.testing.conformance import chats, holding, parcels, pushes, questions, reader, upkeep
from posthouse.testing.conformance.checks import Check, checks_of, needs_concurrent_writers
from posthouse.testing.conformance.journal import (
    arrivals,
    control,
    gateways,
    looking_back,
    races,
    sends,
    turns,
)
from posthouse.testing.conformance.scene import Store, run
from tests.cluster import Cluster

CHECKS = checks_of(
    gateways,
    arrivals,
    turns,
    control,
    sends,
    looking_back,
    races,
    chats,
    questions,
    reader,
    pushes,
    upkeep,
)


def parts(store: SqlStore) -> Store:
    return Store(
        journal=store.journal,
        chats=store.chats,
        questions=store.questions,
        holding=store.holding,
        upkeep=store.upkeep,
        reader=store.reader,
        pushes=store.pushes,
    )


@asynccontextmanager
async def sqlite_file(folder: Path, name: str = "house.db") -> AsyncIterator[Store]:
    store = SqliteStore.open(folder / name)
    try:
        yield parts(store)
    finally:
        await store.close()


@asynccontextmanager
async def sqlite_memory(folder: Path) -> AsyncIterator[Store]:
    store = open_memory_store()
    try:
        yield parts(store)
    finally:
        await store.close()


class Product(NamedTuple):
    """A store to be judged."""

    name: str
    open: Callable[[Path], AbstractAsyncContextManager[Store]]
    has_concurrent_writers: bool = False


@pytest.fixture(params=["memory", "file", "postgres"])
def product(request: pytest.FixtureRequest) -> Product:
    if request.param == "memory":
        return Product("memory", sqlite_memory)
    if request.param == "file":
        return Product("file", sqlite_file)
    return postgres(request.getfixturevalue("cluster"))


def postgres(cluster: Cluster) -> Product:
    """A database that is wiped whenever it is opened."""

    @asynccontextmanager
    async def opened(_: Path) -> AsyncIterator[Store]:
        store = PostgresStore.open(cluster.wiped())
        try:
            yield parts(store)
        finally:
            await store.close()

    return Product("postgres", opened, has_concurrent_writers=True)


def by_name(check: Check[Any]) -> str:
    return f"{check.__module__.rpartition('.')[2]}-{check.__name__}"


@asynccontextmanager
async def restored(store: Store, folder: Path) -> AsyncIterator[Store]:
    """What comes up when a copy of the store is put in its place: a file, whatever it was."""
    await store.upkeep.backup(folder / "copy.db")
    mark_restored(folder / "copy.db")
    async with sqlite_file(folder, "copy.db") as opened:
        yield opened


@pytest.mark.parametrize("check", CHECKS, ids=by_name)
async def test_a_store_keeps_its_promises(
    check: Check[Any], product: Product, tmp_path: Path
) -> None:
    if needs_concurrent_writers(check) and not product.has_concurrent_writers:
        pytest.skip(f"{product.name}: one writer, so nothing can come between snapshot and lock")
    await run(check, lambda: product.open(tmp_path))


@pytest.mark.parametrize("check", checks_of(holding), ids=by_name)
async def test_a_restored_store_is_held(
    check: Check[Any], product: Product, tmp_path: Path
) -> None:
    original = tmp_path / "original"
    original.mkdir()
    await holding.run_restored(
        check, lambda: product.open(original), lambda store: restored(store, tmp_path)
    )


@pytest.mark.parametrize("check", checks_of(parcels), ids=by_name)
@pytest.mark.parametrize("kind", ["memory", "file", "postgres"])
async def test_a_store_keeps_what_a_relay_was_given(
    check: Check[Any], kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store: SqlStore
    if kind == "postgres":
        store = PostgresStore.open(request.getfixturevalue("cluster").wiped())
    else:
        store = open_memory_store() if kind == "memory" else SqliteStore.open(tmp_path / "relay.db")
    await check(store.parcels)
    await store.close()


@asynccontextmanager
async def restored_and_moved(store: Store, folder: Path, url: str) -> AsyncIterator[Store]:
    """What comes up when a restored copy is moved to PostgreSQL before the house is started."""
    copy = folder / "copy.db"
    await store.upkeep.backup(copy)
    mark_restored(copy)
    with SqliteTables.reading(copy) as source, PostgresTables.writing(url) as target:
        move(source, target, lambda _: None)
    moved = PostgresStore.open(url)
    try:
        yield parts(moved)
    finally:
        await moved.close()


@pytest.mark.parametrize("check", checks_of(holding), ids=by_name)
async def test_a_restored_store_is_held_when_it_was_moved_to_postgresql(
    check: Check[Any], cluster: Cluster, tmp_path: Path
) -> None:
    await holding.run_restored(
        check,
        lambda: sqlite_memory(tmp_path),
        lambda store: restored_and_moved(store, tmp_path, cluster.wiped()),
    )
