"""The races between looking and taking: one session is held in between while another goes on.

Nothing here waits for time: a claim is held by a lock that the test has (``GATE``), a writer by the
hook before its commit, and the test goes on when the database says that they wait.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import Self

import psycopg
import pytest

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Sent
from posthouse.model.turn import LaneKind
from posthouse.store.journal import Budget, ClaimedTurn, Gateway, Result
from posthouse.store.postgres.database import Database, statement
from posthouse.store.postgres.store import PostgresStore
from posthouse.store.queries import load
from posthouse.store.sql.database import Row
from posthouse.testing.conformance.scene import BEGAN_AT, BOT, LEASE_S, NONE, Scene, output, route
from tests.cluster import Cluster
from tests.conformance.test_store import parts

CLAIM = load("sqlite/turns.sql")["claim"]
CLAIM_SENDS = load("sqlite/deliveries.sql")["claim"]
CLAIM_AMENDS = load("sqlite/amends.sql")["claim"]
GATE = -7
HELD = "FROM candidate WHERE pg_advisory_xact_lock_shared(-7) IS NOT NULL AND"
WITHOUT_FENCE = ("AND alone.fence = lanes.fence", "")

WAITING_S = 20.0


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.wiped()


@asynccontextmanager
async def stage(url: str, at: Callable[[str], None] | None = None) -> AsyncIterator[Scene]:
    """A gateway of its own on the database."""
    store = PostgresStore.open(url, at=at)
    try:
        yield await Scene.open(parts(store))
    finally:
        await store.close()


class Looking:
    """A claim by another gateway that has looked, and is held before it takes."""

    def __init__(
        self, url: str, gateway: Gateway, *changed: tuple[str, str], claim: str = CLAIM
    ) -> None:
        self._url = url
        self._gateway = gateway
        self._claiming = statement(claim)
        self._text = self._claiming.text.replace("FROM candidate WHERE", HELD)
        for words, others in changed:
            assert words in self._text
            self._text = self._text.replace(words, others)
        self.taken: list[Row] = []
        self._thread = threading.Thread(target=self._claim)
        self._gate = psycopg.connect(url, autocommit=True)

    def _claim(self) -> None:
        with psycopg.connect(self._url) as connection:
            values: dict[str, float | str] = {"now": BEGAN_AT + 1.0, "limit": 10, "bot": BOT}
            values |= {"gateway": self._gateway.id, "epoch": self._gateway.epoch}
            numbered = [values[name] for name in self._claiming.names]
            self.taken = psycopg.RawCursor(connection).execute(self._text, numbered).fetchall()

    def __enter__(self) -> Self:
        self._gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
        self._thread.start()
        until_somebody_waits(self._gate)
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.close()
        self._thread.join(WAITING_S)

    @property
    def lanes(self) -> list[str]:
        return [row[0] for row in self.taken]


def until_somebody_waits(connection: psycopg.Connection[Row]) -> None:
    """Return when somebody waits for a lock of ours."""
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
    for _ in range(2000):
        connection.execute("SELECT pg_sleep(0.005)")
        if connection.execute(waits).fetchone():
            return
    raise AssertionError("nobody waits")


@contextmanager
def watching(url: str) -> Iterator[psycopg.Connection[Row]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


class Stop:
    """Holds a writer at a point until it is let go."""

    def __init__(self, point: str) -> None:
        self._point = point
        self.is_there = threading.Event()
        self._go = threading.Event()
        self.is_on = True

    def __call__(self, point: str) -> None:
        if self.is_on and point == self._point:
            self.is_on = False
            self.is_there.set()
            self._go.wait(WAITING_S)

    def go(self) -> None:
        self._go.set()


async def other(scene: Scene) -> Gateway:
    return await scene.journal.enter("g2", BEGAN_AT, LEASE_S)


# --- between looking and taking -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "lanes"), [((), 0), ((WITHOUT_FENCE,), 1)], ids=["as it is", "without the fence"]
)
async def test_a_turn_that_was_finished_meanwhile_is_not_handed_out_again(
    url: str, changed: tuple[tuple[str, str], ...], lanes: int
) -> None:
    async with stage(url) as scene:
        await scene.say("1")
        await scene.say("2")
        with Looking(url, await other(scene), *changed) as looking:
            first = await scene.claim_one()
            await scene.finish(first)
        assert len(looking.taken) == lanes
        if changed:  # so this test would tell
            assert looking.taken[0][2] == first.turn.id
        else:
            assert (await scene.claim_one()).turn.text == "2"


@pytest.mark.parametrize(
    ("changed", "lanes"), [((), 0), ((WITHOUT_FENCE,), 1)], ids=["as it is", "without the fence"]
)
async def test_a_turn_that_was_cancelled_meanwhile_is_not_handed_out(
    url: str, changed: tuple[tuple[str, str], ...], lanes: int
) -> None:
    async with stage(url) as scene:
        await scene.say("1")
        await scene.say("2", who="ann")
        with Looking(url, await other(scene), *changed) as looking:
            await scene.journal.recall_message(scene.chat.id, scene.key("some1"), NONE, scene.now)
        assert len(looking.taken) == lanes
    if changed:  # what the store would have found wrong is the point
        return


@pytest.mark.parametrize(
    ("changed", "lanes"), [((), 0), ((WITHOUT_FENCE,), 1)], ids=["as it is", "without the fence"]
)
async def test_a_message_that_was_sent_meanwhile_is_not_taken_again(
    url: str, changed: tuple[tuple[str, str], ...], lanes: int
) -> None:
    async with stage(url) as scene:
        await scene.answer("1", "one", "two")
        with Looking(url, await other(scene), *changed, claim=CLAIM_SENDS) as looking:
            await scene.deliver()
        assert len(looking.taken) == lanes


@pytest.mark.parametrize(
    ("changed", "lanes"), [((), 0), ((WITHOUT_FENCE,), 1)], ids=["as it is", "without the fence"]
)
async def test_a_withdrawal_that_was_made_meanwhile_is_not_taken_again(
    url: str, changed: tuple[tuple[str, str], ...], lanes: int
) -> None:
    async with stage(url) as scene:
        await scene.told("1", "one")
        await scene.told("2", "two")
        await scene.recall()
        with Looking(url, await other(scene), *changed, claim=CLAIM_AMENDS) as looking:
            await scene.settle_amend(await scene.amend_one(), Sent())
        assert len(looking.taken) == lanes


async def test_a_lane_that_runs_meanwhile_is_not_taken_twice(url: str) -> None:
    async with stage(url) as scene:
        await scene.say("1")
        with Looking(url, await other(scene)) as looking:
            running = await scene.claim_one()
            await scene.say("2")
        assert looking.taken == []
        assert await scene.journal.running_turns(scene.chat.id) == (running.turn.id,)


async def test_control_that_arrives_meanwhile_finds_the_turn_running(url: str) -> None:
    async with stage(url) as scene:
        first = await scene.say("1")
        with Looking(url, await other(scene)) as looking:
            await scene.order("stop")
        assert looking.lanes == [f"t:{scene.session()}"]
        assert await scene.journal.running_turns(scene.chat.id) == (first.turn,)
        assert [each.is_control for each in await scene.claim()] == [True]


async def test_a_question_that_joins_meanwhile_is_heard_with_its_picture(url: str) -> None:
    async with stage(url) as scene:
        burst = route(scene.session(), burst_s=1.0)
        await scene.accept(scene.message("picture"), burst)
        gateway = await other(scene)
        scene.now = BEGAN_AT + 0.5
        with Looking(url, gateway) as looking:
            await scene.accept(scene.message("question"), burst)
        assert looking.taken == []
        await scene.wait(5)
        assert (await scene.claim_one()).turn.text == "picture\nquestion"


# --- while somebody writes ------------------------------------------------------------------


@asynccontextmanager
async def writing_about_the_chat(
    url: str, write: Callable[[Scene], Awaitable[object]]
) -> AsyncIterator[None]:
    """Let another gateway write something about the chat, and not commit it before the end."""
    stop = Stop("accept:before-commit")
    async with stage(url, stop) as writer:
        writing = asyncio.ensure_future(write(writer))
        await asyncio.to_thread(stop.is_there.wait, WAITING_S)
        try:
            yield
        finally:
            stop.go()
            await writing


async def saying(writer: Scene) -> None:
    await writer.say("more", message_id="om1")


async def ordering(writer: Scene) -> None:
    control = route(writer.session(), lane_kind=LaneKind.CONTROL, handler="control")
    await writer.accept(writer.message("stop", message_id="om1"), control)


async def test_a_claim_passes_by_a_chat_that_is_being_written_to(url: str) -> None:
    async with stage(url) as scene:
        await scene.say("1")
        await scene.say("2", chat=await scene.room("elsewhere"))
        async with writing_about_the_chat(url, ordering):
            claimed = await claim_as(scene, "g2")
            assert [each.turn.text for each in claimed] == ["2"]
        assert [each.turn.text for each in await claim_as(scene, "g3")] == ["stop"]


async def test_a_claim_of_orders_passes_by_a_chat_that_is_being_written_to(url: str) -> None:
    async with stage(url) as scene:
        await scene.order("stop")
        async with writing_about_the_chat(url, saying):
            assert await claim_as(scene, "g2") == ()
        assert [each.turn.text for each in await claim_as(scene, "g3")] == ["stop"]


async def test_a_claim_of_messages_passes_by_a_chat_that_is_being_written_to(url: str) -> None:
    async with stage(url) as scene:
        await scene.answer("1", "one")
        async with writing_about_the_chat(url, saying):
            scene.gateway = await other(scene)
            assert await scene.sends() == ()
        assert len(await scene.sends()) == 1


async def test_a_claim_of_withdrawals_passes_by_a_chat_that_is_being_written_to(url: str) -> None:
    async with stage(url) as scene:
        await scene.told("1", "one")
        await scene.recall()
        async with writing_about_the_chat(url, saying):
            scene.gateway = await other(scene)
            assert await scene.amends() == ()
        assert len(await scene.amends()) == 1


async def test_who_knows_only_the_number_of_a_message_waits_for_its_chat(url: str) -> None:
    async with stage(url) as scene:
        sent = await scene.told("1", "one")
        async with writing_about_the_chat(url, saying):
            taking = asyncio.ensure_future(scene.journal.take_back((sent.id,), NONE, scene.now))
            with watching(url) as connection:
                await asyncio.to_thread(until_somebody_waits, connection)
            assert not taking.done()
        assert [taken.id for taken in await taking] == [sent.id]


async def claim_as(scene: Scene, name: str) -> tuple[ClaimedTurn, ...]:
    gateway = await scene.journal.enter(name, scene.now, LEASE_S)
    return await scene.journal.claim_turns(gateway, scene.now, 10)


async def test_what_arrives_while_the_last_turn_finishes_wakes_the_lane(url: str) -> None:
    stop = Stop("finish:before-commit")
    async with stage(url) as scene, stage(url, stop) as finishing:
        await finishing.say("1")
        claimed = await finishing.claim_one()
        finish = asyncio.ensure_future(finishing.finish(claimed))
        await asyncio.to_thread(stop.is_there.wait, WAITING_S)
        arrival = asyncio.ensure_future(scene.say("2", message_id="om2"))
        with watching(url) as connection:
            await asyncio.to_thread(until_somebody_waits, connection)
        assert not arrival.done(), "it waits for the chat"
        stop.go()
        await asyncio.gather(finish, arrival)
        assert (await finishing.claim_one()).turn.text == "2"


async def test_locks_are_taken_in_one_order_by_all(url: str) -> None:
    async with stage(url) as scene:
        second = await scene.room("second")
        arrivals = tuple(
            scene.arrival(scene.message("x", chat=chat), route(scene.session(chat=chat)), chat=chat)
            for chat in (second, scene.chat)
        )
        with watching(url) as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [scene.chat.id])
            waiting = asyncio.ensure_future(scene.journal.accept(arrivals, scene.now))
            await asyncio.to_thread(until_somebody_waits, holder)
            got = holder.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND objid = %s::oid",
                [second.id],
            ).fetchone()
            assert got == (0,), "the second is not held while it waits for the first"
        assert len(await waiting) == 2


async def test_readers_of_numbers_wait_for_those_who_write(url: str) -> None:
    stop = Stop("accept:before-commit")
    async with stage(url) as scene, stage(url, stop) as writer:
        feed = await scene.store.reader.feed(None)
        writing = asyncio.ensure_future(writer.say("1"))
        await asyncio.to_thread(stop.is_there.wait, WAITING_S)
        reading = asyncio.ensure_future(scene.store.reader.feed(feed.mark))
        with watching(url) as connection:
            await asyncio.to_thread(until_somebody_waits, connection)
        stop.go()
        await writing
        assert [change.kind for change in (await reading).changes] == ["event"]


# --- all of it at once ----------------------------------------------------------------------


class Office:
    """Several gateways at work on one database; every broken promise is an assertion."""

    def __init__(self, scenes: list[Scene], seed: int) -> None:
        self.scenes = scenes
        self.random = Random(seed)
        self.running: set[str] = set()
        self.sending: set[int] = set()
        self.heard: dict[str, list[str]] = {}
        self.said: dict[str, list[str]] = {}
        self.is_over = False

    async def talk(self, who: str, count: int) -> None:
        """Say one thing after the other, to whichever gateway comes."""
        for number in range(count):
            scene = self.random.choice(self.scenes)
            name = f"{who}/{number}"
            if self.random.random() < 0.1:
                await scene.order("order", who=f"boss of {name}")
            receipt = await scene.say(f"{number}", who=who, message_id=name)
            assert receipt.is_new

    async def work(self, scene: Scene) -> None:
        while True:
            was_over = self.is_over
            claimed = await scene.claim(3)
            await asyncio.gather(*(self._run(scene, each) for each in claimed))
            sent = await self._send(scene)
            if was_over and not claimed and not sent:
                return

    async def _run(self, scene: Scene, claimed: ClaimedTurn) -> None:
        lane, turn = claimed.claim.lane, claimed.turn
        assert lane not in self.running, f"{lane} runs twice"
        self.running.add(lane)
        await asyncio.sleep(0)
        if not claimed.is_control:
            self.heard.setdefault(turn.session, []).append(turn.text)
        answer = output(f"turn:{turn.id}", turn.text)
        self.running.discard(lane)
        await scene.journal.finish(
            claimed.claim,
            turn.id,
            Result(deliveries=() if claimed.is_control else (answer,)),
            NONE,
            scene.now,
            is_first_sent=False,
        )

    async def _send(self, scene: Scene) -> int:
        budgets = (Budget(BOT, 3, Capabilities()),)
        claimed = await scene.journal.claim_sends(scene.gateway, scene.now, budgets)
        for each in claimed:
            assert each.chat.id not in self.sending, "two sends of one chat at once"
            self.sending.add(each.chat.id)
        await asyncio.sleep(0)
        for each in claimed:
            self.said.setdefault(each.delivery.origin, []).append(each.content.text)
            self.sending.discard(each.chat.id)
            await scene.settle(each, Sent(("p",)))
        return len(claimed)


async def test_gateways_beside_one_another_take_nothing_twice_and_pass_nothing(url: str) -> None:
    people, each_says = 9, 12
    async with stage(url) as first, stage(url) as second, stage(url) as third:
        scenes = [first, second, third]
        for number, scene in enumerate(scenes):
            scene.gateway = await scene.journal.enter(f"office {number}", scene.now, LEASE_S)
        office = Office(scenes, seed=7)
        workers = [asyncio.ensure_future(office.work(scene)) for scene in scenes]
        await asyncio.gather(*(office.talk(f"person {n}", each_says) for n in range(people)))
        office.is_over = True
        await asyncio.gather(*workers)
        expected = [f"{number}" for number in range(each_says)]
        sessions = {first.session(f"person {n}"): expected for n in range(people)}
        assert office.heard == sessions
        assert {len(said) for said in office.said.values()} == {1}
        assert len(office.said) == people * each_says
        assert await first.store.upkeep.check() == ()
        assert (await first.store.upkeep.counts())["turns_waiting"] == 0
        with watching(url) as connection:
            database = Database(connection)
            deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            assert database.one(deadlocks) == (0,)
