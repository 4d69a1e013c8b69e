"""Nothing lost, nothing absurd at nine in the morning: what is old gets one line, and a button."""

from posthouse.gateway.router import token_of
from tests.house.kit import HouseKit, Scripted, echo, opened, simulated
from tests.house.people import pressed, recalled, said

HOUR_S = 3600.0


async def back_after_a_night(*texts: str, **choices: object) -> HouseKit:
    """A house that is handed messages that are hours old."""
    house = await opened(**choices)
    now = house.clock()
    await house.accept(*(said(text, at=now - 8 * HOUR_S) for text in texts))
    await house.quiet(30.0)
    return house


async def button(house: HouseKit, number: int = 0) -> str:
    """The token behind the first button of the newest question."""
    rows = await _questions(house)
    return token_of(rows[number], 0)


async def _questions(house: HouseKit) -> list[str]:
    database = house.store._reading
    return [
        row[0] for row in database.connection.execute("SELECT id FROM questions ORDER BY number")
    ]


@simulated
async def test_late_messages_get_one_line_and_no_answer() -> None:
    handler = Scripted(echo)
    house = await back_after_a_night("1", "2", "3", handler=handler)
    (line,) = await house.texts()
    assert "3 messages" in line
    assert handler.seen == []
    await house.check()


@simulated
async def test_a_press_answers_them_after_all_in_order() -> None:
    handler = Scripted(echo)
    house = await back_after_a_night("1", "2", handler=handler)
    await house.accept(pressed(await button(house), who="ben", at=house.clock()))
    await house.quiet()
    assert handler.seen == ["1", "2"]
    assert (await house.texts())[1:] == ("All right, answering now.", "re 1", "re 2")


@simulated
async def test_a_second_press_gets_one_sentence_and_no_second_answer() -> None:
    handler = Scripted(echo)
    house = await back_after_a_night("1", handler=handler)
    token = await button(house)
    await house.accept(pressed(token, at=house.clock()))
    await house.accept(pressed(token, at=house.clock()))
    await house.quiet()
    assert handler.seen == ["1"]
    assert "This question has been answered already." in await house.texts()


@simulated
async def test_the_sentence_about_a_press_is_said_at_once() -> None:
    house = await back_after_a_night("1")
    token = await button(house)
    await house.accept(pressed(token, at=house.clock()))
    await house.quiet()
    await house.accept(pressed(token, at=house.clock()))
    await house.quiet(0.5)
    assert "This question has been answered already." in await house.texts()


@simulated
async def test_the_line_stays_for_the_others_when_one_message_is_taken_back() -> None:
    handler = Scripted(echo)
    house = await opened(handler=handler)
    late = [said(text, at=house.clock() - 8 * HOUR_S) for text in ("1", "2")]
    await house.accept(*late)
    await house.quiet(30.0)
    await house.accept(recalled(late[0]))
    await house.quiet(30.0)
    assert len(await house.texts()) == 1
    await house.accept(recalled(late[1]))
    await house.quiet(30.0)
    assert await house.texts() == ()


@simulated
async def test_a_message_let_in_after_all_is_recalled_with_its_answer() -> None:
    house = await opened()
    late = said("1", at=house.clock() - 8 * HOUR_S)
    await house.accept(late)
    await house.quiet(30.0)
    await house.accept(pressed(await button(house), at=house.clock()))
    await house.quiet()
    assert "re 1" in await house.texts()
    await house.accept(recalled(late))
    await house.quiet()
    assert "re 1" not in await house.texts()


@simulated
async def test_what_was_only_overheard_gets_no_line() -> None:
    house = await opened()
    await house.say("gossip", is_addressed=False, at=house.clock() - 8 * HOUR_S)
    await house.quiet()
    assert await house.texts() == ()


@simulated
async def test_new_messages_are_answered_beside_the_line() -> None:
    house = await opened()
    await house.say("old", at=house.clock() - 8 * HOUR_S)
    await house.say("new")
    await house.quiet()
    line, answer = await house.texts()
    assert "1 messages" in line
    assert answer == "re new"


@simulated
async def test_the_line_survives_a_crash_and_is_said_once() -> None:
    house = await opened()
    await house.say("old", at=house.clock() - 8 * HOUR_S)
    await house.quiet(1.0)
    await house.restart()
    await house.quiet()
    assert len(await house.texts()) == 1
