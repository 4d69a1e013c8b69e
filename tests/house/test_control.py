"""Orders come first: stop, new, pause, modes, welcome."""

from collections.abc import AsyncGenerator

import pytest

from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action
from posthouse.model.address import ChatMode, Role
from posthouse.model.turn import Turn
from posthouse.testing.null_channel import ScriptedChannel
from posthouse.wakeup.wakeup import CANCELS
from tests.house.kit import HouseKit, Scripted, echo, opened, simulated, thinking
from tests.house.people import joined, said


@simulated
async def test_control_goes_before_what_was_received_earlier() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(handler=handler)
    first = await house.say("1")
    await house.say("2")
    await house.say("3")
    await house.quiet(1.0)
    order = await house.say("豆哥撤回")
    await house.quiet()
    # The running one was cancelled and is not run again, the waiting ones survive.
    assert handler.seen == ["1", "2", "3"]
    assert await house.texts() == ("Stopped 1 answers in the making.", "re 2", "re 3")
    assert await house.reason(first) == "recalled"
    assert await house.reason(order) == "answered"
    await house.check()


@simulated
async def test_while_control_has_work_nothing_else_of_the_chat_is_handed_out() -> None:
    handler = Scripted(echo)
    house = await opened(handler=handler)
    await house.accept(
        said("1", at=house.clock()),
        said("2", who="ben", at=house.clock()),
        said("撤回", at=house.clock()),
    )
    await house.quiet()
    assert (await house.texts())[0] == "There is nothing to take back."
    assert set(await house.texts()) >= {"re 1", "re 2"}


@simulated
async def test_a_lost_nudge_costs_only_work() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(handler=handler)
    message = await house.say("1")
    await house.quiet(1.0)
    nudge = house.wakeup.nudge
    house.wakeup.nudge = lambda topic, _=b"": nudge(topic) if topic != CANCELS else None  # type: ignore[method-assign,assignment]
    await house.say("/stop")
    await house.quiet()
    assert await house.texts() == ("Stopped.",)
    assert await house.reason(message) == "stopped"


@simulated
async def test_stop_ends_what_is_running_and_what_waits_in_the_session() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(handler=handler)
    running, waiting = await house.say("1"), await house.say("2")
    other = await house.say("3", who="ben")
    await house.quiet(1.0)
    await house.say("stop")
    await house.quiet()
    assert await house.texts() == ("Stopped.", "re 3")
    assert await house.reason(running) == "stopped"
    assert await house.reason(waiting) == "stopped"
    assert await house.reason(other) == "answered"
    await house.check()


@simulated
async def test_stop_without_work_says_so() -> None:
    house = await opened()
    await house.say("/stop")
    await house.quiet()
    assert await house.texts() == ("Nothing is running.",)


@simulated
async def test_new_sets_the_history_aside() -> None:
    remembered: list[int] = []

    async def remember(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        remembered.append(len(await context.history()))
        async for action in echo(turn, context):
            yield action

    house = await opened(handler=Scripted(remember))
    await house.say("one")
    await house.quiet(5.0)
    await house.say("two")
    await house.quiet(5.0)
    await house.say("/new")
    await house.quiet(5.0)
    await house.say("three")
    await house.quiet(5.0)
    assert remembered[0] == 0
    assert remembered[1] >= 2
    assert remembered[2] == 0


@simulated
async def test_orders_are_no_part_of_the_conversation() -> None:
    remembered: list[tuple[str, str]] = []

    async def remember(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        remembered[:] = await context.history()
        async for action in echo(turn, context):
            yield action

    house = await opened(handler=Scripted(remember))
    for words in ("one", "/mode", "/stop", "two"):
        await house.say(words, role=Role.ADMIN)
        await house.quiet(5.0)
    assert remembered == [("person", "one"), ("bot", "re one")]


# --- modes --------------------------------------------------------------------------------


async def pause(house: HouseKit, order: str = "/pause") -> None:
    await house.say(order, role=Role.ADMIN, who="boss")
    await house.quiet(5.0)


@simulated
async def test_a_pause_is_announced_once_to_those_who_ask() -> None:
    house = await opened()
    await pause(house)
    refused = await house.say("1")
    await house.say("2")
    await house.say("3", is_addressed=False)
    await house.quiet(5.0)
    assert await house.texts() == (
        "Paused. Send /resume to go on.",
        "I am paused; a colleague is taking care of you.",
    )
    assert await house.reason(refused) == "paused"
    await house.say("/resume", role=Role.OWNER)
    await house.quiet(5.0)
    await house.say("4")
    await house.quiet(5.0)
    assert (await house.texts())[2:] == ("Back again.", "re 4")


@simulated
async def test_the_next_pause_is_announced_again() -> None:
    house = await opened()
    await pause(house)
    await house.say("1")
    await house.quiet(5.0)
    await pause(house, "/resume")
    await pause(house)
    await house.say("2")
    await house.quiet(5.0)
    assert sum("colleague" in text for text in await house.texts()) == 2


@simulated
async def test_a_pause_ends_by_itself() -> None:
    house = await opened()
    await pause(house, "/pause 30m")
    await house.say("early")
    await house.quiet(1800.0)
    await house.say("later")
    await house.quiet(5.0)
    texts = await house.texts()
    assert texts[0].startswith("Paused until")
    assert texts[-1] == "re later"
    assert "re early" not in texts


@pytest.mark.parametrize(
    ("order", "wait_s"), [("/pause", 5.0), ("/pause 30m", 5.0), ("/pause 30m", 1800.0)]
)
@pytest.mark.parametrize("mode", [ChatMode.LISTEN, ChatMode.MENTION])
@simulated
async def test_a_pause_ends_in_the_mode_before_it(
    mode: ChatMode, order: str, wait_s: float
) -> None:
    house = await opened()
    await pause(house, f"/mode {mode}")
    await pause(house, order)
    await pause(house)  # once more: nothing is forgotten
    await pause(house, order)
    await house.quiet(wait_s)
    assert (await house.chat()).mode_at(house.clock()) is (
        mode if wait_s == 1800.0 else ChatMode.PAUSED
    )
    await pause(house, "/resume")
    assert (await house.chat()).mode_at(house.clock()) is mode


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("/pause soon", "I did not understand the time"),
        ("/mode", "The mode here: answering when mentioned (mention)."),
        ("/mode LISTEN", "The mode here: listening along (listen)."),
        ("/mode nonsense", "No such mode."),
        ("/resume", "The mode here: answering when mentioned (mention)."),
    ],
)
@simulated
async def test_orders_about_the_mode_are_answered(order: str, answer: str) -> None:
    house = await opened()
    await pause(house, order)
    assert (await house.texts())[0].startswith(answer)


@simulated
async def test_only_those_who_run_a_group_change_its_mode() -> None:
    house = await opened()
    await house.say("/pause")
    await house.quiet(5.0)
    assert "administrator" in (await house.texts())[0]
    assert (await house.chat()).mode is ChatMode.MENTION


@simulated
async def test_a_chat_in_the_shadow_is_decided_and_not_answered() -> None:
    house = await opened()
    await pause(house, "/mode shadow")
    message = await house.say("hello")
    await house.quiet(5.0)
    assert await house.texts() == ("The mode here: in the shadow (shadow).",)
    road = await house.road(message)
    assert road.turn is not None
    assert road.turn.reason == "shadow"
    assert road.turn.notes == (("would_say", "re hello"),)
    assert road.deliveries == ()


@simulated
async def test_a_chat_that_listens_hears_everybody() -> None:
    house = await opened()
    await pause(house, "/mode listen")
    await house.say("hello", is_addressed=False)
    await house.quiet(5.0)
    assert (await house.texts())[1:] == ("re hello",)


@simulated
async def test_a_bot_that_joins_says_its_name_and_its_mode_in_words() -> None:
    house = await opened()
    await house.accept(joined(at=house.clock()))
    await house.quiet(5.0)
    (welcome,) = await house.texts()
    assert welcome.startswith("Hello, I am b. My mode here: answering when mentioned.")


@simulated
async def test_a_bot_goes_by_the_name_that_its_channel_gives_it() -> None:
    class Named(ScriptedChannel):
        title = "Posty"

    house = await opened(bots={"b": Named()})
    await house.accept(joined(at=house.clock()))
    await house.quiet(5.0)
    (welcome,) = await house.texts()
    assert welcome.startswith("Hello, I am Posty.")
