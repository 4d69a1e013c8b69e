"""What happens on the wire: each class of platform with each outcome, and what people see of it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from posthouse.channels.channel import Part, Verb
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Policy, Send
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities, SendsFrom
from posthouse.model.delivery import NotSent, Outcome, Sent, State
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.settings.settings import RouteRule
from posthouse.store.reader import DeliveryRow
from posthouse.testing.null_channel import (
    ARRIVED_UNKNOWN,
    LIMITED,
    LOST_UNKNOWN,
    REFUSED,
    Answer,
    ScriptedChannel,
)
from posthouse.wakeup.wakeup import SENDS
from tests.house.kit import HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import recalled

KEYED = Capabilities(resend_key_window_s=3600.0, can_recall=True)
LOOKS_UP = Capabilities(can_look_up=True, can_recall=True)
OVERWRITES = Capabilities(can_overwrite=True, can_recall=True)
NONE = Capabilities(can_recall=True)
CLASSES = {"keyed": KEYED, "lookup": LOOKS_UP, "overwritable": OVERWRITES, "none": NONE}

UNREACHABLE = Answer(NotSent("cannot_reach"))
HOUR_S = 3600.0


async def answered(can: Capabilities, *script: Answer, policy: Policy | None = None) -> HouseKit:
    async def say(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        yield Send(Content(f"re {turn.text}"), policy=policy or Policy.AT_LEAST_ONCE)

    house = await opened(can=can, script=script, handler=Scripted(say))
    await house.say("1")
    await house.say("2")
    await house.quiet(HOUR_S)
    await house.check()
    return house


async def deliveries(house: HouseKit) -> tuple[DeliveryRow, ...]:
    roads = await house.store.reader.recent((await house.chat()).id)
    return tuple(row for road in reversed(roads) for row in road.deliveries)


async def states(house: HouseKit) -> list[State]:
    return [row.delivery.state for row in await deliveries(house)]


async def flags(house: HouseKit) -> list[bool]:
    return [row.delivery.may_be_duplicate for row in await deliveries(house)]


# --- certainly not sent -------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
@simulated
async def test_what_certainly_did_not_arrive_is_sent_again_in_order(name: str) -> None:
    house = await answered(CLASSES[name], UNREACHABLE, LIMITED, UNREACHABLE)
    assert await house.texts() == ("re 1", "re 2")
    assert await flags(house) == [False, False]


@pytest.mark.parametrize("name", CLASSES)
@simulated
async def test_what_the_platform_refuses_for_good_fails_in_sight_and_holds_nobody_up(
    name: str,
) -> None:
    house = await answered(CLASSES[name], REFUSED)
    assert await house.texts() == ("re 2",)
    assert await states(house) == [State.FAILED, State.SENT]
    (troubled,) = await house.store.reader.troubled()
    assert troubled.delivery.reason == "refused_by_platform"


@simulated
async def test_a_platform_that_is_away_for_long_is_given_up_and_can_be_retried() -> None:
    house = await opened(can=NONE, script=[UNREACHABLE] * 40)
    await house.say("1")
    await house.quiet(6 * HOUR_S)
    assert await states(house) == [State.FAILED]
    (troubled,) = await house.store.reader.troubled()
    assert await house.store.journal.retry_delivery(troubled.delivery.id, NONE, house.clock())
    await house.quiet(60.0)
    assert await house.texts() == ("re 1",)
    await house.check()


# --- nobody can tell ----------------------------------------------------------------------


@pytest.mark.parametrize("unclear", [ARRIVED_UNKNOWN, LOST_UNKNOWN], ids=["arrived", "lost"])
@pytest.mark.parametrize("name", ["keyed", "lookup", "overwritable"])
@simulated
async def test_where_the_platform_can_tell_everything_is_seen_exactly_once(
    name: str, unclear: Answer
) -> None:
    house = await answered(CLASSES[name], unclear)
    assert await house.texts() == ("re 1", "re 2")
    assert await flags(house) == [False, False]


@simulated
async def test_where_it_cannot_an_answer_is_repeated_once_and_flagged() -> None:
    house = await answered(NONE, ARRIVED_UNKNOWN)
    assert await house.texts() == ("re 1", "re 1", "re 2")
    assert await flags(house) == [True, False]
    assert await states(house) == [State.SENT, State.SENT]


@simulated
async def test_a_lost_answer_arrives_by_its_repeat() -> None:
    house = await answered(NONE, LOST_UNKNOWN)
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_there_is_never_a_second_repeat() -> None:
    house = await answered(NONE, ARRIVED_UNKNOWN, ARRIVED_UNKNOWN, ARRIVED_UNKNOWN)
    assert (await house.texts())[:2] == ("re 1", "re 1")
    assert (await house.texts()).count("re 1") == 2
    assert (await states(house))[0] is State.DOUBTFUL


@simulated
async def test_what_must_not_be_doubled_is_not_repeated_but_listed() -> None:
    house = await answered(NONE, LOST_UNKNOWN, policy=Policy.AT_MOST_ONCE)
    assert await house.texts() == ("re 2",)
    (troubled,) = await house.store.reader.troubled()
    assert troubled.delivery.state is State.DOUBTFUL
    assert not troubled.delivery.may_be_duplicate


@simulated
async def test_an_operator_may_send_what_is_doubtful_and_it_is_flagged() -> None:
    house = await answered(NONE, LOST_UNKNOWN, policy=Policy.AT_MOST_ONCE)
    (troubled,) = await house.store.reader.troubled()
    await house.store.journal.retry_delivery(troubled.delivery.id, NONE, house.clock())
    await house.quiet(60.0)
    assert await house.texts() == ("re 2", "re 1")
    assert await flags(house) == [True, False]


@pytest.mark.parametrize("name", CLASSES)
@simulated
async def test_a_crash_with_the_bytes_on_the_wire_is_an_unclear_call(name: str) -> None:
    house = await opened(can=CLASSES[name])
    house.dies_at = "send:after"
    await house.say("1")
    await house.quiet(5.0)
    assert await house.texts() == ("re 1",)
    await house.restart()
    await house.quiet(HOUR_S)
    repeats = 2 if name == "none" else 1
    assert await house.texts() == ("re 1",) * repeats
    assert await flags(house) == [name == "none"]
    await house.check()


@pytest.mark.parametrize("name", CLASSES)
@simulated
async def test_a_crash_before_the_first_byte_loses_nothing(name: str) -> None:
    house = await opened(can=CLASSES[name])
    house.dies_at = "send:before"
    await house.say("1")
    await house.quiet(5.0)
    assert await house.texts() == ()
    await house.restart()
    await house.quiet(HOUR_S)
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_repeat_carries_the_same_bytes_and_the_same_key() -> None:
    house = await answered(KEYED, LOST_UNKNOWN, LOST_UNKNOWN)
    first, second, third = [call.part for call in house.bots["b"].calls][:3]
    assert first.key == second.key == third.key
    assert first.body == second.body == third.body
    assert len(first.key) == 32


@simulated
async def test_an_unclear_message_holds_its_chat_and_no_other() -> None:
    house = await opened(can=KEYED, script=[LOST_UNKNOWN, None, *[LOST_UNKNOWN] * 4])
    await house.say("1")
    await house.quiet(0.2)
    await house.say("2")
    await house.say("x", room="other")
    await house.quiet(10.0)
    assert await house.texts() == ()
    assert await house.texts("other") == ("re x",)
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_there_are_never_two_unclear_messages_in_one_chat() -> None:
    house = await opened(can=NONE, script=[LOST_UNKNOWN] * 20)
    for number in range(5):
        await house.say(str(number))
    for _ in range(600):
        await house.quiet(1.0)
        unclear = [s for s in await states(house) if s in (State.UNKNOWN, State.SENDING)]
        assert len(unclear) <= 1


@pytest.mark.parametrize("trouble", [RuntimeError("a defect"), None], ids=["raises", "hangs"])
@simulated
async def test_a_channel_that_raises_or_hangs_leaves_it_unclear(trouble: Exception | None) -> None:
    house = await opened(can=KEYED, script=[trouble])
    bot = house.bots["b"]
    if trouble is None:
        bot.hold()
    await house.say("1")
    await house.quiet(70.0)
    (row,) = await deliveries(house)
    assert row.delivery.unclear_calls == 1
    bot.release()
    await house.quiet()
    assert await house.texts() == ("re 1",)


# --- the amend lane -----------------------------------------------------------------------


@simulated
async def test_neither_a_queue_nor_an_unclear_message_delays_a_withdrawal() -> None:
    house = await opened(can=NONE, script=[None, LOST_UNKNOWN])
    first = await house.say("1")
    await house.quiet(5.0)
    await house.say("2")
    await house.say("3")
    await house.quiet(0.2)
    assert await house.texts() == ("re 1",)
    await house.accept(recalled(first, at=house.clock()))
    await house.quiet(0.2)
    assert await house.texts() == ()
    await house.quiet()
    assert await house.texts() == ("re 2", "re 3")


# --- connection-bound ---------------------------------------------------------------------


@simulated
async def test_where_only_the_connection_sends_messages_wait_for_it() -> None:
    can = replace(KEYED, sends_from=SendsFrom.CONNECTION)
    house = await opened(can=can)
    bot = house.bots["b"]
    bot.is_connected = False
    await house.say("1")
    await house.quiet(HOUR_S)
    assert bot.calls == []
    bot.is_connected = True
    await house.quiet(20.0)
    assert await house.texts() == ("re 1",)
    assert [call.part.verb for call in bot.calls] == [Verb.SEND]


# --- a bot that is gone -------------------------------------------------------------------


@simulated
async def test_what_a_removed_bot_had_to_do_waits_until_it_is_back() -> None:
    house = await opened(
        bots={"b": ScriptedChannel(), "other": ScriptedChannel()},
        handler=Scripted(thinking(5.0), attempts_max=2),
    )
    await house.say("1")
    await house.quiet(3.0)
    await house.crash()
    settings, gone = house.settings, house.bots.pop("b")
    bots = {name: bot for name, bot in settings.bots.items() if name != "b"}
    house.settings = settings.model_copy(update={"bots": bots})
    await house.open()
    await house.say("x", bot="other", room="elsewhere")
    await house.quiet(HOUR_S)
    assert await house.texts("elsewhere", "other") == ("re x",)
    await house.crash()
    house.settings, house.bots["b"] = settings, gone
    await house.open()
    await house.quiet(HOUR_S)
    assert await house.texts() == ("re 1",)


# --- notices ------------------------------------------------------------------------------


@simulated
async def test_a_sentence_of_the_house_is_delivered_like_any_other_message() -> None:
    house = await opened(can=KEYED, routes=(RouteRule(refuse="No."),), script=[ARRIVED_UNKNOWN])
    message = await house.say("1")
    await house.quiet()
    assert await house.texts() == ("No.",)
    assert await house.reason(message) == "rule_refuses"


# --- a connection that comes back -----------------------------------------------------------


@simulated
async def test_what_waits_for_a_connection_leaves_as_soon_as_there_is_one() -> None:
    tied = ScriptedChannel((), Capabilities(sends_from=SendsFrom.CONNECTION))
    house = await opened(bots={"b": tied})
    tied.is_connected = False
    await house.say("1")
    await house.quiet(60.0)
    assert await house.texts() == ()
    tied.is_connected = True
    house.house.around.wakeup.nudge(SENDS, b"b")  # as every channel's status does
    await house.quiet(0.5)
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_platform_that_can_be_reached_again_gets_at_once_what_waits_for_it() -> None:
    away = ScriptedChannel([Answer(NotSent("cannot_reach", retry_after_s=200.0))])
    house = await opened(bots={"b": away})
    await house.say("1")
    await house.quiet(5.0)
    assert await house.texts() == ()
    house.house.around.wakeup.nudge(SENDS, b"b")
    await house.quiet(0.5)
    assert await house.texts() == ("re 1",)


# --- a house that is told to stop -------------------------------------------------------------


class Slow(ScriptedChannel):
    """A platform that takes eight seconds for everything."""

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        await asyncio.sleep(8.0)
        return await super().perform(part, chat)


@simulated
async def test_a_call_under_way_may_end_before_the_house_does() -> None:
    slow = Slow((), NONE)
    house = await opened(bots={"b": slow})
    await house.say("1")
    await house.quiet(0.1)
    await house.close()
    left = [call.outcome for call in slow.calls if call.part.verb is Verb.SEND]
    assert [type(outcome) for outcome in left] == [Sent]
    await house.open()
    await house.quiet(HOUR_S)
    assert await house.texts() == ("re 1",)
    assert await flags(house) == [False]
