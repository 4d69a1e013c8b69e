"""The house under a store that is full, a disk above its quota, a lost lease, a stop, a clock."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from random import Random

import pytest
from msgspec.structs import replace

from posthouse.channels.channel import ConnectionState, Door
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.address import Role
from posthouse.model.capabilities import Capabilities, SendsFrom
from posthouse.model.delivery import BACK_OFF_MAX_S, NotSent, State
from posthouse.model.errors import StorageFull, TryLater
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, Turn
from posthouse.settings.settings import GatewaySettings, StoreSettings
from posthouse.testing.null_channel import ARRIVED_UNKNOWN, CAPABILITIES, Answer, ScriptedChannel
from tests.house.kit import HouseKit, Scripted, closed, echo, opened, simulated, thinking
from tests.house.people import edited, said
from tests.house.test_drafts import aloud

NONE = Capabilities(can_recall=True)


# --- the store refuses --------------------------------------------------------------------


class Refusing:
    """A store that refuses calls for a while, all of them or those of one name."""

    def __init__(self, name: str = "", *, times: int = 3) -> None:
        self._name = name
        self._times = times
        self.refused = 0

    async def __call__(self, call: str) -> None:
        if call in {self._name, self._name or call} and call != "perform" and self._times:
            self._times -= 1
            self.refused += 1
            raise StorageFull


CALLS = (
    "renew",
    "free",
    "claim_turns",
    "next_turn_at",
    "start",
    "put",
    "finish",
    "retry",
    "wanted",
    "once_begin",
    "once_end",
    "recall",
    "recall_state",
    "running_turns",
    "set_mode",
    "claim_sends",
    "claim_amends",
    "next_send_at",
    "sending",
    "settle",
    "settle_amend",
    "answers",
    "history",
    "prune",
    "size_bytes",
)


@pytest.mark.parametrize("call", CALLS)
@simulated
async def test_whatever_call_the_store_refuses_nothing_is_lost(call: str) -> None:
    """A little of everything, while one call is refused again and again."""
    house = await opened(handlers={"demo": Scripted(aloud, attempts_max=2)})
    house.troubles = Refusing(call, times=6)
    first = await house.say("1")
    await house.quiet(3.0)
    await house.accept(edited(first, "one", at=house.clock()))
    await house.say("2", who="ben")
    await house.quiet(300.0)
    await house.say("/pause 1m", role=Role.ADMIN, who="boss")
    await house.quiet(300.0)
    await house.say("撤回", who="ann")
    await house.quiet(300.0)
    await house.say("4", who="ann")
    await house.quiet(300.0)
    texts = await house.texts()
    assert texts[0] == "the answer"  # ben's
    assert texts[-1] == "the answer"
    assert texts[1].startswith("Paused until")
    assert texts[2] == "Took back 1."
    assert len(texts) == 4
    await house.check()


@pytest.mark.parametrize("call", ["start", "put", "once_begin", "once_end", "history", "finish"])
@pytest.mark.parametrize("on_crash", list(OnCrash))
@simulated
async def test_a_handler_never_learns_that_the_store_was_full(call: str, on_crash: OnCrash) -> None:
    booked = 0

    async def book() -> str:
        nonlocal booked
        booked += 1
        return f"no. {booked}"

    async def thorough(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Send(Content("one moment"))
        number = await context.once("book", book)
        await context.history()
        yield Send(Content(f"booked as {number}"))

    house = await opened(handler=Scripted(thorough, attempts_max=1, on_crash=on_crash))
    house.troubles = Refusing(call, times=5)
    await house.say("book")
    await house.quiet(300.0)
    assert await house.texts() == ("one moment", "booked as no. 1")
    await house.check()


@simulated
async def test_an_event_that_cannot_be_written_is_not_acknowledged() -> None:
    house = await opened()
    house.troubles = Refusing("accept", times=1)
    message = said("1", at=house.clock())
    with pytest.raises(TryLater):
        await house.accept(message)
    await house.accept(message)
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_store_that_is_full_for_long_loses_nothing_and_buries_nothing() -> None:
    house = await opened(handler=Scripted(thinking(5.0), attempts_max=2))
    messages = [await house.say(str(number), room=f"room{number}") for number in range(10)]
    await house.quiet(2.0)
    is_full = True

    async def full(call: str) -> None:
        if is_full and call != "perform":
            raise StorageFull

    house.troubles = full
    await house.quiet(1800.0)
    is_full = False
    await house.quiet(300.0)
    for number, message in enumerate(messages):
        assert await house.texts(f"room{number}") == (f"re {number}",)
        assert await house.reason(message) == "answered"
    await house.check()


@simulated
async def test_what_a_platform_has_taken_is_remembered_when_there_is_room_again() -> None:
    house = await opened(can=NONE)
    house.troubles = Refusing("settle", times=5)
    await house.say("1")
    await house.quiet(60.0)
    assert await house.texts() == ("re 1",)
    assert len(house.bots["b"].calls) == 1
    await house.check()


@pytest.mark.parametrize("seed", range(5))
@simulated
async def test_a_store_that_refuses_now_and_then_changes_nothing_that_people_see(seed: int) -> None:
    random = Random(seed)

    async def now_and_then(call: str) -> None:
        if call != "perform" and random.random() < 0.3:
            raise TryLater

    house = await opened(handler=Scripted(thinking(1.0), attempts_max=2))
    house.troubles = now_and_then
    for number in range(20):
        message = said(str(number), at=house.clock(), room=f"room{number % 3}")
        while True:
            try:
                await house.accept(message)
                break
            except TryLater:
                await house.quiet(1.0)
    await house.quiet(1000.0)
    house.troubles = None
    await house.quiet(60.0)
    for room in range(3):
        expected = tuple(f"re {number}" for number in range(20) if number % 3 == room)
        assert await house.texts(f"room{room}") == expected
    await house.check()


# --- quota --------------------------------------------------------------------------------


@simulated
async def test_above_the_quota_the_door_is_closed_and_it_opens_again() -> None:
    house = await opened(store=StoreSettings(quota_bytes=10 * 1024**2))
    size = 20 * 1024**2

    async def size_bytes() -> int:
        return size

    house.store.upkeep.size_bytes = size_bytes  # type: ignore[method-assign]
    await house.quiet(10.0)
    message = said("1", at=house.clock())
    with pytest.raises(StorageFull):
        await house.accept(message)
    assert house.house.is_full
    size = 0
    await house.quiet(10.0)
    await house.accept(message)
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_above_the_quota_what_is_in_the_book_is_still_answered() -> None:
    house = await opened(handler=Scripted(thinking(30.0)))
    await house.say("1")

    async def size_bytes() -> int:
        return 10**12

    house.store.upkeep.size_bytes = size_bytes  # type: ignore[method-assign]
    await house.quiet()
    assert house.house.is_full
    assert await house.texts() == ("re 1",)


# --- the lease ----------------------------------------------------------------------------


@simulated
async def test_a_lease_that_ran_out_is_taken_again() -> None:
    house = await opened(gateway=GatewaySettings(lease_s=15.0), handler=Scripted(thinking(5.0)))
    await house.say("1")
    await house.quiet(2.0)
    house.troubles = Refusing("renew", times=10)
    await house.quiet(30.0)
    had_lease = house.house.has_lease
    await house.say("2")
    await house.quiet(300.0)
    assert (had_lease, house.house.has_lease) == (False, True)
    assert await house.texts() == ("re 1", "re 2")
    await house.check()


@simulated
async def test_whoever_lost_the_lease_begins_nothing_more() -> None:
    house = await opened()
    now = house.clock()
    await house.store.journal.enter("gateway-1", now, 15.0)  # somebody else under our name
    await house.say("1")
    await house.quiet(6.0)
    assert not house.house.has_lease  # as soon as the book has said so
    assert await house.texts() == ()
    await house.quiet(300.0)
    assert await house.texts() == ("re 1",)


@simulated
async def test_what_was_begun_before_the_lease_was_lost_is_not_said_twice() -> None:
    handler = Scripted(thinking(5.0))
    house = await opened(handler=handler)
    await house.say("1")
    await house.quiet(2.0)
    await house.store.journal.enter("gateway-1", house.clock(), 15.0)
    await house.quiet(300.0)
    assert handler.seen == ["1", "1"]  # the outputs of the first run were refused
    assert await house.texts() == ("re 1",)
    await house.check()


@simulated
async def test_a_delivery_whose_lease_lapses_before_it_leaves_is_sent_later() -> None:
    """The lease lapses while the row becomes ``sending``, and is renewed under the same epoch."""
    house = await opened(can=NONE, gateway=GatewaySettings(lease_s=15.0))
    lease = house.house.around.lease
    lapsed_at = lease.until_at

    async def lapse(call: str) -> None:
        if call == "finish":
            lease.until_at = 0.0

    house.troubles = lapse
    await house.say("1")
    await house.quiet(1.0)
    assert await house.texts() == ()
    house.troubles = None
    lease.extend(lapsed_at)
    await house.quiet(60.0)
    assert await house.texts() == ("re 1",)
    (row,) = (await house.store.reader.recent((await house.chat()).id))[0].deliveries
    assert not row.delivery.may_be_duplicate


@simulated
async def test_without_a_lease_the_house_does_not_ask_the_store_again_and_again() -> None:
    house = await opened()
    calls = 0

    async def count(_: str) -> None:
        nonlocal calls
        calls += 1

    house.house.around.lease.until_at = 0.0
    await house.say("1")
    house.troubles = count
    await house.quiet(4.0)
    assert calls < 1000


# --- stopping -----------------------------------------------------------------------------


async def stopped_in_the_middle(house: HouseKit) -> None:
    for number in range(5):
        await house.say(str(number), room=f"room{number}")
        await house.say(f"{number}b", room=f"room{number}")
    await house.quiet(2.5)
    began_at = house.clock()
    await house.close()
    assert house.clock() - began_at <= 10.0


@pytest.mark.parametrize("answer_s", [0.0, 1.0, 5.0, 60.0])
@simulated
async def test_a_graceful_stop_loses_nothing_doubles_nothing_flags_nothing(answer_s: float) -> None:
    house = await opened(can=NONE, handler=Scripted(thinking(answer_s)))
    await stopped_in_the_middle(house)
    await house.open()
    await house.quiet(300.0)
    for number in range(5):
        assert await house.texts(f"room{number}") == (f"re {number}", f"re {number}b")
    assert await house.store.reader.troubled() == ()
    for chat in await house.store.chats.list():
        for road in await house.store.reader.recent(chat.id):
            assert not any(row.delivery.may_be_duplicate for row in road.deliveries)
    await house.check()


class Line(ScriptedChannel):
    """A channel that can only send while it holds its connection."""

    async def run(self, door: Door) -> None:
        try:
            await super().run(door)
        finally:
            self.is_connected = False


@simulated
async def test_what_leaves_by_a_connection_has_left_before_it_is_given_up() -> None:
    house = closed()
    line = Line(capabilities=replace(NONE, sends_from=SendsFrom.CONNECTION))
    house.bots["b"] = line
    await house.open()
    line.hold()
    await house.say("1")
    await line.until_begun()
    stopping = asyncio.create_task(house.close())
    await house.quiet(1.0)
    assert line.status.state is ConnectionState.CONNECTED
    line.release()
    await stopping
    assert await house.texts() == ("re 1",)


@simulated
async def test_stopping_is_no_failed_attempt() -> None:
    handler = Scripted(thinking(60.0), attempts_max=1)
    house = await opened(handler=handler)
    await house.say("1")
    for _ in range(3):
        await house.quiet(5.0)
        await house.close()
        await house.open()
    await house.quiet(100.0)
    assert len(handler.seen) == 4
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_handler_that_does_not_end_does_not_keep_the_house_from_stopping() -> None:
    async def deaf(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        for _second in range(20):
            with suppress(asyncio.CancelledError):
                await context.sleep(1.0)
        yield Send(Content("at last"))

    house = await opened(handler=Scripted(deaf, max_run_s=30.0))
    house.bots["b"].hold()
    await house.say("/help")
    await house.say("1")
    await house.quiet(1.0)
    began_at = house.clock()
    await house.close()
    assert house.clock() - began_at <= 10.0


@simulated
async def test_a_call_that_does_not_end_does_not_keep_the_house_from_stopping() -> None:
    house = await opened(can=CAPABILITIES)
    house.bots["b"].hold()
    await house.say("1")
    await house.quiet(1.0)
    began_at = house.clock()
    await house.close()
    assert house.clock() - began_at <= 10.0
    house.bots["b"].release()
    await house.open()
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_rows_handed_out_at_the_moment_of_stopping_are_sent() -> None:
    """The claim is committed, and its answer has not reached the deliverer yet."""
    house = await opened(can=NONE)
    bot = house.bots["b"]
    bot.hold()
    await house.say("1")
    await house.say("2")
    await house.quiet(1.0)
    claimed = asyncio.Event()

    async def slow_claim(call: str) -> None:
        if call == "claim_amends":  # right after the sends were claimed
            claimed.set()
            await asyncio.sleep(0.5)

    bot.release()
    house.troubles = slow_claim
    await claimed.wait()
    await house.close()
    house.troubles = None
    await house.open()
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")
    roads = await house.store.reader.recent((await house.chat()).id)
    assert all(row.delivery.state is State.SENT for road in roads for row in road.deliveries)
    assert not any(row.delivery.may_be_duplicate for road in roads for row in road.deliveries)


# --- the clock ----------------------------------------------------------------------------


@simulated
async def test_a_clock_set_back_an_hour_loses_nothing_and_delays_nothing_new() -> None:
    house = await opened(can=NONE, script=[ARRIVED_UNKNOWN], handler=Scripted(echo, burst_s=1.0))
    await house.say("1")
    await house.quiet(1.2)
    house.skew_s = -3600.0
    await house.say("2", who="ben")
    await house.say("3", room="other")
    await house.quiet(60.0)
    assert await house.texts("other") == ("re 3",)
    await house.quiet(2 * 3600.0)
    assert await house.texts() == ("re 1", "re 1", "re 2")
    await house.check()


@simulated
async def test_a_clock_set_back_an_hour_silences_no_chat_that_was_used_before() -> None:
    house = await opened()
    await house.say("1")
    await house.quiet()
    house.skew_s = -3600.0
    await house.quiet()
    await house.say("2")
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_what_was_put_off_while_the_clock_was_ahead_goes_on_once_it_is_right() -> None:
    house = await opened(script=[Answer(NotSent("cannot_reach", retry_after_s=20.0))])
    await house.say("1")
    await house.quiet(1.0)
    house.skew_s = -3600.0
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_house_that_starts_once_the_clock_is_right_believes_no_time_from_before() -> None:
    house = await opened(script=[Answer(NotSent("cannot_reach", retry_after_s=900.0))])
    await house.say("1", room="other")
    await house.quiet()
    await house.say("2")
    await house.quiet()
    await house.close()
    house.skew_s = -3600.0
    await house.open()
    await house.say("3")
    await house.quiet(BACK_OFF_MAX_S + 10.0)
    assert await house.texts() == ("re 2", "re 3")
    assert await house.texts("other") == ("re 1",)


@simulated
async def test_a_clock_set_forward_an_hour_loses_nothing() -> None:
    house = await opened(handler=Scripted(thinking(5.0)))
    await house.say("1")
    await house.quiet(2.0)
    house.skew_s = 3600.0
    await house.say("2")
    await house.quiet(300.0)
    assert await house.texts() == ("re 1", "re 2")
    await house.check()
