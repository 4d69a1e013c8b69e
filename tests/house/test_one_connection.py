"""Two houses on one book, and a bot whose platform bears only one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from posthouse.channels.channel import Door
from posthouse.gateway.keeper import LOOKS_PER_LEASE
from posthouse.model.capabilities import SendsFrom
from posthouse.model.errors import TryLater
from posthouse.settings.settings import GatewaySettings
from posthouse.testing.null_channel import CAPABILITIES, ScriptedChannel
from tests.house.kit import HouseKit, closed, simulated
from tests.house.people import BOT

LEASE_S = 15.0
LOOK_S = LEASE_S / LOOKS_PER_LEASE
LINE = replace(CAPABILITIES, sends_from=SendsFrom.CONNECTION, has_one_connection=True)


class Platform:
    """Who is connected, and whether ever two were."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.most = 0

    def come(self, name: str) -> None:
        self.connected.append(name)
        self.most = max(self.most, len(self.connected))


class Line(ScriptedChannel):
    """A bot that can speak only while it holds the connection."""

    def __init__(self, name: str, platform: Platform) -> None:
        super().__init__(capabilities=LINE)
        self.is_connected = False
        self._name = name
        self._platform = platform

    async def run(self, door: Door) -> None:
        self._platform.come(self._name)
        self.is_connected = True
        try:
            await super().run(door)
        finally:
            self.is_connected = False
            self._platform.connected.remove(self._name)


class Two:
    """Two houses, of which the first was there first."""

    def __init__(self) -> None:
        self.platform = Platform()
        self.first, self.second = (self._house(name) for name in ("first", "second"))
        self.second.store = self.first.store

    def _house(self, name: str) -> HouseKit:
        return closed(
            bots={BOT: Line(name, self.platform)},
            gateway=GatewaySettings(name=name, lease_s=LEASE_S),
        )

    @property
    def connected(self) -> list[str]:
        return self.platform.connected


@asynccontextmanager
async def two() -> AsyncIterator[Two]:
    both = Two()
    await both.first.open()
    await asyncio.sleep(LOOK_S)
    await both.second.open()
    await asyncio.sleep(LOOK_S)
    assert both.connected == ["first"]
    yield both
    assert both.platform.most == 1, "never two at once"


@simulated
async def test_the_one_that_holds_the_connection_says_what_the_other_was_told() -> None:
    async with two() as both:
        await both.second.say("hello")
        await both.second.quiet()
        assert await both.first.texts() == ("re hello",)
        assert both.second.bots[BOT].calls == [], "nobody else tried"
        assert both.connected == ["first"]
        await both.first.check()


@simulated
async def test_it_moves_within_one_lease_when_its_holder_dies() -> None:
    async with two() as both:
        await both.first.crash()
        await both.second.say("hello")
        await asyncio.sleep(LEASE_S + LOOK_S)
        assert both.connected == ["second"]
        await both.second.quiet()
        assert await both.second.texts() == ("re hello",)


@simulated
async def test_it_moves_at_once_when_its_holder_stops() -> None:
    async with two() as both:
        await both.first.close()
        await asyncio.sleep(LOOK_S + 0.1)
        assert both.connected == ["second"]
        await both.first.open()
        await both.first.quiet()
        assert both.connected == ["second"], "whoever comes back takes nothing away"


@pytest.mark.parametrize("is_silent", [True, False])
@simulated
async def test_whoever_cannot_reach_the_book_lets_go_before_another_may_take_over(
    *, is_silent: bool
) -> None:
    async with two() as both:

        async def cut_off(_: str) -> None:
            if is_silent:
                await asyncio.Event().wait()
            raise TryLater("the database is away")

        both.first.troubles = cut_off
        await asyncio.sleep(LEASE_S + LOOK_S)
        assert both.connected == ["second"]
        both.first.troubles = None
        await both.first.quiet()
        assert both.connected == ["second"]


@simulated
async def test_a_book_that_is_away_for_a_moment_changes_nothing() -> None:
    async with two() as both:

        async def away(call: str) -> None:
            if call in {"hold", "renew"}:
                raise TryLater("the database is away")

        both.first.troubles = away
        await asyncio.sleep(3 * LOOK_S)
        both.first.troubles = None
        await both.first.quiet()
        assert both.connected == ["first"]
