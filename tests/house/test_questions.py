"""A question waits for a person without a running handler, and outlives the process."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from posthouse.gateway.router import token_of
from posthouse.handlers.handler import TurnContext
from posthouse.model.action import Action, Ask, Send, Who
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from tests.house.kit import HouseKit, Scripted, opened, simulated
from tests.house.people import pressed


def asking(**details: Any) -> Scripted:  # noqa: ANN401 - fields of Ask
    async def handle(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
        if turn.answer is not None:
            given = turn.answer
            yield Send(Content(f"{given.state}: {given.choice}{given.text}"))
        elif turn.text == "order":
            yield Ask(Content("Tea?"), ("yes", "no"), state="order 7", **details)
        else:
            yield Send(Content(f"re {turn.text}"))

    return Scripted(handle)


async def asked(**details: Any) -> HouseKit:  # noqa: ANN401 - fields of Ask
    house = await opened(handler=asking(**details))
    await house.say("order")
    await house.quiet(5.0)
    return house


async def press(house: HouseKit, choice: int = 0, *, who: str = "ann") -> None:
    rows = house.store._reading.connection.execute("SELECT id FROM questions ORDER BY number")
    (question,) = [row[0] for row in rows]
    await house.accept(pressed(token_of(question, choice), who=who, at=house.clock()))
    await house.quiet(5.0)


@simulated
async def test_a_press_brings_the_stored_state_back() -> None:
    house = await asked()
    shown = house.bots["b"].shown((await house.chat()).id)
    assert shown[0].words.choices == ("yes", "no")
    await press(house, 1)
    assert await house.texts() == ("Tea?", "order 7: 1")
    await house.check()


@simulated
async def test_no_handler_runs_while_a_question_waits_and_the_session_goes_on() -> None:
    house = await asked()
    assert house.house.dispatcher.running == 0
    await house.say("meanwhile")
    await house.quiet(5.0)
    assert await house.texts() == ("Tea?", "re meanwhile")


@simulated
async def test_a_question_survives_a_restart() -> None:
    house = await asked()
    await house.restart()
    await press(house)
    assert (await house.texts())[-1] == "order 7: 0"


@pytest.mark.parametrize(
    ("who", "wait_s", "presses", "sentence"),
    [
        ("ben", 0.0, 1, "This question was not for you."),
        ("ann", 601.0, 1, "This question has expired; please start again."),
        ("ann", 0.0, 2, "This question has been answered already."),
    ],
)
@simulated
async def test_a_press_that_does_not_count_gets_one_sentence(
    who: str, wait_s: float, presses: int, sentence: str
) -> None:
    house = await asked()
    await house.quiet(wait_s + 0.01)
    for _ in range(presses):
        await press(house, who=who)
    assert (await house.texts())[-1] == sentence
    assert len(await house.texts()) == presses + 1
    await house.check()


@simulated
async def test_an_unknown_button_gets_one_sentence() -> None:
    house = await asked()
    await house.accept(pressed("nonsense00", at=house.clock()))
    await house.quiet(5.0)
    assert (await house.texts())[-1] == "This button is no longer in use."


@simulated
async def test_a_typed_answer_counts_where_it_may() -> None:
    house = await asked(takes_text=True)
    await house.say("with milk", is_addressed=False)
    await house.quiet(5.0)
    assert (await house.texts())[-1] == "order 7: Nonewith milk"
    await house.say("hello")
    await house.quiet(5.0)
    assert (await house.texts())[-1] == "re hello"


@simulated
async def test_the_words_of_somebody_else_are_no_answer() -> None:
    house = await asked(takes_text=True)
    await house.say("hello", who="ben")
    await house.quiet(5.0)
    assert (await house.texts())[-1] == "re hello"
    await press(house)
    assert (await house.texts())[-1] == "order 7: 0"


@simulated
async def test_anyone_may_answer_where_anyone_was_asked_but_only_once() -> None:
    house = await asked(who=Who.ANYONE)
    await press(house, who="ben")
    assert (await house.texts())[-1] == "order 7: 0"
    await press(house, who="ann")
    assert (await house.texts())[-1] == "This question has been answered already."


@simulated
async def test_of_two_presses_at_the_same_moment_one_counts() -> None:
    house = await asked(who=Who.ANYONE)
    rows = house.store._reading.connection.execute("SELECT id FROM questions")
    token = token_of(next(iter(rows))[0], 0)
    await house.accept(
        pressed(token, who="ann", at=house.clock()), pressed(token, who="ben", at=house.clock())
    )
    await house.quiet()
    assert sorted(await house.texts()) == [
        "Tea?",
        "This question has been answered already.",
        "order 7: 0",
    ]


@simulated
async def test_a_typed_answer_after_the_question_expired_is_a_message() -> None:
    house = await asked(takes_text=True)
    await house.quiet(700.0)
    await house.say("with milk")
    await house.quiet(5.0)
    assert (await house.texts())[-1] == "re with milk"
