"""What people asked of a running turn is not forgotten when the process dies before it obeys."""

import asyncio

from posthouse.model.turn import OnCrash
from posthouse.wakeup.wakeup import CANCELS
from tests.house.kit import HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import edited, recalled


async def running(handler: Scripted) -> HouseKit:
    """A house that hears no nudge to cancel, so that its handler works on until it dies."""
    house = await opened(handler=handler)
    nudge = house.wakeup.nudge
    house.wakeup.nudge = lambda topic, _=b"": nudge(topic) if topic != CANCELS else None  # type: ignore[method-assign,assignment]
    return house


@simulated
async def test_what_was_stopped_before_a_crash_is_not_run_again() -> None:
    handler = Scripted(thinking(10.0), on_crash=OnCrash.RERUN)
    house = await running(handler)
    message = await house.say("1")
    await house.quiet(1.0)
    await house.say("/stop")
    await house.quiet(1.0)
    await house.restart()
    await house.quiet()
    assert handler.seen == ["1"]
    assert await house.texts() == ("Stopped.",)
    assert await house.reason(message) == "stopped"
    await house.check()


@simulated
async def test_what_was_edited_before_a_crash_is_run_once_more() -> None:
    handler = Scripted(thinking(10.0), on_crash=OnCrash.RERUN)
    house = await running(handler)
    message = await house.say("helo")
    await house.quiet(1.0)
    await house.accept(edited(message, "hello", at=house.clock()))
    await house.quiet(1.0)
    await house.restart()
    await house.quiet()
    assert handler.seen == ["helo", "hello"]
    assert await house.texts() == ("re hello",)
    await house.check()


@simulated
async def test_what_was_taken_back_is_withdrawn_however_often_the_process_dies_meanwhile() -> None:
    async def stands_still(call: str) -> None:
        if call == "recall_message":
            await asyncio.Event().wait()

    house = await opened()
    message = await house.say("1")
    await house.quiet(5.0)
    house.troubles = stands_still
    await house.accept(recalled(message, at=house.clock()))
    for _ in range(10):
        await house.quiet(1.0)
        await house.restart()
    house.troubles = None
    await house.restart()
    await house.quiet()
    assert await house.texts() == ()
    await house.check()
