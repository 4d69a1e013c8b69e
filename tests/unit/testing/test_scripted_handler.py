"""The scripted handler does as it is told, and says how far it has come."""

import asyncio
from collections.abc import Iterable

import pytest

from posthouse.model.action import Action, Send
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.testing.conformance.handler import turn_of
from posthouse.testing.scripted_handler import (
    Cut,
    Effect,
    Pause,
    ScriptedHandler,
    Sleep,
    Step,
    StillContext,
)


async def answers(handler: ScriptedHandler, context: StillContext | None = None) -> list[Action]:
    turn = turn_of("hello")
    return [action async for action in handler.handle(turn, context or StillContext())]


async def test_without_a_script_it_echoes() -> None:
    assert await answers(ScriptedHandler()) == [Send(Content("hello", "plain"))]


async def test_it_pauses_until_it_may_go_on() -> None:
    handler = ScriptedHandler(lambda _: (Pause(), Send(Content("after"))))
    answering = asyncio.ensure_future(answers(handler))
    await handler.until_paused()
    assert handler.ended == []
    handler.resume()
    assert await answering == [Send(Content("after"))]
    await handler.until_ended(1)


async def test_an_effect_happens_once_however_often_the_turn_runs() -> None:
    handler, context = ScriptedHandler(lambda _: (Effect("paid"),)), StillContext()
    await answers(handler, context)
    await answers(handler, context)
    assert handler.effects == [(1, "paid")]


async def test_an_effect_that_a_crash_cut_is_not_repeated() -> None:
    handler = ScriptedHandler(lambda _: (Effect("paid"),))
    with pytest.raises(Cut):
        await answers(handler, StillContext(cut=frozenset({"paid"})))
    assert handler.effects == []


async def test_an_error_in_the_script_is_raised_after_what_came_before() -> None:
    def fails(turn: Turn) -> Iterable[Step]:
        return Send(Content("first")), ValueError("defect")

    answering = ScriptedHandler(fails).handle(turn_of("hello"), StillContext())
    assert await anext(answering) == Send(Content("first"))
    with pytest.raises(ValueError, match="defect"):
        await anext(answering)


async def test_time_passes_by_the_houses_clock_only() -> None:
    context = StillContext(now=100.0)
    await answers(ScriptedHandler(lambda _: (Sleep(3600.0),)), context)
    assert context.now() == 3700.0


async def test_history_is_the_newest_that_fits() -> None:
    context = StillContext(history=(("person", "aaaa"), ("bot", "bb"), ("person", "cc")))
    assert await context.history(5) == (("bot", "bb"), ("person", "cc"))
