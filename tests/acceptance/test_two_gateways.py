"""Two real processes on one PostgreSQL database: one is killed, one is frozen, none is missed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.judgement import Judgement, judge_run
from posthouse.cli.laboratory.laboratory import BOTS, CONNECTED, LOOK_EVERY_S, Laboratory
from posthouse.cli.laboratory.premises import Premises
from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import Database
from posthouse.store.postgres.tables import PostgresTables
from posthouse.store.sql.tables import move
from posthouse.store.sqlite.tables import SqliteTables
from tests.cluster import QUICK, Cluster, Missing, running

WEBHOOK_BOTS = tuple(each for each in BOTS if each.bot_class not in CONNECTED)
CLASSES = {each.bot: each.bot_class for each in WEBHOOK_BOTS}
LEASE_S = 3.0
MESSAGES = 60
REST_WITHIN_S = 90.0
AWAY_S = 2.0
UNSAFE = ("fsync", "full_page_writes")

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(240)]


class SharedLaboratory(Laboratory):
    """A second house beside the first; the platform is told which of them it calls."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, secrets.randbits(32), bots=WEBHOOK_BOTS, word_pause_s=0.02)
        self._url = url
        self.second: Premises

    @contextlib.asynccontextmanager
    async def both(self) -> AsyncIterator[SharedLaboratory]:
        async with self.opened():
            (self._folder / "second").mkdir()
            settings = self._settings().replace("gateway-1", "gateway-2")
            self.second = Premises(self._folder / "second", settings)
            yield self

    def _settings(self) -> str:
        shared = f'[store]\nurl = "{self._url}"\n[gateway]\nname = "gateway-1"\nlease_s = {LEASE_S}'
        return f"{super()._settings()}\n{shared}"

    def call(self, premises: Premises) -> None:
        """Let the platform bring its events to this house from now on."""
        for each in WEBHOOK_BOTS:
            self.server.set_webhook(each, f"{premises.url}/webhooks/{each.bot}")

    async def rests(self) -> None:
        """Wait until the houses have everything and nothing left to do."""
        async with asyncio.timeout(REST_WITHIN_S):
            await asyncio.gather(*(asyncio.shield(errand.done) for errand in self._errands))
            with self._reading() as database:
                await until(lambda: database.one(book.SQL["unrest"]) == (0,))

    def works_on(self, gateway: str) -> int:
        """Count the lanes that a gateway holds."""
        with self._reading() as database:
            row = database.one(
                "SELECT count(*) FROM lanes l JOIN gateways g ON g.id = l.owner"
                " WHERE g.name = :gateway",
                gateway=gateway,
            )
        assert row is not None
        return int(row[0])

    async def until_at_work(self, gateway: str) -> None:
        await until(lambda: self.works_on(gateway) > 0)

    def judged(self) -> Judgement:
        copied = self._folder / "judged.db"
        with PostgresTables.reading(self._url) as source, SqliteTables.writing(copied) as file:
            move(source, file, lambda _: None)
        return judge_run(self.platform.ledger(), book.read(copied), CLASSES)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Database]:
        with contextlib.closing(connect(self._url, is_reading=True)) as connection:
            yield Database(connection)


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again: another process has no other way to tell."""
    while True:
        if is_so():
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def test_when_one_is_killed_the_other_takes_over_what_it_held(
    tmp_path: Path, url: str
) -> None:
    laboratory = SharedLaboratory(tmp_path, url)
    async with (
        laboratory.both(),
        laboratory.premises.house() as first,
        laboratory.second.house() as second,
    ):
        await asyncio.gather(first.until_open(), second.until_open())
        laboratory.talk(MESSAGES)
        await laboratory.until_at_work("gateway-1")
        await first.kill()
        laboratory.call(laboratory.second)
        laboratory.talk(MESSAGES)
        await laboratory.rests()
    judgement = laboratory.judged()
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == 2 * MESSAGES


async def test_when_one_is_frozen_what_it_still_writes_is_refused(tmp_path: Path, url: str) -> None:
    laboratory = SharedLaboratory(tmp_path, url)
    async with (
        laboratory.both(),
        laboratory.premises.house() as first,
        laboratory.second.house() as second,
    ):
        await asyncio.gather(first.until_open(), second.until_open())
        laboratory.talk(MESSAGES)
        await laboratory.until_at_work("gateway-1")
        first.tell(signal.SIGSTOP)
        laboratory.call(laboratory.second)
        laboratory.talk(MESSAGES)
        await asyncio.sleep(2 * LEASE_S)  # what is judged is what real time does to a lease
        assert laboratory.works_on("gateway-1") == 0, "what it held is free"
        first.tell(signal.SIGCONT)
        laboratory.talk(MESSAGES)
        await laboratory.rests()
    judgement = laboratory.judged()
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == 3 * MESSAGES


async def test_when_the_database_goes_away_and_comes_back_both_go_on(tmp_path: Path) -> None:
    with a_cluster() as cluster, cluster.database() as url:
        laboratory = SharedLaboratory(tmp_path, url)
        async with (
            laboratory.both(),
            laboratory.premises.house() as first,
            laboratory.second.house() as second,
        ):
            await asyncio.gather(first.until_open(), second.until_open())
            laboratory.talk(MESSAGES)
            await laboratory.until_at_work("gateway-1")
            await asyncio.to_thread(cluster.stop)
            laboratory.talk(MESSAGES)
            await asyncio.sleep(AWAY_S)  # for which houses and platform find nobody
            await asyncio.to_thread(cluster.start)
            await laboratory.rests()
        judgement = laboratory.judged()
        assert judgement.is_good, judgement.problems
        assert judgement.acknowledged == 2 * MESSAGES


@contextlib.contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A database server that may be stopped, and keeps what it says it keeps."""
    durable = {name: value for name, value in QUICK.items() if name not in UNSAFE}
    try:
        with running(durable) as cluster:
            yield cluster
    except Missing as missing:
        pytest.skip(str(missing))
