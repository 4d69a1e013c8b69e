"""Some platforms want the answer inside their own HTTP request: it is carried there, once."""

import asyncio
from collections.abc import AsyncGenerator

from msgspec.structs import replace

from posthouse.gateway.inbox import BotDoor
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Draft, Send
from posthouse.model.address import Entrance
from posthouse.model.capabilities import Capabilities
from posthouse.model.event import MessageReceived
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.testing.null_channel import CAPABILITIES
from posthouse.wakeup.wakeup import SLOTS
from tests.house.kit import HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import edited, said

SLOT = Capabilities(slot_s=5.0, can_recall=True)
WAIT_S = 5.0


class Request:
    """One HTTP request of the platform, which waits for its response."""

    def __init__(
        self, house: HouseKit, message: MessageReceived, *, is_written: bool = True
    ) -> None:
        self.body: bytes | None = None
        self._door: BotDoor = house.house.inbox.door(house.house.bots["b"])
        self._message = message
        self._is_written = is_written
        self.task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        self.body = await self._door.answer((self._message,), Entrance.WEBHOOK, WAIT_S)
        await self._door.answered((self._message,), is_written=self._is_written)


async def asked(seconds: float = 1.0, **choices: object) -> tuple[HouseKit, MessageReceived]:
    house = await opened(**{"handler": Scripted(thinking(seconds)), "can": SLOT} | choices)
    return house, said("1", at=house.clock())


def body_of(request: Request) -> str:
    assert request.body is not None
    return request.body.decode()


@simulated
async def test_an_answer_in_time_travels_in_the_response() -> None:
    house, message = await asked()
    request = Request(house, message)
    await house.quiet()
    assert "re 1" in body_of(request)
    assert house.bots["b"].calls == []
    (row,) = (await house.road(message)).deliveries
    assert (row.delivery.state, row.delivery.platform_ids) == ("sent", ())
    await house.check()


@simulated
async def test_an_answer_that_is_too_late_goes_the_normal_road() -> None:
    house, message = await asked(seconds=7.0)
    request = Request(house, message)
    await house.quiet()
    assert request.body is None
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_duplicate_while_we_think_gets_the_same_bytes() -> None:
    house, message = await asked(seconds=4.0)
    first = Request(house, message)
    await house.quiet(2.0)
    second = Request(house, message)
    await house.quiet()
    assert body_of(first) == body_of(second)
    assert house.bots["b"].calls == []


@simulated
async def test_a_duplicate_afterwards_gets_the_same_bytes() -> None:
    house, message = await asked()
    first = Request(house, message)
    await house.quiet(60.0)
    second = Request(house, message)
    await house.quiet(1.0)
    assert body_of(first) == body_of(second)
    assert house.bots["b"].calls == []


@simulated
async def test_a_duplicate_after_a_restart_gets_the_same_bytes() -> None:
    house, message = await asked()
    first = Request(house, message)
    await house.quiet(60.0)
    await house.restart()
    second = Request(house, message)
    await house.quiet(1.0)
    assert body_of(first) == body_of(second)


@simulated
async def test_a_duplicate_of_an_answer_that_came_too_late_gets_nothing_twice() -> None:
    house, message = await asked(seconds=7.0)
    Request(house, message)
    await house.quiet(60.0)
    asked_at = house.clock()
    second = Request(house, message)
    await second.task
    assert second.body is None
    assert house.clock() == asked_at, "there is nothing to wait for"
    await house.quiet()
    assert await house.texts() == ("re 1",)


@simulated
async def test_a_response_waits_no_longer_when_another_gateway_has_run_its_turn() -> None:
    house, message = await asked(seconds=4.0)
    request = Request(house, message)
    await house.quiet(1.0)
    house.wakeup.nudge(SLOTS, str((await house.road(message)).event.id).encode())
    asked_at = house.clock()
    await request.task
    assert (request.body, house.clock()) == (None, asked_at)
    await house.quiet()
    assert await house.texts() == ("re 1",), "it comes by the normal road"


@simulated
async def test_a_gateway_tells_others_of_a_turn_whose_response_does_not_wait_with_it() -> None:
    house, message = await asked(seconds=7.0)
    heard: list[bytes] = []
    house.wakeup.listen(SLOTS, heard.append)
    request = Request(house, message)
    await request.task  # the time of its response is over before that of its turn
    assert heard == []
    await house.quiet()
    assert {*heard} == {str((await house.road(message)).event.id).encode()}


@simulated
async def test_a_response_that_could_not_be_written_is_unclear_and_repeated_once_flagged() -> None:
    house, message = await asked()
    Request(house, message, is_written=False)
    await house.quiet()
    assert await house.texts() == ("re 1",)
    (row,) = (await house.road(message)).deliveries
    assert row.delivery.may_be_duplicate
    await house.check()


@simulated
async def test_a_crash_before_the_response_is_written() -> None:
    house, message = await asked()
    house.dies_at = "send:before"
    Request(house, message)
    await house.quiet(2.0)
    await house.restart()
    await house.quiet()
    assert await house.texts() == ("re 1",)
    await house.check()


@simulated
async def test_a_crash_after_the_response_was_written() -> None:
    house, message = await asked()
    house.dies_at = "send:after"
    first = Request(house, message)
    await house.quiet(2.0)
    assert "re 1" in body_of(first)
    await house.restart()
    repeat = Request(house, message)
    await house.quiet()
    assert body_of(repeat) == body_of(first)
    (row,) = (await house.road(message)).deliveries
    assert row.delivery.may_be_duplicate  # nobody could tell that it had been written


@simulated
async def test_what_follows_the_first_message_goes_the_normal_road() -> None:
    async def twice(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Send(Content("first"))
        yield Send(Content("second"))

    house, message = await asked(handler=Scripted(twice))
    request = Request(house, message)
    await house.quiet()
    assert "first" in body_of(request)
    assert await house.texts() == ("second",)


@simulated
async def test_behind_a_queue_nothing_travels_in_the_response() -> None:
    house, message = await asked(seconds=0.0)
    bot = house.bots["b"]
    bot.hold()
    await house.say("0")
    await house.quiet(1.0)
    request = Request(house, message)
    await house.quiet(10.0)
    assert request.body is None
    bot.release()
    await house.quiet()
    assert await house.texts() == ("re 0", "re 1")
    repeat = Request(house, message)
    await house.quiet()
    assert repeat.body is None


@simulated
async def test_a_message_that_nobody_answers_gets_an_empty_response_at_once() -> None:
    house, _ = await asked()
    request = Request(house, said("gossip", is_addressed=False, at=house.clock()))
    await house.quiet(0.1)
    assert request.task.done()
    assert request.body is None


@simulated
async def test_an_answer_that_has_grown_elsewhere_does_not_travel_in_the_response() -> None:
    async def aloud(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("I think")
        await context.sleep(2.0)
        yield Send(Content("the answer"))

    house, message = await asked(handler=Scripted(aloud), can=replace(CAPABILITIES, slot_s=5.0))
    request = Request(house, message)
    await house.quiet(1.0)
    assert request.task.done()  # nobody waits for what will not come
    await house.quiet()
    assert request.body is None
    assert await house.texts() == ("the answer",)


@simulated
async def test_nobody_waits_for_the_answer_to_an_edit() -> None:
    house, message = await asked()
    await house.accept(message)
    door: BotDoor = house.house.inbox.door(house.house.bots["b"])
    began_at = asyncio.get_running_loop().time()
    change = edited(message, "2", at=house.clock())
    assert await door.answer((change,), Entrance.WEBHOOK, WAIT_S) is None
    assert asyncio.get_running_loop().time() == began_at
    await house.quiet()
    assert await house.texts() == ("re 2",)
