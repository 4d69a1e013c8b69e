"""A relay as a process: what it needs, what it says of itself, and what its doctor says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.channels.channel import ConnectionState
from posthouse.channels.finding import Finding, Mark
from posthouse.cli.doctor_relay import relay_findings, relayed_finding
from posthouse.model.address import Person, Place
from posthouse.model.errors import OperatorMistake
from posthouse.model.event import MessageReceived
from posthouse.model.message import Text
from posthouse.model.relay import BotState, LeaseWish
from posthouse.model.secret import hashed
from posthouse.settings.settings import Settings
from posthouse.station import LOOK_EVERY_S, Station, build_station
from posthouse.testing.clock import FakeClock
from posthouse.world import World

FEISHU = {"channel": "feishu", "encrypt_key": "k3y"}
AT_EVENT = {**FEISHU, "webhook_path": "/event"}


def settings(folder: Path, **more: Any) -> Settings:  # noqa: ANN401 - fields of the settings
    given = {"role": "relay", "data": folder, "bots": {"help": FEISHU}, **more}
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"bots": {"help": {"channel": "web"}}}, "web"),
        ({"bots": {"help": {**FEISHU, "app_secret": "s"}}}, "app_secret"),
        ({"bots": {"help": {"channel": "feishu"}}}, "encrypt_key"),
        ({"bots": {"a": AT_EVENT, "b": AT_EVENT}}, "/event"),
        ({"store": {"url": "postgresql://ph@db/ph"}}, "store.url"),
    ],
)
def test_what_cannot_be_a_relay_is_named(more: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorMistake, match=named):
        build_station(settings(tmp_path, **more))


def test_a_relay_without_bots_is_none(tmp_path: Path) -> None:
    with pytest.raises(OperatorMistake, match="needs a bot"):
        build_station(Settings(role="relay", data=tmp_path))


class Night:
    """Time that passes when a test says so; sleepers wake when theirs is over."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._passed = asyncio.Condition()

    async def sleep(self, span_s: float) -> None:
        until_at = self.clock() + span_s
        async with self._passed:
            await self._passed.wait_for(lambda: self.clock() >= until_at)

    async def pass_by(self, span_s: float) -> None:
        self.clock.advance(span_s)
        async with self._passed:
            self._passed.notify_all()


@asynccontextmanager
async def opened(folder: Path, night: Night) -> AsyncIterator[Station]:
    station = build_station(settings(folder), World(clock=night.clock, sleep=night.sleep))
    await station.open()
    try:
        yield station
    finally:
        await station.close()


async def hear(station: Station) -> None:
    event = MessageReceived(
        key="m:1",
        place=Place("help", "room"),
        sender=Person("ann"),
        message_id="1",
        parts=(Text("hello"),),
        at=0.0,
    )
    await station.relay.keep("help", b"hello", (event,))


async def looked(station: Station, night: Night, state: ConnectionState) -> None:
    """Let time pass until the relay sees itself so."""
    async with asyncio.timeout(10.0):
        while station.vitals_of_bots()[0].status.state is not state:
            await night.pass_by(LOOK_EVERY_S)
            await asyncio.sleep(0)


async def test_it_says_when_messages_wait_and_nobody_comes(tmp_path: Path) -> None:
    night = Night()
    async with opened(tmp_path, night) as station:
        assert station.vitals_of_bots()[0].status.state is ConnectionState.OFF
        await hear(station)
        await looked(station, night, ConnectionState.WAITING)
        assert station.vitals_of_bots()[0].status.is_alarming
        (state,) = station.relayed()
        assert (state.waiting, state.fetched_s) == (1, None)
        finding = relayed_finding(state)
        assert finding.mark is Mark.FAIL
        assert "1 wait, nobody has fetched for 5 minutes" in finding.said.en
        await station.relay.lease(LeaseWish(bot="help", holder="one house"))
        await looked(station, night, ConnectionState.CONNECTED)


async def test_what_it_kept_outlives_it(tmp_path: Path) -> None:
    night = Night()
    async with opened(tmp_path, night) as station:
        await hear(station)
    async with opened(tmp_path, night) as station:
        await hear(station)
        leased = await station.relay.lease(LeaseWish(bot="help", holder="one house"))
        assert [parcel.payload for parcel in leased.parcels] == [b"hello"]
        assert station.totals() == {("events_total", "repeat"): 1}


async def test_nothing_of_it_runs_on_when_it_is_closed(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with opened(tmp_path, Night()):
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


# --- the doctor --------------------------------------------------------------------------------


async def findings(made: Settings) -> list[Finding]:
    return [finding async for finding in relay_findings(made)]


async def test_the_doctor_names_the_address_and_a_missing_token(tmp_path: Path) -> None:
    made = settings(tmp_path, server={"public_url": "https://relay.example.com"})
    (address,) = await findings(made)
    assert address.said.en == "bot help: callbacks at https://relay.example.com/webhooks/help"
    station = build_station(made)
    await station.store.close()
    _, token = await findings(made)
    assert (token.mark, token.said.en) == (Mark.WARN, "no token fetches for bot help")
    station = build_station(made)
    await station.store.access.add_token("home", ("relay:bot=help",), hashed("s"), "test", 1.0)
    await station.store.close()
    assert [each.mark for each in await findings(made)] == [Mark.OK]


async def test_the_doctor_says_what_is_wrong_with_a_bot(tmp_path: Path) -> None:
    (finding,) = await findings(settings(tmp_path, bots={"help": {**FEISHU, "app_secret": "s"}}))
    assert finding.mark is Mark.FAIL
    assert "app_secret" in finding.said.en


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (BotState(bot="help"), "0 wait, no house has come yet"),
        (BotState(bot="help", waiting=1, fetched_s=1.0, is_held=True), "1 wait, a house fetches"),
        (BotState(bot="help", fetched_s=600.0), "0 wait, last fetched 10 minutes ago"),
    ],
)
def test_a_relay_that_is_well(state: BotState, words: str) -> None:
    finding = relayed_finding(state)
    assert (finding.mark, finding.said.en) == (Mark.OK, f"bot help: {words}")
