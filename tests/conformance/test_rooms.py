"""Web rooms of every store against the published suite: one test per check and store."""

from pathlib import Path
from typing import Any

import pytest

from posthouse.store.postgres.store import PostgresStore
from posthouse.store.rooms import Rooms
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.conformance import rooms as suite
from posthouse.testing.conformance.checks import Check, checks_of
from tests.cluster import Cluster


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_in_memory(check: Check[Rooms]) -> None:
    store = open_memory_store()
    try:
        await check(store.rooms)
    finally:
        await store.close()


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_in_a_file(check: Check[Rooms], tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "house.db")
    try:
        await check(store.rooms)
    finally:
        await store.close()


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_in_postgresql(check: Check[Rooms], cluster: Cluster) -> None:
    store = PostgresStore.open(cluster.wiped())
    try:
        await check(store.rooms)
    finally:
        await store.close()


async def test_rooms_outlive_the_process(tmp_path: Path) -> None:
    first = SqliteStore.open(tmp_path / "house.db")
    await suite._open(first.rooms, "ann")
    said = await suite._say(first.rooms, "ann", "still here")
    await first.close()
    second = SqliteStore.open(tmp_path / "house.db")
    try:
        assert await second.rooms.message("r1", said.number) == said
        assert len(await second.rooms.errands("web", None, 10)) == 2
    finally:
        await second.close()


def test_the_suite_is_found() -> None:
    names: list[Any] = [check.__name__ for check in checks_of(suite)]
    assert len(names) > 25
