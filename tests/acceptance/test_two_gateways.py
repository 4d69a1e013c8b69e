"""Two real processes on one PostgreSQL database: one is killed, one is frozen, none is missed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from posthouse.cli.bench.command import benchmarks, measure
from posthouse.cli.bench.shared import URL
from tests.acceptance.gateways import CONNECTED_BOTS, LEASE_S, SharedLaboratory, good
from tests.cluster import QUICK, Cluster, Missing, running

MESSAGES = 60
AWAY_S = 2.0
TAKES_S = 1.5  # to look, and to connect, on a busy machine
UNSAFE = ("fsync", "full_page_writes")

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


async def test_when_one_is_killed_the_other_takes_over_what_it_held(
    tmp_path: Path, url: str
) -> None:
    laboratory = SharedLaboratory(tmp_path, url, url)
    async with laboratory.running() as (first, _):
        laboratory.talk(MESSAGES)
        await laboratory.until_at_work("gateway-1")
        await first.kill()
        laboratory.call(1)
        laboratory.talk(MESSAGES)
        assert await laboratory.until_held_by("gateway-2") < LEASE_S + TAKES_S
        await laboratory.rests()
    good(laboratory, 2 * MESSAGES)


async def test_when_one_is_frozen_what_it_still_writes_is_refused(tmp_path: Path, url: str) -> None:
    laboratory = SharedLaboratory(tmp_path, url, url)
    async with laboratory.running() as (first, _):
        talked = await laboratory.freeze_at_work(first, MESSAGES)
        laboratory.call(1)
        laboratory.talk(MESSAGES)
        await asyncio.sleep(2 * LEASE_S)  # what is judged is what real time does to a lease
        assert laboratory.works_on("gateway-1") == 0, "what it held is free"
        assert laboratory.holders() == {"gateway-2"}, "its connections have moved"
        first.tell(signal.SIGCONT)
        laboratory.talk(MESSAGES)
        await laboratory.rests()
        assert laboratory.holders() == {"gateway-2"}, "whoever comes back takes nothing away"
    assert "fence_lost" in laboratory.places[0].log.read_text("utf-8"), "it tried to write"
    good(laboratory, talked + 2 * MESSAGES)


async def test_when_one_stops_its_connections_move_at_once(tmp_path: Path, url: str) -> None:
    laboratory = SharedLaboratory(tmp_path, url, url, lease_s=60.0)
    async with laboratory.running() as (first, _):
        for each in CONNECTED_BOTS:
            laboratory.say(each.bot, "c-0", "u-0", "/echo before")
        await laboratory.rests()
        first.tell(signal.SIGTERM)
        assert await first.until_ended() == 0
        assert await laboratory.until_held_by("gateway-2") < 60.0 / 10 + TAKES_S
        for each in CONNECTED_BOTS:
            laboratory.say(each.bot, "c-0", "u-0", "/echo after")
        await laboratory.rests()
    good(laboratory, 2 * len(CONNECTED_BOTS))


def test_the_benchmark_counts_gateways_and_server(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "shared" not in benchmarks()
    monkeypatch.setenv(URL, url)
    figures = {figure.name: figure.value for figure in measure("shared", messages=20, rounds=1)}
    for gateways in ("1 gateway", "2 gateways"):
        assert figures[f"shared, {gateways}: CPU per message"] > 0.0
        assert figures[f"shared, {gateways}: messages"] > 0.0
    with psycopg.connect(url) as connection:
        said = connection.execute(
            "SELECT state, count(*) FROM deliveries GROUP BY state"
        ).fetchall()
    assert said == [("sent", 2 * 40)], "what was counted, and as much to warm up"


async def test_when_the_database_goes_away_and_comes_back_both_go_on(tmp_path: Path) -> None:
    with a_cluster() as cluster, cluster.database() as url:
        laboratory = SharedLaboratory(tmp_path, url, url)
        async with laboratory.running():
            laboratory.talk(MESSAGES)
            await laboratory.until_at_work("gateway-1")
            await asyncio.to_thread(cluster.stop)
            laboratory.talk(MESSAGES)
            await asyncio.sleep(AWAY_S)  # for which houses and platform find nobody
            await asyncio.to_thread(cluster.start)
            await laboratory.rests()
        good(laboratory, 2 * MESSAGES)


@contextlib.contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A database server that may be stopped, and keeps what it says it keeps."""
    durable = {name: value for name, value in QUICK.items() if name not in UNSAFE}
    try:
        with running(durable) as cluster:
            yield cluster
    except Missing as missing:
        pytest.skip(str(missing))
