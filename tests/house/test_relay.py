"""A relay and a house on virtual time: both die, the way between them fails, from one seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random
from typing import TypeVar

import pytest
from msgspec.structs import replace

from posthouse.channels.keep_connected import Pulse
from posthouse.channels.relay_line import RelayLine
from posthouse.gateway.relay import Relay
from posthouse.model.address import Entrance, Person, Place
from posthouse.model.errors import PosthouseError, StorageFull, TryLater
from posthouse.model.event import Event, MessageRecalled, MessageReceived, message_key
from posthouse.model.message import Mention, Text
from posthouse.model.relay import LEASE_S, Acknowledged, Acknowledgement, Leased, LeaseWish
from posthouse.settings.settings import WordsSettings
from posthouse.store.parcels import LeasedElsewhere
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.clock import FakeClock, run_simulated
from posthouse.testing.recording_door import RecordingDoor

BOT = "support"
WORDS = 40
SEEDS = range(25)
TROUBLED_S = 120.0  # in which everything fails now and then
AGAIN_S = 1.0

T = TypeVar("T")


def event(text: str) -> MessageReceived:
    return MessageReceived(
        key=message_key("room", text),
        place=Place(BOT, "room"),
        sender=Person("ann"),
        message_id=text,
        parts=(Text(text),),
        at=0.0,
    )


async def read(payloads: Sequence[bytes]) -> Sequence[Event]:
    return [event(payload.decode()) for payload in payloads]


class Town:
    """A public machine, a private one, and a road between them; books outlive processes."""

    def __init__(self, clock: FakeClock, chance: Random | None = None) -> None:
        self.clock = clock
        self.book: SqliteStore = open_memory_store(clock=clock)
        self.door = RecordingDoor()  # of the house: a book that knows keys
        self.chance = chance
        self.relay = self._new_relay()

    def _new_relay(self) -> Relay:
        return Relay(self.book.parcels, (BOT,), WordsSettings(), self.clock)

    def restart_relay(self) -> None:
        self.relay = self._new_relay()

    # --- the relay, as the house reaches it -----------------------------------------------------

    async def lease(self, wish: LeaseWish) -> Leased:
        return await self._over_the_road(lambda: self.relay.lease(wish))

    async def acknowledge(self, done: Acknowledgement) -> Acknowledged:
        return await self._over_the_road(lambda: self.relay.acknowledge(done))

    async def _over_the_road(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask; the question, the relay or the answer may be lost on the way."""
        asked = self.relay
        self._may_fail()
        answer = await ask()
        self._may_fail()
        if asked is not self.relay:
            raise ConnectionResetError
        return answer

    def _may_fail(self) -> None:
        if self.chance is not None and self.chance.random() < 0.2:
            raise ConnectionResetError

    # --- people, and the platform -----------------------------------------------------------

    async def say(self, *texts: str) -> None:
        """Let the platform bring words, one after the other, each until it is taken."""
        for text in texts:
            await self._bring(text)

    async def _bring(self, text: str) -> None:
        while True:
            relay = self.relay
            with suppress(TryLater):
                await relay.keep(BOT, text.encode(), (event(text),))
                lost = self.chance is not None and self.chance.random() < 0.1
                if relay is self.relay and not lost:
                    return
            await asyncio.sleep(AGAIN_S)

    # --- the house ------------------------------------------------------------------------------

    def line(self, holder: str = "one house") -> RelayLine:
        return RelayLine(BOT, holder, self, read, self.clock)

    async def house(self, holder: str = "one house") -> None:
        """Fetch for ever, whatever fails."""
        while True:
            pulse = Pulse(self.clock, lambda: None)
            with suppress(OSError, PosthouseError):
                await self.line(holder).connect_and_read(pulse, self.door)
            await asyncio.sleep(AGAIN_S)

    def heard(self) -> list[str]:
        return [each.message_id for each in self.door.events if isinstance(each, MessageReceived)]

    async def until_empty(self) -> None:
        while (await self.relay.states())[0].waiting:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(AGAIN_S)


async def troubles(town: Town, chance: Random) -> None:
    """Let the house and the relay die again and again, at any moment."""
    async with asyncio.timeout(TROUBLED_S * 2):
        over_at = town.clock() + TROUBLED_S
        while town.clock() < over_at:
            house = asyncio.create_task(town.house())
            await asyncio.sleep(chance.expovariate(1 / 4.0))
            if chance.random() < 0.5:
                town.restart_relay()
                await asyncio.sleep(chance.uniform(0.0, 2.0))
            house.cancel()
            await asyncio.gather(house, return_exceptions=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_dies_nothing_is_lost_or_doubled_and_the_order_stays(seed: int) -> None:
    clock, chance = FakeClock(), Random(seed)
    words = [str(number) for number in range(WORDS)]

    async def scenario() -> None:
        town = Town(clock, chance)

        async def talk() -> None:
            for word in words:
                await town.say(word)
                await asyncio.sleep(chance.expovariate(1 / 3.0))

        talking = asyncio.create_task(talk())
        await troubles(town, chance)
        town.chance = None
        await talking
        house = asyncio.create_task(town.house())
        await town.until_empty()
        house.cancel()
        await asyncio.gather(house, return_exceptions=True)
        assert town.heard() == words
        assert {entrance for _, entrance in town.door.attempts} == {Entrance.RELAY}

    run_simulated(scenario(), clock)


def test_the_recall_word_is_fetched_first() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1", "2", "3", "豆哥撤回")
        house = asyncio.create_task(town.house())
        await town.until_empty()
        house.cancel()
        assert town.heard() == ["豆哥撤回", "1", "2", "3"]

    run_simulated(scenario(), clock)


@pytest.mark.parametrize("words", ["豆哥撤回", "/pause 30m", "停"])
def test_an_order_said_to_the_bot_by_its_name_is_given_out_first(words: str) -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1")
        order = replace(event("2"), parts=(Mention("ou_1", "Help Desk"), Text(words)))
        await town.relay.keep(BOT, b"order", (order,))
        leased = await town.relay.lease(LeaseWish(bot=BOT, holder="one house"))
        assert [parcel.payload for parcel in leased.parcels] == [b"order", b"1"]

    run_simulated(scenario(), clock)


def test_a_message_that_is_taken_back_goes_first_too() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1")
        recall = MessageRecalled("r:1", Place(BOT, "room"), Person("ann"), "1", 0.0)
        await town.relay.keep(BOT, b"recall", (recall,))
        leased = await town.relay.lease(LeaseWish(bot=BOT, holder="one house"))
        assert [parcel.payload for parcel in leased.parcels] == [b"recall", b"1"]

    run_simulated(scenario(), clock)


def test_another_house_takes_over_when_the_lease_is_over() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1")
        await town.relay.lease(LeaseWish(bot=BOT, holder="dead house"))
        with pytest.raises(LeasedElsewhere):
            await town.relay.lease(LeaseWish(bot=BOT, holder="other house"))
        began_at = clock()
        other = asyncio.create_task(town.house("other house"))
        await town.until_empty()
        other.cancel()
        assert town.heard() == ["1"]
        assert LEASE_S <= clock() - began_at <= LEASE_S + 5.0

    run_simulated(scenario(), clock)


def test_a_house_that_waits_hears_at_once() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        asking = asyncio.create_task(
            town.relay.lease(LeaseWish(bot=BOT, holder="one house", wait_s=20.0))
        )
        await asyncio.sleep(5.0)
        began_at = clock()
        await town.say("1")
        assert [parcel.payload for parcel in (await asking).parcels] == [b"1"]
        assert clock() == began_at

    run_simulated(scenario(), clock)


def test_a_relay_that_ends_keeps_nobody_waiting() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        wish = LeaseWish(bot=BOT, holder="one house", wait_s=20.0)
        asking = asyncio.create_task(town.relay.lease(wish))
        await asyncio.sleep(1.0)
        began_at = clock()
        town.relay.close()
        assert (await asking).parcels == ()
        assert clock() == began_at
        with pytest.raises(TryLater):
            await town.relay.lease(wish)

    run_simulated(scenario(), clock)


def test_an_older_question_of_the_same_house_gets_nothing_any_more() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        wish = LeaseWish(bot=BOT, holder="one house", wait_s=20.0)
        dead = asyncio.create_task(town.relay.lease(wish))
        await asyncio.sleep(1.0)
        alive = asyncio.create_task(town.relay.lease(wish))
        await asyncio.sleep(1.0)
        await town.say("1")
        leased = await alive
        assert (await dead).parcels == ()
        done = Acknowledgement(bot=BOT, lease=leased.lease, ids=(leased.parcels[0].id,))
        assert (await town.relay.acknowledge(done)).count == 1

    run_simulated(scenario(), clock)


def test_a_house_that_slept_through_its_lease_asks_again() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1")

        async def slow(payloads: Sequence[bytes]) -> Sequence[Event]:
            await asyncio.sleep(LEASE_S)
            return await read(payloads)

        line = RelayLine(BOT, "one house", town, slow, clock)
        with suppress(TimeoutError):
            async with asyncio.timeout(2.5 * LEASE_S):
                await line.connect_and_read(Pulse(clock, lambda: None), town.door)
        assert town.heard() == []
        assert (await town.relay.states())[0].waiting == 1

    run_simulated(scenario(), clock)


def test_what_the_book_does_not_take_stays_on_the_relay() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1")
        town.door.refusal = TryLater()
        with pytest.raises(TryLater):
            await town.line().connect_and_read(Pulse(clock, lambda: None), town.door)
        town.door.refusal = None
        house = asyncio.create_task(town.house())
        await town.until_empty()
        house.cancel()
        assert town.heard() == ["1"]

    run_simulated(scenario(), clock)


def test_above_the_quota_nothing_is_kept() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        town.relay.room.is_full = True
        with pytest.raises(StorageFull):
            await town.relay.keep(BOT, b"1", (event("1"),))
        assert (await town.relay.states())[0].waiting == 0

    run_simulated(scenario(), clock)


def test_an_hour_between_the_clocks_changes_nothing() -> None:
    clock = FakeClock()

    async def scenario() -> None:
        town = Town(clock)
        await town.say("1", "2")
        ahead = RelayLine(BOT, "one house", town, read, lambda: clock() + 3600.0)
        fetching = asyncio.create_task(
            ahead.connect_and_read(Pulse(clock, lambda: None), town.door)
        )
        await town.until_empty()
        clock.advance(-3600.0)  # the relay's clock is set back
        await town.say("3")
        await asyncio.sleep(30.0)
        fetching.cancel()
        assert town.heard() == ["1", "2", "3"]

    run_simulated(scenario(), clock)
