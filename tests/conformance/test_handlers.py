"""Handlers keep the promises of ``posthouse.testing.conformance.handler``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from posthouse.handlers.handler import Handler, Traits, TurnContext
from posthouse.model.action import Action, Draft, Send
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.testing.conformance import handler as suite
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.conformance.handler import Subject
from posthouse.testing.scripted_handler import Effect, ScriptedHandler, Sleep, Step, StillContext
from tests.house.assisting import assistant
from tests.house.kit import closed


def talkative(turn: Turn) -> list[Step]:
    return [Draft("…"), Sleep(1.0), Effect("paid"), Send(Content(turn.text)), Send(Content("."))]


SUBJECTS: dict[str, Callable[[], Handler]] = {
    "echo": ScriptedHandler,
    "talkative": lambda: ScriptedHandler(talkative),
    "assistant": lambda: assistant(closed()),
}


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SUBJECTS)
async def test_promise(name: str, check: Check[Subject]) -> None:
    await check(Subject(handler=SUBJECTS[name](), new_context=StillContext))


class Stubborn(ScriptedHandler):
    """Breaks what it can."""

    def __init__(self) -> None:
        super().__init__(traits=Traits(burst_s=1000.0))
        self._runs = 0

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        self._runs += 1
        try:
            for _ in range(self._runs):
                yield "not an action"  # type: ignore[misc]
                await asyncio.sleep(0)
        except GeneratorExit:
            raise ValueError from None


@pytest.mark.parametrize(
    "check",
    [
        suite.traits_make_sense,
        suite.only_actions_are_yielded,
        suite.what_cannot_be_repeated_is_said,
        suite.a_turn_may_be_left_at_any_action,
        suite.two_turns_run_side_by_side,
    ],
    ids=lambda check: check.__name__,
)
async def test_a_broken_handler_is_seen(check: Check[Subject]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        await check(Subject(handler=Stubborn(), new_context=StillContext))
