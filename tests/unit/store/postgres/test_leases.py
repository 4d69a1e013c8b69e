"""Leases are told by the database's clock: whose time is up there is handed nothing."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from posthouse.model.delivery import State
from posthouse.store.journal import Budget, Gateway
from posthouse.store.postgres.store import PostgresStore
from posthouse.testing.conformance.journal.turns import Hands
from posthouse.testing.conformance.scene import BOT, NONE, Scene, route
from tests.cluster import Cluster
from tests.conformance.test_store import parts

BUDGETS = (Budget(BOT, 10, NONE),)


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


@pytest.fixture
async def scene(url: str) -> AsyncIterator[Scene]:
    store = PostgresStore.open(url)
    try:
        yield await Scene.open(parts(store))
    finally:
        await store.close()


async def over(scene: Scene) -> Gateway:
    """Enter a gateway whose time is up, though its own clock says something else."""
    return await scene.journal.enter("over", scene.now, -1.0)


async def test_no_turn_as_it_is_accepted(scene: Scene) -> None:
    hands = Hands(scene)
    hands.gateway = await over(scene)
    arrival = scene.arrival(scene.message("1"), route(scene.session()))
    await scene.journal.accept((arrival,), scene.now, hands)
    assert hands.taken == []
    assert len(await scene.claim()) == 1, "which another may have"


async def test_no_turn_and_no_order(scene: Scene) -> None:
    late = await over(scene)
    await scene.say("1")
    assert await scene.journal.claim_turns(late, scene.now, 10) == ()
    await scene.order("stop")
    assert await scene.journal.claim_turns(late, scene.now, 10) == ()
    assert [turn.is_control for turn in await scene.claim()] == [True]


async def test_no_message_to_send_and_none_to_take_back(scene: Scene) -> None:
    late = await over(scene)
    await scene.answer("1", "one")
    assert await scene.journal.claim_sends(late, scene.now, BUDGETS) == ()
    sent = await scene.deliver()
    assert sent.state is State.SENT
    await scene.journal.take_back((sent.id,), NONE, scene.now)
    assert await scene.journal.claim_amends(late, scene.now, BUDGETS) == ()
    assert len(await scene.amends()) == 1


async def test_no_first_answer_to_send_at_once(scene: Scene, url: str) -> None:
    await scene.say("1")
    claimed = await scene.claim_one()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE gateways SET until_at = 1")
    outputs = scene.outputs(claimed, "one")
    assert (await scene.finish(claimed, *outputs, is_first_sent=True)).first is None
