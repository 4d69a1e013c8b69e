"""A growing answer is one message: opened once, updated when there is budget, settled always."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from posthouse.channels.channel import Part, Verb
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Draft, Send
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities, DraftKind
from posthouse.model.delivery import NotSent, Outcome
from posthouse.model.errors import TryLater
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, Turn
from posthouse.testing.null_channel import ARRIVED_UNKNOWN, CAPABILITIES, REFUSED, ScriptedChannel
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import recalled

KEYLESS = replace(CAPABILITIES, resend_key_window_s=0.0)


async def aloud(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
    """Ten seconds of thinking aloud, then the answer."""
    for count in range(1, 11):
        yield Draft("word " * count)
        await context.sleep(1.0)
    yield Send(Content("the answer"))


async def growing(seconds: float = 4.6, **choices: object) -> HouseKit:
    """A house in the middle of an answer."""
    house = await opened(**{"handler": Scripted(aloud)} | choices)
    await house.say("tell me")
    await house.quiet(seconds)
    return house


def sends(house: HouseKit) -> int:
    return sum(call.part.verb is Verb.SEND for call in house.bots["b"].calls)


@simulated
async def test_the_answer_grows_in_one_message_and_ends_as_itself() -> None:
    house = await growing()
    (text,) = await house.texts()
    assert text.split() == ["word"] * 5
    await house.quiet()
    assert await house.texts() == ("the answer",)
    assert sends(house) == 1
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert not shown.is_draft
    await house.check()


@simulated
async def test_only_the_latest_words_are_shown_and_not_too_often() -> None:
    async def hasty(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        for count in range(1000):
            yield Draft(f"word {count}")
            await context.sleep(0.005)
        yield Send(Content("the answer"))

    house = await opened(handler=Scripted(hasty))
    await house.say("tell me")
    await house.quiet(4.0)
    assert 10 <= len(house.bots["b"].calls) <= 18
    await house.quiet()
    assert await house.texts() == ("the answer",)


@simulated
async def test_drafts_use_only_what_messages_leave() -> None:
    house = await growing(can=replace(CAPABILITIES, bot_sends_per_s=0.5), seconds=9.0)
    updates = [call for call in house.bots["b"].calls if call.part.verb is Verb.EDIT]
    assert len(updates) <= 5
    await house.quiet()
    assert await house.texts() == ("the answer",)


@simulated
async def test_an_update_on_its_way_never_overtakes_the_final_words() -> None:
    class Slow(ScriptedChannel):
        """Edits take a while, and land when they end."""

        async def perform(self, part: Part, chat: Chat) -> Outcome:
            if part.verb is Verb.EDIT and part.is_draft:
                return await asyncio.shield(asyncio.create_task(self._land(part, chat)))
            return await super().perform(part, chat)

        async def _land(self, part: Part, chat: Chat) -> Outcome:
            await asyncio.sleep(1.3)  # longer than the last one has before the answer
            return await super().perform(part, chat)

    house = await opened(handler=Scripted(aloud), bots={"b": Slow()})
    await house.say("tell me")
    await house.quiet()
    assert await house.texts() == ("the answer",)


@simulated
async def test_stopping_settles_the_growing_message() -> None:
    house = await growing()
    await house.say("/stop")
    await house.quiet()
    growing_message, stopped = await house.texts()
    assert growing_message.endswith("(stopped)")
    assert stopped == "Stopped."
    await house.check()


@simulated
async def test_a_recall_word_takes_the_growing_message_away_and_nothing_follows() -> None:
    house = await growing()
    await house.say("撤回")
    await house.quiet()
    assert await house.texts() == ("Took back 1, stopped 1 answers in the making.",)
    assert sends(house) == 2
    await house.check()


@simulated
async def test_taking_the_question_back_takes_the_growing_message_away() -> None:
    house = await opened(handler=Scripted(aloud))
    message = await house.say("tell me")
    await house.quiet(4.0)
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ()
    assert sends(house) == 1
    await house.check()


@simulated
async def test_an_answer_that_is_taken_back_goes_as_one_message() -> None:
    house = await growing(60.0)
    await house.say("撤回")
    await house.quiet()
    assert await house.texts() == ("Took back 1.",)


@simulated
async def test_a_handler_that_fails_settles_the_growing_message() -> None:
    async def fails(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("I think")
        await context.sleep(2.0)
        raise LookupError

    house = await growing(handler=Scripted(fails))
    (text,) = await house.texts()
    assert "reference" in text


@simulated
async def test_a_turn_that_is_buried_settles_the_growing_message() -> None:
    attempts = 0

    async def gives_up(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            yield Draft("I think")
            await context.sleep(2.0)
        raise TryLater

    house = await growing(60.0, handler=Scripted(gives_up, attempts_max=2))
    (text,) = await house.texts()
    assert "Several attempts failed" in text
    await house.check()


@simulated
async def test_after_a_crash_the_same_message_goes_on() -> None:
    house = await growing()
    await house.restart()
    await house.quiet()
    assert await house.texts() == ("the answer",)
    assert sends(house) == 1
    await house.check()


@simulated
async def test_after_a_graceful_stop_the_same_message_goes_on() -> None:
    house = await growing()
    await house.close()
    await house.open()
    await house.quiet()
    assert await house.texts() == ("the answer",)
    assert sends(house) == 1


@simulated
async def test_a_message_that_was_left_growing_is_settled_by_whatever_follows() -> None:
    """The second run has nothing to show on the way."""
    house = await growing()
    await house.crash()

    async def brief(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        yield Send(Content("the answer"))

    house.handlers["demo"] = Scripted(brief)
    await house.open()
    await house.quiet()
    assert await house.texts() == ("the answer",)
    assert sends(house) == 1


@simulated
async def test_a_handler_that_reports_settles_with_its_first_words() -> None:
    async def reports(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        async for action in aloud(turn, context):
            yield action
        await context.sleep(5.0)
        yield Draft("more")
        yield Send(Content("and more"))

    house = await growing(12.0, handler=Scripted(reports, on_crash=OnCrash.REPORT))
    assert await house.texts() == ("the answer",)
    await house.quiet()
    assert await house.texts() == ("the answer", "and more")
    assert sends(house) == 2


class Closing(ScriptedChannel):
    """A platform that closes growing messages after a while."""

    is_closed = False
    reason = "draft_closed"

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        if self.is_closed and part.verb is Verb.EDIT:
            return NotSent(self.reason, is_final=True)
        return await super().perform(part, chat)


@pytest.mark.parametrize("reason", ["draft_closed", "refused_by_platform 230001"])
@simulated
async def test_what_the_platform_closes_is_followed_by_a_message(reason: str) -> None:
    platform = Closing()
    platform.reason = reason
    house = await growing(bots={"b": platform})
    platform.is_closed = True
    await house.quiet()
    half, answer = await house.texts()
    assert half.startswith("word word")
    assert answer == "the answer"
    await house.check()


@simulated
async def test_what_follows_a_closed_draft_is_repeated_once_and_flagged_like_any_message() -> None:
    platform = Closing(capabilities=KEYLESS)
    house = await growing(bots={"b": platform})
    platform.is_closed = True
    platform._script = iter([ARRIVED_UNKNOWN, ARRIVED_UNKNOWN, ARRIVED_UNKNOWN])
    await house.quiet(3600.0)
    assert (await house.texts())[1:] == ("the answer", "the answer")
    (doubtful,) = await house.store.reader.troubled()
    assert doubtful.delivery.may_be_duplicate
    await house.check()


@simulated
async def test_a_draft_that_could_not_be_opened_does_not_keep_the_answer() -> None:
    house = await opened(handler=Scripted(aloud), script=[REFUSED])
    await house.say("tell me")
    await house.quiet()
    assert await house.texts() == ("the answer",)
    await house.check()


@simulated
async def test_a_growing_text_longer_than_a_message_still_becomes_the_answer() -> None:
    async def long(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        text = ""
        for _word in range(30):
            text += "word " * 10
            yield Draft(text)
            await context.sleep(1.0)
        yield Send(Content(text))

    class Narrow(ScriptedChannel):
        """Refuses what is too long."""

        refused = 0

        async def perform(self, part: Part, chat: Chat) -> Outcome:
            if len(part.body) > 400:
                self.refused += 1
                return NotSent("too_long", is_final=True)
            return await super().perform(part, chat)

    can = replace(CAPABILITIES, text_max=300)
    platform = Narrow(capabilities=can)
    house = await opened(handler=Scripted(long), bots={"b": platform})
    await house.say("tell me")
    await house.quiet()
    texts = await house.texts()
    assert " ".join(texts).split() == ["word"] * 300
    assert platform.refused == 0
    assert sends(house) == len(texts)


@simulated
async def test_a_typing_sign_is_shown_now_and_then() -> None:
    house = await growing(60.0, can=Capabilities(draft=DraftKind.TYPING))
    signs = [call for call in house.bots["b"].calls if call.part.verb is Verb.TYPING]
    assert len(signs) == 3
    assert await house.texts() == ("the answer",)


@simulated
async def test_a_growing_message_is_a_reply_from_its_first_word_on() -> None:
    async def quoting(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Draft("word", is_quoting=True)
        await context.sleep(2.0)
        yield Send(Content("the answer"), is_quoting=True)

    house = await opened(handler=Scripted(quoting))
    message = await house.say("tell me")
    await house.quiet(1.0)
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert (shown.words.text, shown.words.quotes) == ("word", message.message_id)


@simulated
async def test_where_nothing_can_grow_the_answer_appears_at_once() -> None:
    house = await growing(can=Capabilities())
    assert await house.texts() == ()
    await house.quiet()
    assert await house.texts() == ("the answer",)
