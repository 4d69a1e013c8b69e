"""Every wake-up against the published suite."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
import pytest

from posthouse.testing.conformance import wakeup as suite
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.conformance.wakeup import Ear
from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.postgres import PostgresWakeup
from posthouse.wakeup.wakeup import CANCELS, SLOTS, TURNS, Listener, Wakeup
from tests.cluster import EMPTY, Cluster

Factory = Callable[[], AbstractAsyncContextManager[Wakeup]]


class Across:
    """Two processes of which one nudges and the other listens."""

    def __init__(self, url: str) -> None:
        self.nudging, self.listening = PostgresWakeup(url), PostgresWakeup(url)

    async def open(self) -> None:
        await self.listening.open()
        await self.nudging.open()

    async def close(self) -> None:
        await self.nudging.close()
        await self.listening.close()

    def nudge(self, topic: str, payload: bytes = b"") -> None:
        self.nudging.nudge(topic, payload)

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        return self.listening.listen(topic, listener)


@pytest.fixture(params=["local", "postgres", "across"])
def wakeup(request: pytest.FixtureRequest) -> Factory:
    if request.param == "local":
        return lambda: opened(LocalWakeup())
    url = request.getfixturevalue("cluster").url(EMPTY)
    made = PostgresWakeup if request.param == "postgres" else Across
    return lambda: opened(made(url))


@asynccontextmanager
async def opened(wakeup: Wakeup) -> AsyncIterator[Wakeup]:
    await wakeup.open()
    await asyncio.sleep(0)  # what was heard before anybody listened
    try:
        yield wakeup
    finally:
        await wakeup.close()


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_a_wakeup_keeps_its_promises(check: Check[Any], wakeup: Factory) -> None:
    await suite.run(check, wakeup)


async def test_everybody_looks_when_a_lost_connection_is_back(cluster: Cluster) -> None:
    async with opened(PostgresWakeup(cluster.url(EMPTY))) as wakeup:
        looks, cancels, slots = Ear(), Ear(), Ear()
        wakeup.listen(TURNS, looks)
        wakeup.listen(CANCELS, cancels)
        wakeup.listen(SLOTS, slots)
        cut(cluster)
        await looks.hears(1)
        assert cancels.heard == slots.heard == [], "it is not said of which"
        async with opened(PostgresWakeup(cluster.url(EMPTY))) as other:
            other.nudge(CANCELS, b"7")
            await cancels.hears(1)


async def test_a_database_that_is_away_keeps_nobody_from_nudging(cluster: Cluster) -> None:
    async with opened(PostgresWakeup(cluster.url("no_such_database"))) as wakeup:
        ear = Ear()
        wakeup.listen(TURNS, ear)
        wakeup.nudge(TURNS, b"7")
        await ear.hears(1)


def cut(cluster: Cluster) -> None:
    """End every connection of a wake-up."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'posthouse wakeup'"
        )
