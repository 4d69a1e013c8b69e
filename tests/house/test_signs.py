"""Signs beside words: an emoji below what somebody said, and a toast where they pressed."""

from collections.abc import AsyncGenerator, Callable

import pytest
from msgspec.structs import replace

from posthouse.gateway.router import token_of
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Acknowledge, Action, Ask, Draft, React, Send
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, Turn
from posthouse.testing.null_channel import ARRIVED_UNKNOWN, CAPABILITIES, REFUSED
from tests.house.kit import Handle, HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import edited, pressed
from tests.house.presses import WAIT_S, Press

EMOJIS = replace(CAPABILITIES, can_react=True)


def doing(*actions: Action) -> Handle:
    async def handle(_: Turn, __: TurnContext) -> AsyncGenerator[Action]:
        for action in actions:
            yield action

    return handle


async def with_emojis(*actions: Action, **choices: object) -> HouseKit:
    return await opened(**{"handler": Scripted(doing(*actions)), "can": EMOJIS} | choices)


# --- emojis -----------------------------------------------------------------------------------


@simulated
async def test_an_emoji_is_put_below_what_is_answered_and_order_is_kept() -> None:
    house = await with_emojis(React("👍"), Send(Content("done")))
    message = await house.say("please")
    await house.quiet()
    bot = house.bots["b"]
    assert bot.reactions == {(message.message_id, "👍")}
    assert await house.texts() == ("done",)
    assert [call.part.key for call in bot.calls] == [
        row.delivery.key for row in (await house.road(message)).deliveries
    ]
    await house.check()


@simulated
async def test_an_emoji_alone_is_an_answer() -> None:
    house = await with_emojis(React("👍"))
    await house.say("thanks")
    await house.quiet()
    assert await house.texts() == ()
    assert len(house.bots["b"].reactions) == 1


@simulated
async def test_where_there_are_no_emojis_somebody_still_answers() -> None:
    house = await with_emojis(React("👍"), can=CAPABILITIES)
    message = await house.say("thanks")
    await house.quiet()
    assert house.bots["b"].reactions == set()
    assert len(await house.texts()) == 1
    assert await house.reason(message) == "no_answer"


@simulated
async def test_an_emoji_of_which_nobody_knows_is_put_again() -> None:
    """The second is the first, so nobody sees it twice and nothing is flagged."""
    house = await with_emojis(React("👍"), Send(Content("done")), script=(ARRIVED_UNKNOWN,))
    message = await house.say("please")
    await house.quiet()
    assert len(house.bots["b"].reactions) == 1
    assert await house.texts() == ("done",)
    rows = (await house.road(message)).deliveries
    assert [(row.delivery.state, row.delivery.may_be_duplicate) for row in rows] == [
        ("sent", False),
        ("sent", False),
    ]


@simulated
async def test_a_refused_emoji_holds_nobody_up() -> None:
    house = await with_emojis(React("?"), Send(Content("done")), script=(REFUSED,))
    await house.say("please")
    await house.quiet(5.0)
    assert await house.texts() == ("done",)


@simulated
async def test_an_emoji_does_not_end_a_growing_answer() -> None:
    house = await with_emojis(Draft("wri"), React("👍"), Send(Content("written")))
    await house.say("please")
    await house.quiet()
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert (shown.words.text, shown.is_draft) == ("written", False)
    assert len(house.bots["b"].reactions) == 1


@simulated
async def test_a_growing_answer_that_ends_with_an_emoji_only_is_settled() -> None:
    house = await with_emojis(Draft("wri"), React("👍"))
    await house.say("please")
    await house.quiet()
    (shown,) = house.bots["b"].shown((await house.chat()).id)
    assert not shown.is_draft


@simulated
async def test_an_edited_question_has_its_answer_edited_beside_the_emoji() -> None:
    async def handle(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        yield React("👍")
        yield Send(Content(f"re {turn.text}"))

    house = await opened(handler=Scripted(handle), can=EMOJIS)
    message = await house.say("1")
    await house.quiet()
    await house.accept(edited(message, "2", at=house.clock()))
    await house.quiet()
    assert await house.texts() == ("re 2",)
    assert house.bots["b"].shown((await house.chat()).id)[0].edits == 1
    assert house.bots["b"].reactions == {(message.message_id, "👍")}


@simulated
async def test_a_crash_puts_no_emoji_twice_and_loses_none() -> None:
    for point in ("finish:after-commit", "send:before", "send:after", "settle:before-commit"):
        house = await with_emojis(React("👍"), Send(Content("done")))
        house.dies_at = point
        await house.say("please")
        await house.quiet(2.0)
        await house.restart()
        await house.quiet()
        assert len(house.bots["b"].reactions) == 1, point
        assert await house.texts() == ("done",), point
        await house.check()


# --- toasts -----------------------------------------------------------------------------------


async def asked(after: Callable[[Turn, TurnContext], AsyncGenerator[Action]]) -> HouseKit:
    """Open a house whose handler asks, and does something with the answer."""

    async def handle(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        if turn.answer is None:
            yield Ask(Content("Tea?"), ("yes", "no"))
            return
        async for action in after(turn, context):
            yield action

    house = await opened(handler=Scripted(handle))
    await house.say("order")
    await house.quiet(5.0)
    return house


def press(house: HouseKit, who: str = "ann") -> Press:
    return Press(house, token(house), who)


def token(house: HouseKit) -> str:
    rows = house.store._reading.connection.execute("SELECT id FROM questions ORDER BY number")
    (question,) = [row[0] for row in rows]
    return token_of(question, 0)


@simulated
async def test_a_toast_is_shown_where_somebody_pressed_and_the_rest_is_said() -> None:
    house = await asked(doing(Acknowledge("Noted."), Send(Content("Tea it is."))))
    by_ann = press(house)
    await house.quiet()
    assert by_ann.toast == b"Noted."
    assert await house.texts() == ("Tea?", "Tea it is.")
    await house.check()


@simulated
async def test_a_toast_does_not_wait_for_the_rest() -> None:
    async def slow(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        yield Acknowledge("Noted.")
        await context.sleep(60.0)
        yield Send(Content("Tea it is."))

    house = await asked(slow)
    by_ann = press(house)
    await house.quiet(1.0)
    assert by_ann.toast == b"Noted."
    await house.quiet()
    assert await house.texts() == ("Tea?", "Tea it is.")


@simulated
async def test_nobody_waits_for_a_toast_that_does_not_come() -> None:
    house = await asked(thinking(0.2))
    by_ann = press(house)
    await house.quiet()
    assert by_ann.toast is None
    assert by_ann.took_s == pytest.approx(0.2)


@simulated
async def test_a_toast_that_comes_too_late_is_not_shown() -> None:
    async def late(_: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        await context.sleep(WAIT_S + 1)
        yield Acknowledge("Noted.")
        yield Send(Content("Tea it is."))

    house = await asked(late)
    by_ann = press(house)
    await house.quiet()
    assert (by_ann.toast, by_ann.took_s) == (None, WAIT_S)
    assert await house.texts() == ("Tea?", "Tea it is.")


@simulated
async def test_a_command_shows_its_toast_before_it_is_done() -> None:
    """What is never run twice puts its outputs as they come; a toast is quicker than all."""

    async def handle(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        if turn.answer is None:
            yield Ask(Content("Tea?"), ("yes",))
            return
        yield Acknowledge("Noted.")
        await context.sleep(1.0)
        yield Send(Content("Tea it is."))

    house = await opened(handler=Scripted(handle, on_crash=OnCrash.REPORT))
    await house.say("order")
    await house.quiet(5.0)
    by_ann = press(house)
    await house.quiet(0.5)
    assert by_ann.toast == b"Noted."


@simulated
async def test_what_comes_of_a_press_in_vain_is_told_where_it_was_made() -> None:
    """Late, double and foreign presses: nobody else in the chat needs to read about them."""
    house = await asked(doing(Send(Content("Tea it is."))))
    by_bob = press(house, "bob")
    await house.quiet(5.0)
    by_ann = press(house)
    await house.quiet(5.0)
    again = press(house)
    await house.quiet()
    assert b"not for you" in (by_bob.toast or b"")
    assert by_ann.toast is None
    assert b"already" in (again.toast or b"")
    assert await house.texts() == ("Tea?", "Tea it is.")
    assert await house.reason(by_bob.event) != ""
    await house.check()


@simulated
async def test_where_nobody_waits_a_press_in_vain_is_answered_in_the_chat() -> None:
    house = await asked(doing(Send(Content("Tea it is."))))
    await house.accept(pressed(token(house), who="bob", at=house.clock()))
    await house.quiet()
    assert len(await house.texts()) == 2
