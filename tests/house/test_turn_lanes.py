"""Turns of one session run one at a time, in order; different sessions side by side."""

from posthouse.model.address import SessionKind
from posthouse.settings.settings import GatewaySettings
from posthouse.testing.null_channel import ScriptedChannel
from tests.house.kit import Scripted, opened, simulated, thinking


@simulated
async def test_an_answer() -> None:
    house = await opened()
    message = await house.say("hello")
    await house.quiet()
    assert await house.texts() == ("re hello",)
    assert await house.reason(message) == "answered"
    await house.check()


@simulated
async def test_one_session_is_answered_in_the_order_of_arrival() -> None:
    house = await opened(handler=Scripted(thinking(5.0)))
    for number in range(5):
        await house.say(str(number))
    await house.quiet()
    assert await house.texts() == ("re 0", "re 1", "re 2", "re 3", "re 4")


@simulated
async def test_turns_of_one_session_never_overlap() -> None:
    handler = Scripted(thinking(5.0))
    house = await opened(handler=handler)
    await house.say("1")
    await house.say("2")
    await house.quiet(4.0)
    assert handler.seen == ["1"]
    await house.quiet(2.0)
    assert handler.seen == ["1", "2"]


@simulated
async def test_two_people_in_one_group_do_not_wait_for_each_other() -> None:
    handler = Scripted(thinking(5.0))
    house = await opened(handler=handler)
    await house.say("1", who="ann")
    await house.say("2", who="ben")
    await house.quiet(1.0)
    assert handler.seen == ["1", "2"]
    await house.quiet(5.0)
    assert sorted(await house.texts()) == ["re 1", "re 2"]


@simulated
async def test_a_chat_may_be_one_session() -> None:
    handler = Scripted(thinking(5.0))
    house = await opened(handler=handler)
    chat = await house.chat()
    await house.store.chats.set_session_kind(chat.id, SessionKind.CHAT)
    await house.say("1", who="ann")
    await house.say("2", who="ben")
    await house.quiet(1.0)
    assert handler.seen == ["1"]


@simulated
async def test_a_session_goes_on_without_waiting_for_its_answers_to_be_sent() -> None:
    handler = Scripted(thinking(1.0))
    house = await opened(handler=handler)
    bot = house.bots["b"]
    bot.hold()
    await house.say("1")
    await house.say("2")
    await house.quiet(5.0)
    assert handler.seen == ["1", "2"]
    assert await house.texts() == ()
    bot.release()
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_what_belongs_together_is_one_turn() -> None:
    handler = Scripted(thinking(0.0), burst_s=1.5)
    house = await opened(handler=handler)
    await house.say("a picture")
    await house.quiet(1.0)
    await house.say("what is on it?")
    await house.quiet(1.4)
    assert handler.seen == []
    await house.quiet(1.0)
    assert handler.seen == ["a picture\nwhat is on it?"]


@simulated
async def test_a_burst_ends_when_nobody_adds_to_it() -> None:
    handler = Scripted(thinking(0.0), burst_s=1.5)
    house = await opened(handler=handler)
    await house.say("1")
    await house.quiet(1.6)
    await house.say("2")
    await house.quiet()
    assert handler.seen == ["1", "2"]


@simulated
async def test_a_burst_does_not_grow_for_ever() -> None:
    handler = Scripted(thinking(0.0), burst_s=5.0)
    house = await opened(handler=handler)
    for number in range(30):
        await house.say(str(number))
        await house.quiet(1.0)
    await house.quiet()
    sizes = [len(words.split()) for words in handler.seen]
    assert sum(sizes) == 30
    assert max(sizes) <= 11  # ten seconds
    for _ in range(45):
        await house.say("x")
    await house.quiet()
    assert [len(words.split()) for words in handler.seen[len(sizes) :]] == [20, 20, 5]


@simulated
async def test_a_burst_is_of_one_person_and_one_handler() -> None:
    handler = Scripted(thinking(0.0), burst_s=1.5)
    house = await opened(handler=handler)
    await house.say("1", who="ann")
    await house.say("2", who="ben")
    await house.say("/help", who="ann")
    await house.quiet()
    assert sorted(handler.seen) == ["1", "2"]


@simulated
async def test_with_every_nudge_lost_things_only_take_longer() -> None:
    house = await opened()
    house.wakeup.nudge = lambda *_: None  # type: ignore[method-assign]
    await house.say("1")
    await house.quiet(40.0)
    assert await house.texts() == ("re 1",)
    await house.say("撤回")
    await house.quiet(80.0)
    assert await house.texts() == ("Took back 1.",)


@simulated
async def test_a_repeat_changes_nothing() -> None:
    handler = Scripted(thinking(0.0))
    house = await opened(handler=handler)
    message = await house.say("hello")
    first = await house.accept(message)
    again = await house.accept(message)
    await house.quiet()
    assert first == again
    assert handler.seen == ["hello"]


@simulated
async def test_so_many_turns_run_at_once_and_no_more() -> None:
    handler = Scripted(thinking(5.0))
    house = await opened(handler=handler, gateway=GatewaySettings(turns_max=3))
    for number in range(7):
        await house.say(str(number), who=f"p{number}")
    await house.quiet(1.0)
    assert len(handler.seen) == 3
    await house.quiet(5.0)
    assert len(handler.seen) == 6
    await house.quiet()
    assert len(await house.texts()) == 7


@simulated
async def test_so_many_calls_are_made_at_once_and_no_more() -> None:
    house = await opened(gateway=GatewaySettings(sends_max=3))
    bot = house.bots["b"]
    bot.hold()
    for number in range(7):
        await house.say("x", room=f"room{number}")
    await house.quiet(1.0)
    assert len(bot.in_flight) == 3
    bot.release()
    await house.quiet()
    assert len(bot.calls) == 7


@simulated
async def test_bots_share_the_calls_that_may_be_made_at_once() -> None:
    house = await opened(
        bots={"b": ScriptedChannel(), "other": ScriptedChannel()},
        gateway=GatewaySettings(sends_max=3),
    )
    for bot in house.bots.values():
        bot.hold()
    for number in range(20):
        for name in house.bots:
            await house.say("x", room=f"room{number}", bot=name)
    await house.quiet(1.0)
    assert sorted(len(bot.in_flight) for bot in house.bots.values()) == [1, 2]
    for bot in house.bots.values():
        bot.release()
    await house.quiet()
    assert [len(bot.calls) for bot in house.bots.values()] == [20, 20]


@simulated
async def test_a_flooded_chat_does_not_slow_the_others() -> None:
    handler = Scripted(thinking(1.0), session_queue_max=10_000)
    house = await opened(handler=handler, gateway=GatewaySettings(turns_max=4))
    for number in range(300):
        await house.say(str(number), room="flooded")
    await house.quiet(10.0)
    await house.say("hello", room="quiet")
    await house.quiet(1.5)
    assert await house.texts("quiet") == ("re hello",)


@simulated
async def test_room_that_an_accept_kept_for_nothing_is_used_at_once() -> None:
    """Events that nobody answers keep room while they are written: it must not be missed after."""
    house = await opened(gateway=GatewaySettings(turns_max=2))
    dispatcher = house.house.dispatcher
    reserved = dispatcher.reserve(1000)
    await house.say("1")
    await house.quiet(1.0)
    before = await house.texts()
    dispatcher.take((), reserved)
    await house.quiet(1.0)
    assert (reserved, before, await house.texts()) == (2, (), ("re 1",))
    await house.check()


@simulated
async def test_a_full_house_goes_on_as_soon_as_a_turn_ends() -> None:
    house = await opened(handler=Scripted(thinking(3.0)), gateway=GatewaySettings(turns_max=1))
    for number in range(4):
        await house.say(str(number), who=f"person {number}")
    await house.quiet(12.5)
    assert len(await house.texts()) == 4
    await house.check()
