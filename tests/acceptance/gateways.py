"""Real processes on one PostgreSQL database, and the platform that calls one of them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.judgement import Judgement, judge_run
from posthouse.cli.laboratory.laboratory import BOTS, CLASSES, CONNECTED, LOOK_EVERY_S, Laboratory
from posthouse.cli.laboratory.premises import Premises, RunningHouse
from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import Database
from posthouse.store.postgres.tables import PostgresTables
from posthouse.store.sql.tables import move
from posthouse.store.sqlite.tables import SqliteTables

WEBHOOK_BOTS = tuple(each for each in BOTS if each.bot_class not in CONNECTED)
CONNECTED_BOTS = tuple(each for each in BOTS if each.bot_class in CONNECTED)
LEASE_S = 3.0
REST_WITHIN_S = 90.0


class SharedLaboratory(Laboratory):
    """Several houses; the platform is told which of them it calls.

    Args:
        folder: for their settings and data.
        urls: where each house finds the database; the last way is the tests' own, too.
        lease_s: how long each is believed to live after it was heard of, in seconds.
    """

    def __init__(self, folder: Path, *urls: str, lease_s: float = LEASE_S) -> None:
        super().__init__(folder, secrets.randbits(32), word_pause_s=0.02)
        self._urls = urls
        self._lease_s = lease_s
        self.places: list[Premises] = []

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[SharedLaboratory]:
        """Open the platform and furnish the houses."""
        async with self.opened():
            for number, url in enumerate(self._urls, 1):
                folder = self._folder / f"gateway-{number}"
                folder.mkdir()
                self.places.append(Premises(folder, self._settings_of(number, url)))
            self.call(0)
            yield self

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[list[RunningHouse]]:
        """Let all houses run; the first is there before the others, and connects the bots."""
        async with self.ready(), contextlib.AsyncExitStack() as stack:
            houses: list[RunningHouse] = []
            for place in self.places:
                houses.append(await stack.enter_async_context(place.house()))
                if len(houses) == 1:
                    await houses[0].until_open()
                    await until(lambda: self.holders() == {"gateway-1"})
            await asyncio.gather(*(house.until_open() for house in houses))
            yield houses

    def _settings_of(self, number: int, url: str) -> str:
        gateway = f'[gateway]\nname = "gateway-{number}"\nlease_s = {self._lease_s}'
        return f'{self._settings()}\n[store]\nurl = "{url}"\n{gateway}'

    def call(self, number: int) -> None:
        """Let the platform bring its events to this house from now on."""
        for each in WEBHOOK_BOTS:
            self.server.set_webhook(each, f"{self.places[number].url}/webhooks/{each.bot}")

    # --- what the book says -------------------------------------------------------------------

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

    async def freeze_at_work(self, house: RunningHouse, messages: int) -> int:
        """Freeze the first house while it works; returns how many messages that took."""
        for tries in count(1):
            self.talk(messages)
            await self.until_at_work("gateway-1")
            house.tell(signal.SIGSTOP)
            if self.works_on("gateway-1"):
                return tries * messages
            house.tell(signal.SIGCONT)
        raise AssertionError

    async def until_at_work(self, gateway: str) -> None:
        await until(lambda: self.works_on(gateway) > 0)

    def holders(self) -> set[str]:
        """Return which gateways hold connections of bots."""
        with self._reading() as database:
            return {
                name
                for (name,) in database.all(
                    "SELECT g.name FROM holders h JOIN gateways g"
                    " ON g.id = h.gateway AND g.epoch = h.epoch"
                )
            }

    async def until_held_by(self, gateway: str) -> float:
        """Wait until one gateway holds all connections; returns how long that took."""
        began_at = time.monotonic()
        await until(lambda: self.holders() == {gateway})
        return time.monotonic() - began_at

    def judged(self) -> Judgement:
        copied = self._folder / "judged.db"
        with PostgresTables.reading(self._urls[-1]) as source, SqliteTables.writing(copied) as file:
            move(source, file, lambda _: None)
        return judge_run(self.platform.ledger(), book.read(copied), CLASSES)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Database]:
        with contextlib.closing(connect(self._urls[-1], is_reading=True)) as connection:
            yield Database(connection)


def good(laboratory: SharedLaboratory, messages: int) -> None:
    """Hold a run to what is promised: everything arrived, nothing was said twice without need."""
    judgement = laboratory.judged()
    assert judgement.is_good, judgement.problems
    assert judgement.acknowledged == messages


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again: another process has no other way to tell."""
    async with asyncio.timeout(REST_WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(LOOK_EVERY_S)
