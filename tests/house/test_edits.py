"""An edited question is answered anew: part n edits part n."""

from collections.abc import AsyncGenerator

from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.capabilities import Capabilities
from posthouse.model.message import Content
from posthouse.model.turn import OnEdit, Turn
from tests.house.kit import HouseKit, Scripted, opened, simulated, thinking
from tests.house.people import edited, recalled, said

CANNOT_EDIT = Capabilities(can_recall=True, resend_key_window_s=3600.0)


async def words(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
    """A message for every word."""
    for word in turn.text.split():
        yield Send(Content(word))


async def answered_then_edited(before: str, after: str, **choices: object) -> HouseKit:
    house = await opened(**{"handler": Scripted(words)} | choices)
    message = await house.say(before)
    await house.quiet(60.0)
    await house.accept(edited(message, after, at=house.clock()))
    await house.quiet()
    await house.check()
    return house


@simulated
async def test_what_waits_is_answered_as_edited() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(handler=handler)
    await house.say("1")
    second = await house.say("2")
    await house.accept(edited(second, "two"))
    await house.quiet()
    assert handler.seen == ["1", "two"]
    assert await house.texts() == ("re 1", "re two")


@simulated
async def test_what_is_being_answered_starts_again() -> None:
    handler = Scripted(thinking(10.0))
    house = await opened(handler=handler)
    message = await house.say("1")
    await house.quiet(5.0)
    await house.accept(edited(message, "one", at=house.clock()))
    await house.quiet(11.0)
    assert handler.seen == ["1", "one"]
    assert await house.texts() == ("re one",)
    await house.check()


@simulated
async def test_editing_again_and_again_while_it_is_answered_is_no_failure() -> None:
    handler = Scripted(thinking(10.0), attempts_max=2)
    house = await opened(handler=handler)
    message = await house.say("0")
    for number in range(1, 6):
        await house.quiet(5.0)
        await house.accept(edited(message, str(number), at=house.clock(), stamp=str(number)))
    await house.quiet()
    assert await house.texts() == ("re 5",)


@simulated
async def test_each_part_edits_its_part() -> None:
    house = await answered_then_edited("a b", "x y")
    assert await house.texts() == ("x", "y")
    assert [shown.edits for shown in house.bots["b"].shown((await house.chat()).id)] == [1, 1]


@simulated
async def test_surplus_parts_are_taken_back() -> None:
    assert await (await answered_then_edited("a b c", "x")).texts() == ("x",)


@simulated
async def test_missing_parts_are_sent() -> None:
    assert await (await answered_then_edited("a", "x y z")).texts() == ("x", "y", "z")


@simulated
async def test_where_nothing_can_be_edited_it_is_taken_back_and_sent_anew() -> None:
    house = await answered_then_edited("a b", "x y", can=CANNOT_EDIT)
    assert await house.texts() == ("x", "y")


@simulated
async def test_the_second_edit_finds_what_the_first_one_left() -> None:
    house = await opened(handler=Scripted(words))
    message = await house.say("a b")
    for number, text in enumerate(("x", "p q r", "only")):
        await house.quiet(60.0)
        await house.accept(edited(message, text, at=house.clock(), stamp=str(number)))
    await house.quiet()
    assert await house.texts() == ("only",)
    await house.check()


@simulated
async def test_an_edited_answer_is_recalled_with_its_question() -> None:
    house = await opened(handler=Scripted(words))
    message = await house.say("a b")
    await house.quiet(60.0)
    await house.accept(edited(message, "x y z", at=house.clock()))
    await house.quiet(60.0)
    await house.accept(recalled(message, at=house.clock()))
    await house.quiet()
    assert await house.texts() == ()


@simulated
async def test_a_handler_may_ignore_edits() -> None:
    handler = Scripted(words, on_edit=OnEdit.IGNORE)
    house = await opened(handler=handler)
    message = await house.say("a b")
    await house.quiet(60.0)
    edit = edited(message, "x", at=house.clock())
    await house.accept(edit)
    await house.quiet()
    assert await house.texts() == ("a", "b")
    assert await house.reason(edit) == "edit_ignored"


@simulated
async def test_the_same_edit_twice_counts_once() -> None:
    handler = Scripted(words)
    house = await opened(handler=handler)
    message = await house.say("a")
    await house.quiet(60.0)
    edit = edited(message, "x", at=house.clock())
    await house.accept(edit)
    await house.accept(edit)
    await house.quiet()
    assert handler.seen == ["a", "x"]


@simulated
async def test_an_edit_of_a_message_that_never_came_is_answered_like_a_message() -> None:
    house = await opened(handler=Scripted(words))
    await house.accept(edited(said("a", at=house.clock()), "x"))
    await house.quiet()
    assert await house.texts() == ("x",)


@simulated
async def test_while_it_is_still_being_sent_an_edit_waits_for_its_turn() -> None:
    house = await opened(handler=Scripted(words))
    bot = house.bots["b"]
    bot.hold()
    message = await house.say("a b")
    await house.quiet(1.0)
    await house.accept(edited(message, "x y", at=house.clock()))
    await house.quiet(1.0)
    bot.release()
    await house.quiet()
    assert await house.texts() == ("x", "y")
    await house.check()
