"""Three real processes on one PostgreSQL database: killed in turn, cut off, upgraded one by one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.acceptance.gateways import LEASE_S, SharedLaboratory, good
from tests.acceptance.wire import Wire
from tests.cluster import SOCKET, SUPERUSER, Cluster

MESSAGES = 40
GROWING = ("chats", "events", "turns", "lanes", "deliveries", "gateways", "holders")

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


@contextlib.asynccontextmanager
async def wired(cluster: Cluster, url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Make another way to a database."""
    async with Wire(cluster.folder / SOCKET).open() as wire:
        name = conninfo_to_dict(url)["dbname"]
        yield wire, f"postgresql://{SUPERUSER}@127.0.0.1:{wire.port}/{name}?sslmode=disable"


async def test_each_of_three_is_killed_and_comes_back(tmp_path: Path, url: str) -> None:
    laboratory = SharedLaboratory(tmp_path, url, url, url)
    async with laboratory.running() as houses, contextlib.AsyncExitStack() as later:
        for number, house in enumerate(houses):
            laboratory.call(number)
            laboratory.talk(MESSAGES)
            await laboratory.until_at_work(f"gateway-{number + 1}")
            await house.kill()
            laboratory.call((number + 1) % len(houses))
            back = await later.enter_async_context(laboratory.places[number].house())
            await back.until_open()
        await laboratory.rests()
    good(laboratory, 3 * MESSAGES)


@pytest.mark.parametrize("part", [Wire.cut, Wire.fall_silent], ids=["cut", "silent"])
async def test_when_one_cannot_reach_the_database_the_other_takes_over(
    tmp_path: Path, cluster: Cluster, url: str, part: Callable[[Wire], None]
) -> None:
    async with wired(cluster, url) as (wire, by_wire):
        laboratory = SharedLaboratory(tmp_path, by_wire, url)
        async with laboratory.running():
            laboratory.talk(MESSAGES)
            await laboratory.until_at_work("gateway-1")
            part(wire)
            laboratory.talk(MESSAGES)
            await laboratory.until_held_by("gateway-2")
            laboratory.call(1)
            await asyncio.sleep(LEASE_S)  # its time is up, by whatever clock
            assert laboratory.works_on("gateway-1") == 0
            wire.mend()
            laboratory.call(0)
            laboratory.talk(MESSAGES)
            await laboratory.rests()
        good(laboratory, 3 * MESSAGES)


async def test_gateways_are_upgraded_one_after_another(tmp_path: Path, url: str) -> None:
    laboratory = SharedLaboratory(tmp_path, url, url)
    async with laboratory.running() as houses, contextlib.AsyncExitStack() as later:
        laboratory.talk(MESSAGES)
        await laboratory.until_at_work("gateway-1")
        migrate(url)
        for number, house in enumerate(houses):
            laboratory.call(1 - number)
            laboratory.talk(MESSAGES)
            house.tell(signal.SIGTERM)
            assert await house.until_ended() == 0
            new = await later.enter_async_context(laboratory.places[number].house())
            await new.until_open()
        laboratory.talk(MESSAGES)
        await laboratory.rests()
    undo(url)
    good(laboratory, 4 * MESSAGES)


async def test_an_old_version_goes_on_beside_a_newer_schema_and_does_not_start_on_it(
    tmp_path: Path, url: str
) -> None:
    laboratory = SharedLaboratory(tmp_path, url)
    async with laboratory.running() as (house,):
        laboratory.talk(MESSAGES)
        await laboratory.until_at_work("gateway-1")
        migrate(url, number=999)
        laboratory.talk(MESSAGES)
        await laboratory.rests()
        house.tell(signal.SIGTERM)
        assert await house.until_ended() == 0
        async with laboratory.places[0].house() as old:
            assert await old.until_ended() != 0
        said = laboratory.places[0].log_tail()
        assert "the database has schema 999" in said
        assert "start the newer Posthouse" in said
    undo(url)
    good(laboratory, 2 * MESSAGES)


def migrate(url: str, number: int | None = None) -> None:
    """Do to a database what a newer version may do to it while older ones work."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in GROWING:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT ''")
        if number is not None:
            connection.execute(
                "INSERT INTO schema_versions (number, name) VALUES (%s, 'later')", [number]
            )


def undo(url: str) -> None:
    """Let this version read whole tables again."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in GROWING:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN later")
        connection.execute("DELETE FROM schema_versions WHERE name = 'later'")
