"""What happens to a turn whose handler fails, hangs, says nothing, or dies with the process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from posthouse.handlers.handler import EndOfTurn, Traits, TurnContext
from posthouse.model.action import Action, Ask, Draft, Edit, Note, Recall, Send
from posthouse.model.address import ChatMode
from posthouse.model.errors import TryLater
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, Turn, TurnState
from posthouse.settings.settings import RouteRule
from posthouse.testing.null_channel import ScriptedChannel
from tests.house.kit import Scripted, closed, echo, opened, simulated, thinking

NOTHING_TO_SAY = "I have nothing to say to that."


class Steps:
    """A handler that says a word for every step and can be held between two of them."""

    def __init__(self, **traits: object) -> None:
        self.begun = 0
        self.scripted = Scripted(self._run, **traits)

    async def _run(self, _: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        self.begun += 1
        yield Send(Content("step 1"))
        await context.sleep(10.0)
        yield Send(Content("step 2"))


# --- crashes ------------------------------------------------------------------------------


@simulated
async def test_a_handler_that_may_run_twice_starts_again_with_a_clean_sheet() -> None:
    steps = Steps(on_crash=OnCrash.RERUN)
    house = await opened(handler=steps.scripted)
    await house.say("go")
    await house.quiet(5.0)
    await house.restart()
    await house.quiet()
    assert steps.begun == 2
    assert await house.texts() == ("step 1", "step 2")
    await house.check()


@simulated
async def test_a_handler_that_must_not_run_twice_is_reported() -> None:
    steps = Steps(on_crash=OnCrash.REPORT)
    house = await opened(handler=steps.scripted)
    message = await house.say("go")
    await house.quiet(5.0)
    await house.restart()
    await house.quiet()
    assert steps.begun == 1
    texts = await house.texts()
    assert texts[0] == "step 1"  # what it had said was stored as it said it
    assert "interrupted" in texts[1]
    road = await house.road(message)
    assert road.turn is not None
    assert (road.turn.state, road.turn.reason) == (TurnState.INTERRUPTED, "interrupted")
    await house.check()


@simulated
async def test_it_is_reported_as_well_when_it_had_not_said_anything() -> None:
    house = await opened(handler=Scripted(thinking(10.0), on_crash=OnCrash.REPORT))
    await house.say("go")
    await house.quiet(5.0)
    await house.restart()
    await house.quiet()
    (text,) = await house.texts()
    assert "interrupted" in text


@simulated
async def test_a_handler_that_begins_itself_may_run_again_until_it_has() -> None:
    async def waits_then_works(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        await context.sleep(3.0)
        await context.begin()
        await context.sleep(3.0)
        yield Send(Content(f"re {turn.text}"))

    handler = Scripted(waits_then_works, on_crash=OnCrash.REPORT, begins_itself=True)
    house = await opened(handler=handler)
    await house.say("go")
    await house.quiet(2.0)
    await house.restart()
    await house.quiet(4.0)
    assert handler.seen == ["go", "go"]
    assert await house.texts() == ()
    await house.restart()
    await house.quiet()
    assert handler.seen == ["go", "go"]
    (text,) = await house.texts()
    assert "interrupted" in text
    await house.check()


@simulated
async def test_a_handler_that_reports_says_each_thing_at_once() -> None:
    steps = Steps(on_crash=OnCrash.REPORT)
    house = await opened(handler=steps.scripted)
    await house.say("go")
    await house.quiet(5.0)
    assert await house.texts() == ("step 1",)
    await house.quiet()
    assert await house.texts() == ("step 1", "step 2")
    await house.check()


@simulated
async def test_turns_behind_a_crash_keep_their_order() -> None:
    handler = Scripted(thinking(3.0), attempts_max=5)
    house = await opened(handler=handler)
    for number in range(4):
        await house.say(str(number))
    for _ in range(3):
        await house.quiet(2.0)
        await house.restart()
    await house.quiet()
    assert await house.texts() == ("re 0", "re 1", "re 2", "re 3")


# --- once ---------------------------------------------------------------------------------


class Booking:
    """Books a room at most once, then needs a while."""

    def __init__(self) -> None:
        self.booked = 0
        self.effect_s = 0.0
        self.scripted = Scripted(self._run)

    async def _run(self, _: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        number = await context.once("book", self._book)
        await context.sleep(10.0)
        yield Send(Content(f"booked as {number}"))

    async def _book(self) -> str:
        self.booked += 1
        await asyncio.sleep(self.effect_s)
        return f"no. {self.booked}"


@simulated
async def test_a_side_effect_happens_once_however_often_the_turn_is_run() -> None:
    booking = Booking()
    house = await opened(handler=booking.scripted)
    await house.say("book")
    for _ in range(2):
        await house.quiet(5.0)
        await house.restart()
    await house.quiet()
    assert booking.booked == 1
    assert await house.texts() == ("booked as no. 1",)


@simulated
async def test_a_side_effect_that_was_cut_is_not_repeated_but_told() -> None:
    booking = Booking()
    booking.effect_s = 10.0
    house = await opened(handler=booking.scripted)
    await house.say("book")
    await house.quiet(5.0)
    await house.restart()
    await house.quiet()
    assert booking.booked == 1
    (text,) = await house.texts()
    assert "reference" in text


# --- failures -----------------------------------------------------------------------------


async def raising(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
    yield Send(Content("half an answer"))
    raise LookupError("the cellar is flooded")


@simulated
async def test_a_handler_that_raises_owes_the_person_a_sentence_and_the_operator_a_traceback() -> (
    None
):
    house = await opened(handler=Scripted(raising))
    with capture_logs() as logs:
        message = await house.say("hello")
        await house.quiet()
    (text,) = await house.texts()
    (entry,) = [line for line in logs if line["event"] == "handler_error"]
    assert entry["reference"] in text
    assert "the cellar is flooded" in entry["traceback"]
    assert "cellar" not in text
    assert await house.reason(message) == "handler_error"


@simulated
async def test_a_handler_that_takes_too_long_is_given_up() -> None:
    house = await opened(handler=Scripted(thinking(100.0), max_run_s=30.0))
    message = await house.say("hello")
    await house.say("behind it")
    await house.quiet(31.0)
    (text,) = await house.texts()
    assert "30 s" in text
    assert await house.reason(message) == "handler_timeout"


@simulated
async def test_a_time_out_of_the_handlers_own_is_an_error_like_any_other() -> None:
    async def impatient(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("…")
        raise TimeoutError("the model did not answer")

    house = await opened(handler=Scripted(impatient))
    with capture_logs() as logs:
        message = await house.say("hello")
        await house.quiet()
    assert await house.reason(message) == "handler_error"
    assert any("the model did not answer" in line.get("traceback", "") for line in logs)


@pytest.mark.parametrize("on_crash", list(OnCrash))
@simulated
async def test_what_a_handler_raises_ends_its_turn_and_not_its_lane(on_crash: OnCrash) -> None:
    house = await opened(handler=Scripted(raising, on_crash=on_crash))
    await house.say("1")
    await house.say("2")
    await house.quiet()
    assert sum("reference" in text for text in await house.texts()) == 2
    await house.check()


class Flaky:
    """Asks to be run later, so many times."""

    def __init__(self, failures: int, **traits: object) -> None:
        self.failures = failures
        self.scripted = Scripted(self._run, **traits)

    async def _run(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        if self.failures:
            self.failures -= 1
            raise TryLater("the model is busy")
        async for action in echo(turn, context):
            yield action


@simulated
async def test_a_handler_may_ask_to_be_run_later() -> None:
    house = await opened(handler=Flaky(2, attempts_max=3).scripted)
    await house.say("1")
    await house.say("2")
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_a_turn_that_never_works_is_buried_in_sight_and_its_lane_moves_on() -> None:
    flaky = Flaky(3, attempts_max=3)
    house = await opened(handler=flaky.scripted)
    message = await house.say("1")
    await house.say("2")
    await house.quiet()
    texts = await house.texts()
    assert "Several attempts failed" in texts[0]
    assert texts[1:] == ("re 2",)
    assert await house.reason(message) == "buried"
    (buried,) = await house.store.reader.buried()
    assert f"turn-{buried.id}" in texts[0]
    await house.check()


@simulated
async def test_a_buried_turn_that_is_revived_is_answered() -> None:
    house = await opened(handler=Flaky(3, attempts_max=3).scripted)
    await house.say("1")
    await house.quiet()
    (buried,) = await house.store.reader.buried()
    assert await house.store.journal.revive(buried.id, house.clock())
    await house.quiet()
    assert (await house.texts())[1:] == ("re 1",)
    await house.check()


class Undecided(Scripted):
    """Raises before it is even asked."""

    def __init__(self, times: int) -> None:
        super().__init__(echo)
        self.times = times

    def traits_for(self, turn: Turn) -> Traits:
        if turn.text == "bad" and self.times:
            self.times -= 1
            raise LookupError
        return self.traits


@simulated
async def test_a_turn_that_fails_outside_its_handler_does_not_block_its_session() -> None:
    house = await opened(handler=Undecided(times=10))
    bad = await house.say("bad")
    await house.say("good")
    await house.quiet()
    assert await house.texts() == ("re good",)
    road = await house.road(bad)
    assert road.turn is not None
    assert road.turn.state is TurnState.BURIED
    await house.check()


@simulated
async def test_a_turn_that_failed_so_once_is_answered() -> None:
    house = await opened(handler=Undecided(times=1))
    await house.say("bad")
    await house.say("good")
    await house.quiet()
    assert await house.texts() == ("re bad", "re good")
    await house.check()


@simulated
async def test_a_turn_that_is_buried_twice_says_so_twice() -> None:
    house = await opened(handler=Flaky(6, attempts_max=3).scripted)
    await house.say("1")
    await house.quiet()
    (buried,) = await house.store.reader.buried()
    await house.store.journal.revive(buried.id, house.clock())
    await house.quiet()
    assert sum("Several attempts failed" in text for text in await house.texts()) == 2


@simulated
async def test_a_turn_that_ran_beside_a_crash_loop_is_answered_all_the_same() -> None:
    house = await opened(handler=Scripted(thinking(10.0), attempts_max=1, crashes_max=5))
    await house.say("innocent")
    for _ in range(5):
        await house.quiet(5.0)
        await house.restart()
    await house.quiet()
    (text,) = await house.texts()
    assert "innocent" in text


@simulated
async def test_a_turn_that_kills_the_process_is_buried_too() -> None:
    house = await opened(handler=Scripted(thinking(10.0), crashes_max=3))
    await house.say("poison")
    for _ in range(4):
        await house.quiet(5.0)
        await house.restart()
    await house.quiet()
    (text,) = await house.texts()
    assert "Several attempts failed" in text


@simulated
async def test_a_handler_that_must_not_run_twice_is_not_run_later_either() -> None:
    flaky = Flaky(1, on_crash=OnCrash.REPORT)
    house = await opened(handler=flaky.scripted)
    await house.say("1")
    await house.quiet()
    (text,) = await house.texts()
    assert "reference" in text


@simulated
async def test_a_handler_that_is_no_longer_configured_is_named() -> None:
    house = await opened(
        handlers={"one": Scripted(thinking(0.0), burst_s=5.0), "other": Scripted(echo)},
        routes=(RouteRule(handler="one"),),
    )
    message = await house.say("hello")
    await house.crash()
    del house.handlers["one"]
    house.settings = house.settings.model_copy(update={"routes": (RouteRule(handler="other"),)})
    await house.open()
    await house.quiet()
    (text,) = await house.texts()
    assert "one" in text
    assert await house.reason(message) == "handler_missing"


class BrokenChannel(ScriptedChannel):
    """A foreign channel with a defect."""

    is_broken = True

    def encode(self, content, letter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if self.is_broken:
            raise UnicodeError("cannot encode")
        return super().encode(content, letter)


@simulated
async def test_a_channel_that_cannot_encode_does_not_block_its_chat() -> None:
    channel = BrokenChannel()
    house = await opened(bots={"b": channel})
    message = await house.say("1")
    await house.quiet()
    assert await house.reason(message) == "buried"
    channel.is_broken = False
    await house.say("2")
    await house.quiet()
    assert await house.texts() == ("re 2",)
    await house.check()


@simulated
async def test_a_sentence_of_the_house_that_cannot_be_encoded_fails_in_sight() -> None:
    channel = BrokenChannel()
    house = await opened(bots={"b": channel}, routes=(RouteRule(refuse="No."),))
    await house.say("1")
    await house.quiet()
    channel.is_broken = False
    (troubled,) = await house.store.reader.troubled()
    assert troubled.delivery.reason == "cannot_encode"
    await house.say("2")
    await house.quiet()
    assert await house.texts() == ("No.",)
    await house.check()


# --- addressed means answered -------------------------------------------------------------


async def silent(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
    yield Note("score", "0.2")


@simulated
async def test_who_addresses_the_bot_is_answered_even_by_a_silent_handler() -> None:
    house = await opened(handler=Scripted(silent))
    message = await house.say("hello")
    await house.quiet()
    assert await house.texts() == (NOTHING_TO_SAY,)
    assert await house.reason(message) == "no_answer"


@simulated
async def test_who_talks_to_others_is_not_bothered_by_a_silent_handler() -> None:
    house = await opened(
        handler=Scripted(silent), routes=(RouteRule(addressed=False, handler="demo"),)
    )
    message = await house.say("hello", is_addressed=False)
    await house.quiet()
    assert await house.texts() == ()
    assert await house.reason(message) == "answered"


@simulated
async def test_changing_what_was_said_is_an_answer() -> None:
    async def correct(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        if turn.text == "first":
            yield Send(Content("wrong"))
            yield Send(Content("superfluous"))
        else:
            yield Edit(1, Content("right"))
            yield Recall(2)

    house = await opened(handler=Scripted(correct))
    await house.say("first")
    await house.quiet()
    await house.say("correct that")
    await house.quiet()
    assert await house.texts() == ("right",)


@simulated
async def test_a_handler_that_takes_no_notice_of_being_stopped_says_nothing_more() -> None:
    async def stubborn(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        for _again in range(2):
            with suppress(asyncio.CancelledError):
                await context.sleep(10.0)
        yield Send(Content("here I am"))

    house = await opened(handler=Scripted(stubborn))
    await house.say("1")
    await house.quiet(5.0)
    await house.say("/stop")
    await house.quiet()
    assert await house.texts() == ("Stopped.",)
    await house.check()


@simulated
async def test_stopping_before_the_first_step_does_not_block_the_lane() -> None:
    house = closed(handler=Scripted(thinking(1.0)))
    await house.open()
    await house.say("1")
    while not house.house.dispatcher.running:  # noqa: ASYNC110 - up to the very step
        await asyncio.sleep(0)  # now it is handed out, and its task has not begun
    house.wakeup.nudge("cancels", b"1")
    await house.quiet()
    await house.say("2")
    await house.quiet()
    assert await house.texts() == ("re 1", "re 2")


@simulated
async def test_a_draft_without_an_answer_is_ended_with_a_sentence() -> None:
    async def begins(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("I think")

    house = await opened(handler=Scripted(begins))
    await house.say("1")
    await house.quiet()
    assert await house.texts() == (NOTHING_TO_SAY,)


@simulated
async def test_a_question_is_an_answer() -> None:
    async def asks(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Ask(Content("Sure?"), ("yes",))

    house = await opened(handler=Scripted(asks))
    await house.say("1")
    await house.quiet()
    assert await house.texts() == ("Sure?",)


# --- silence ------------------------------------------------------------------------------


def staying_silent(*, is_announced: bool = False) -> Scripted:
    async def handle(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Note("gate", "0.41")
        raise EndOfTurn("unsure 0.41<0.55", is_announced=is_announced)

    return Scripted(handle)


@pytest.mark.parametrize(
    ("is_announced", "is_addressed", "said"),
    [(False, True, (NOTHING_TO_SAY,)), (True, True, ()), (False, False, ())],
)
@simulated
async def test_silence_has_a_reason_and_is_no_surprise(
    *, is_announced: bool, is_addressed: bool, said: tuple[str, ...]
) -> None:
    handler = staying_silent(is_announced=is_announced)
    house = await opened(handler=handler, routes=(RouteRule(handler="demo"),))
    await house.store.chats.set_mode((await house.chat()).id, ChatMode.LISTEN, house.clock())
    message = await house.say("hm", is_addressed=is_addressed)
    await house.quiet(5.0)
    assert await house.texts() == said
    assert await house.reason(message) == "unsure 0.41<0.55"
    await house.check()
