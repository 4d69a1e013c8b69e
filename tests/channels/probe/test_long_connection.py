"""The probe's long connection: read, stored, acknowledged, and back again after every cut."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.channels.channel import ConnectionState
from posthouse.model.address import Entrance
from posthouse.model.delivery import Sent, Unknown
from posthouse.model.errors import StorageFull
from posthouse.simulators.probe.faults import Fault, Verb
from tests.channels.probe.stage import Stage, open_bot, open_stage
from tests.unit.simulators.scene import open_scene, saying, script

DELAY_S = 3.0  # of the platform's answer, where the script says so
BACK_OFF_S_MAX = 1.0  # after the first failure


async def tell(stage: Stage, text: str) -> str:
    said = await stage.scene.server.tell(saying(text=text))
    return said.message_id or ""


async def test_events_come_in_and_are_acknowledged() -> None:
    async with open_stage("keyed", entrance="long_connection") as stage:
        said = await stage.scene.server.tell(saying(text="hello"))
    assert said.acknowledged_at is not None
    ((event, entrance),) = stage.door.attempts
    assert (event.key, entrance) == (f"m:c-1:{said.message_id}", Entrance.LONG_CONNECTION)


async def test_a_bot_with_a_connection_has_no_webhook() -> None:
    async with open_stage("keyed", entrance="long_connection") as stage:
        assert stage.channel.routes() == ()


async def test_the_order_of_a_chat_is_kept() -> None:
    async with open_stage("keyed", entrance="long_connection") as stage:
        ids = await asyncio.gather(*(tell(stage, f"m{number}") for number in range(20)))
        keys = [event.key for event in stage.door.events]
    assert keys == [f"m:c-1:{message_id}" for message_id in ids]


async def test_what_could_not_be_stored_is_not_acknowledged() -> None:
    async with open_stage("keyed", entrance="long_connection") as stage:
        stage.door.refusal = StorageFull()
        telling = asyncio.ensure_future(tell(stage, "hello"))
        await stage.door.until_tried(1)
        assert not telling.done()
        stage.door.refusal = None
        await stage.scene.clock.pass_sleep(5.0)  # the platform has waited long enough
        await stage.scene.clock.pass_sleep(1.0)  # and tries again
        await telling
    assert len(stage.door.events) == 1


async def test_a_cut_costs_nothing_but_time() -> None:
    async with open_stage(
        "keyed", script("keyed", Verb.PUSH, Fault.RESET_AFTER), entrance="long_connection"
    ) as stage:
        telling = asyncio.ensure_future(tell(stage, "hello"))
        lost = await stage.statuses.until(ConnectionState.WAITING)
        stage.scene.clock.advance(BACK_OFF_S_MAX)
        await stage.statuses.until(ConnectionState.CONNECTED)
        await telling
    assert lost.failures == 1
    assert len(stage.door.events) == 1


async def test_half_an_answer_leaves_the_call_unclear() -> None:
    faults = script("connection", Verb.SEND, Fault.HALF_RESPONSE)
    async with open_stage("connection", faults) as stage:
        assert await stage.send() == Unknown("cut")
        await stage.statuses.until(ConnectionState.WAITING)
        stage.scene.clock.advance(BACK_OFF_S_MAX)
        await stage.statuses.until(ConnectionState.CONNECTED)
        assert isinstance(await stage.send("again", "k2"), Sent)


async def test_another_process_takes_over() -> None:
    async with open_stage("connection") as first, open_bot("connection", first.scene) as second:
        await second.statuses.until(ConnectionState.CONNECTED)
        status = await first.statuses.until(ConnectionState.SUPERSEDED)
        assert status.is_alarming
        first.scene.clock.advance(80.0)  # a bot that fights would be back
        assert isinstance(await second.send(), Sent)
        assert first.channel.status.state is ConnectionState.SUPERSEDED


async def test_wrong_credentials_are_a_state_of_their_own() -> None:
    async with open_scene() as scene, open_bot("connection", scene, token="wrong") as stage:
        status = await stage.statuses.until(ConnectionState.REFUSED)
    assert status.is_alarming
    assert "wrong" not in status.detail


async def test_an_unknown_bot_is_a_matter_for_the_operator() -> None:
    async with open_scene() as scene, open_bot("connection", scene, bot="nobody") as stage:
        assert (await stage.statuses.until(ConnectionState.REFUSED)).is_alarming


async def test_a_connection_that_ends_ends_its_calls() -> None:
    faults = script("connection", Verb.SEND, Fault.DELAY)
    async with open_stage("connection", faults) as stage:
        sending = asyncio.ensure_future(stage.send())
        await stage.until_asleep(DELAY_S)
        await stage.stop()
        assert await sending == Unknown("cut")


@pytest.mark.parametrize("name", ["keyed", "connection"])
async def test_every_change_is_told(name: str) -> None:
    async with open_stage(name, entrance="long_connection") as stage:
        seen = [status.state for status in stage.statuses.seen]
        assert seen == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]
        assert stage.channel.status.state is ConnectionState.CONNECTED
