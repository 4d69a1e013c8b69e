"""The button below a growing answer: it stops that answer, at once, for whoever asked for it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Draft, Send
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, Turn
from posthouse.store.grants import ChatOperator
from posthouse.testing.null_channel import CAPABILITIES, Shown
from posthouse.wakeup.wakeup import CANCELS
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import edited, pressed
from tests.house.presses import Press

STOPPED = "(stopped)"


class Aloud(Scripted):
    """Thinks aloud for a while, then answers; knows how often it was made to stop."""

    def __init__(self, seconds: int = 10, **traits: object) -> None:
        super().__init__(self._think, **traits)
        self._seconds = seconds
        self.closed = 0

    async def _think(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        try:
            for count in range(1, self._seconds + 1):
                yield Draft(f"{turn.text} word" * count)
                await context.sleep(1.0)
        except BaseException:
            self.closed += 1
            raise
        yield Send(Content(f"{turn.text} answered"))


async def growing(*people: str, **choices: object) -> HouseKit:
    """A house in the middle of an answer to each of these."""
    house = await opened(**{"handler": Aloud()} | choices)
    for who in people or ("ann",):
        await house.say(f"[{who}]", who=who)
    await house.quiet(4.6)
    return house


async def shown(house: HouseKit) -> tuple[Shown, ...]:
    return house.bots["b"].shown((await house.chat()).id)


async def turn_of(house: HouseKit, who: str = "ann") -> int:
    for road in await house.store.reader.recent((await house.chat()).id):
        if road.event.text == f"[{who}]" and road.turn is not None:
            return road.turn.id
    raise AssertionError(who)


async def press(house: HouseKit, who: str = "ann", *, below: str = "ann") -> str:
    """Press the button below an answer to somebody; returns what is shown about it."""
    pressing = Press(house, f"stop:{await turn_of(house, below)}", who)
    await house.quiet(2.5)
    return (pressing.toast or b"").decode()


@simulated
async def test_a_growing_answer_can_be_stopped_until_it_is_finished() -> None:
    house = await growing()
    (message,) = await shown(house)
    assert (message.is_draft, message.words.choices) == (True, ("Stop",))
    await house.quiet()
    (message,) = await shown(house)
    assert (message.words.text, message.words.choices) == ("[ann] answered", ())


@simulated
async def test_where_no_button_can_stand_below_it_there_is_none() -> None:
    house = await growing(can=replace(CAPABILITIES, has_draft_buttons=False))
    (message,) = await shown(house)
    assert message.words.choices == ()


@simulated
async def test_a_press_stops_it_at_once_and_what_was_said_stays() -> None:
    handler = Aloud()
    house = await growing(handler=handler)
    pressing = Press(house, f"stop:{await turn_of(house)}")
    await house.quiet(0.1)
    assert (pressing.toast, handler.closed) == (b"Stopped.", 1)
    await house.quiet()
    (message,) = await shown(house)
    assert message.words.text.startswith("[ann] word[ann] word")
    assert message.words.text.endswith(STOPPED)
    assert message.words.choices == ()
    assert not message.is_draft
    await house.check()


@simulated
async def test_a_press_that_nobody_waits_for_says_nothing_more() -> None:
    """Where no toast can be shown, the answer's own mark says it."""
    house = await growing()
    await house.accept(pressed(f"stop:{await turn_of(house)}", at=house.clock()))
    await house.quiet()
    (text,) = await house.texts()
    assert text.endswith(STOPPED)
    await house.check()


@simulated
async def test_nobody_else_in_the_room_may_stop_it() -> None:
    house = await growing()
    assert await press(house, "ben") == (
        "Only the person who asked, or an operator, may stop this answer."
    )
    await house.quiet()
    assert await house.texts() == ("[ann] answered",)
    await house.check()


@simulated
async def test_an_operator_may_stop_it() -> None:
    house = await growing()
    operator = ChatOperator(bot="b", person="boss", name="Boss", chat=None)
    await house.store.grants.make_operator(operator, "cli", house.clock())
    assert await press(house, "boss") == "Stopped."
    (text,) = await house.texts()
    assert text.endswith(STOPPED)


@simulated
async def test_two_who_ask_at_once_stop_each_their_own() -> None:
    house = await growing("ann", "ben")
    assert await press(house, "ben", below="ben") == "Stopped."
    await house.quiet()
    of_ann, of_ben = await house.texts()
    assert of_ann == "[ann] answered"
    assert of_ben.endswith(STOPPED)
    await house.check()


@simulated
async def test_a_press_twice_or_late_is_told_so() -> None:
    house = await growing()
    assert [await press(house), await press(house)] == ["Stopped."] * 2
    assert len(await house.texts()) == 1
    await house.say("[ben]", who="ben")
    await house.quiet()
    assert await press(house, "ben", below="ben") == "This answer has ended already."
    assert (await house.texts())[1:] == ("[ben] answered",)
    await house.check()


@pytest.mark.parametrize("token", ["stop:999", "stop:0", "stop:-1", "stop:", "stop:1e3", "stop:²"])
@simulated
async def test_a_forged_button_stops_nothing(token: str) -> None:
    house = await growing()
    pressing = Press(house, token)
    await house.quiet()
    assert pressing.toast == b"This button is no longer in use."
    assert await house.texts() == ("[ann] answered",)


@simulated
async def test_a_button_works_only_in_its_own_chat() -> None:
    house = await growing()
    pressing = Press(house, f"stop:{await turn_of(house)}", room="another")
    await house.quiet()
    assert pressing.toast == b"This button is no longer in use."
    assert await house.texts() == ("[ann] answered",)


@simulated
async def test_an_edited_question_grows_anew_and_can_still_be_stopped() -> None:
    handler = Aloud()
    house = await opened(handler=handler)
    message = await house.say("[ann]")
    await house.quiet(4.6)
    await house.accept(edited(message, "[new]", at=house.clock()))
    await house.quiet(4.6)
    (before,) = await shown(house)
    assert before.words.choices == ("Stop",)
    assert before.words.text.startswith("[new]")
    number = (await house.road(message)).turn
    assert number is not None
    await house.accept(pressed(f"stop:{number.id}", at=house.clock()))
    await house.quiet()
    (text,) = await house.texts()
    assert text.startswith("[new]")
    assert text.endswith(STOPPED)
    assert handler.seen == ["[ann]", "[new]"]
    await house.check()


@simulated
async def test_after_a_restart_the_same_button_works() -> None:
    house = await growing()
    await house.restart()
    await house.quiet(3.0)
    assert await press(house) == "Stopped."
    (text,) = await house.texts()
    assert text.endswith(STOPPED)
    await house.check()


@pytest.mark.parametrize("way", ["button", "word"])
@pytest.mark.parametrize(
    "point", ["accept:after-commit", "stop:before-commit", "stop:after-commit"]
)
@simulated
async def test_a_crash_between_the_press_and_the_stop_does_not_lose_it(
    way: str, point: str
) -> None:
    handler = Aloud()
    house = await growing(handler=handler)
    house.dies_at = point
    order = pressed(f"stop:{await turn_of(house)}", at=house.clock())
    said = house.accept(order) if way == "button" else house.say("/stop")
    waiting = asyncio.ensure_future(said)
    await asyncio.wait_for(house.died.wait(), 5.0)
    await house.restart()
    await house.quiet()
    waiting.cancel()
    text, *others = await house.texts()
    assert text.endswith(STOPPED)
    assert others == (["Stopped."] if way == "word" else [])
    assert not (await shown(house))[0].is_draft
    assert handler.seen == ["[ann]"]
    await house.check()


@simulated
async def test_a_stop_that_nobody_heard_before_a_crash_is_not_run_again() -> None:
    handler = Aloud(on_crash=OnCrash.RERUN)
    house = await growing(handler=handler)
    nudge = house.wakeup.nudge
    house.wakeup.nudge = lambda topic, _=b"": nudge(topic) if topic != CANCELS else None  # type: ignore[method-assign,assignment]
    await press(house)
    await house.restart()
    await house.quiet()
    assert handler.seen == ["[ann]"]
    (message,) = await shown(house)
    assert message.words.text.endswith(STOPPED)
    assert (message.is_draft, message.words.choices) == (False, ())
    await house.check()


@simulated
async def test_after_a_graceful_stop_the_press_finds_the_answer_where_it_was_left() -> None:
    house = await growing(handler=Aloud(60))
    number = await turn_of(house)
    await house.close()
    await house.open()
    pressing = Press(house, f"stop:{number}")
    await house.quiet()
    assert pressing.toast == b"Stopped."
    (text,) = await house.texts()
    assert text.endswith(STOPPED)
    await house.check()


@simulated
async def test_what_a_command_has_said_is_not_taken_back_by_stopping_it() -> None:
    """Its first words have settled the growing message; there is nothing left to settle."""

    async def reports(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("working")
        await context.sleep(3.0)
        yield Send(Content("half of it is done"))
        await context.sleep(20.0)
        yield Send(Content("all of it is done"))

    house = await growing(handler=Scripted(reports, on_crash=OnCrash.REPORT))
    assert await house.texts() == ("half of it is done",)
    await house.say("/stop")
    await house.quiet()
    assert await house.texts() == ("half of it is done", "Stopped.")
    await house.check()
