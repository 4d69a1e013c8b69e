"""What every handler promises, whatever it answers. See ``checks.py`` for how to run these."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from posthouse.handlers.handler import CannotAnswer, EndOfTurn, Handler, TurnContext
from posthouse.model import action
from posthouse.model.address import Chat, ChatKind, Person, Place
from posthouse.model.errors import TryLater
from posthouse.model.event import MessageReceived, message_key
from posthouse.model.message import Text
from posthouse.model.turn import OnCrash, StoredEvent, Turn
from posthouse.store.journal import BURST_MAX_S
from posthouse.testing.conformance.checks import holds, same

ACTIONS_MAX = 10_000
ENDS = (TryLater, CannotAnswer, EndOfTurn)
STOPS_WITHIN_S = 10.0
TEXTS = ("hello", "", "/", "/help", "撤回", "\x00\u202e 👩‍👩‍👧‍👦", "x" * 100_000, "```\n" * 1000)


class Subject(Struct, frozen=True, kw_only=True):
    """A handler to be looked at."""

    handler: Handler
    new_context: Callable[[], TurnContext]  # a house for one turn


def turn_of(text: str, number: int = 1) -> Turn:
    """A turn in which somebody says ``text`` in a private chat."""
    person, at = Person("u-1", "Ada"), 1_750_000_000.0
    event = MessageReceived(
        key=message_key("c-1", str(number)),
        place=Place("bot", "c-1", ChatKind.PRIVATE),
        sender=person,
        message_id=str(number),
        parts=(Text(text),),
        at=at,
        is_addressed=True,
    )
    return Turn(
        id=number,
        chat=Chat(1, "bot", "c-1", ChatKind.PRIVATE),
        session="1:m:u-1",
        handler="subject",
        person=person,
        events=(StoredEvent(number, event, at),),
        accepted_at=at,
    )


async def _answers(subject: Subject, turn: Turn) -> list[action.Action]:
    """Run a turn; a handler may say "later", since nobody promises it a model or a network.

    It may also end with a reason of its own.
    """
    said: list[action.Action] = []
    try:
        async for each in subject.handler.handle(turn, subject.new_context()):
            said.append(each)
            holds(len(said) <= ACTIONS_MAX, f"a turn ends within {ACTIONS_MAX} actions")
    except ENDS:
        pass
    return said


async def traits_make_sense(subject: Subject) -> None:
    """Limits are limits: positive, and a burst no longer than the house waits."""
    traits = subject.handler.traits
    same(subject.handler.traits, traits, "asking twice how its turns are run")
    holds(traits.max_run_s > 0, "max_run_s is above 0")
    holds(traits.answer_within_s > 0, "answer_within_s is above 0")
    holds(0 <= traits.burst_s <= BURST_MAX_S, f"burst_s is between 0 and {BURST_MAX_S}")
    holds(traits.session_queue_max >= 1, "session_queue_max is at least 1")
    holds(traits.attempts_max >= 1, "attempts_max is at least 1")
    holds(isinstance(traits.answers_to, tuple), "answers_to is a tuple of names")


async def only_actions_are_yielded(subject: Subject) -> None:
    """Whatever is said, what comes back is a list of actions that ends."""
    for number, text in enumerate(TEXTS, 1):
        for each in await _answers(subject, turn_of(text, number)):
            holds(isinstance(each, action.Action), f"it yields actions, got {each!r:.200}")


async def what_cannot_be_repeated_is_said(subject: Subject) -> None:
    """A handler that is re-run after a crash can be: the second run raises nothing new."""
    if subject.handler.traits.on_crash is not OnCrash.RERUN:
        return
    turn = turn_of("hello")
    first, second = await _answers(subject, turn), await _answers(subject, turn)
    same([type(each) for each in second], [type(each) for each in first], "the second run")


async def a_turn_may_be_left_at_any_action(subject: Subject) -> None:
    """A recall, a stop or a time-out closes the generator; it lets go without a word."""
    for text in ("hello", "/help"):
        answering = subject.handler.handle(turn_of(text), subject.new_context())
        try:
            await anext(answering, None)
        except ENDS:
            continue
        await answering.aclose()


async def a_turn_can_be_cancelled(subject: Subject) -> None:
    """A cancelled turn ends soon and swallows nothing."""
    turn = turn_of("hello")
    running = asyncio.ensure_future(_answers(subject, turn))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running}, timeout=STOPS_WITHIN_S)
    holds(running.done(), f"it ends within {STOPS_WITHIN_S} s of being cancelled")


async def two_turns_run_side_by_side(subject: Subject) -> None:
    """Different sessions do not wait for each other, and do not share what they say."""
    alone = [type(each) for each in await _answers(subject, turn_of("hello"))]
    both = await asyncio.gather(
        _answers(subject, turn_of("hello", 2)), _answers(subject, turn_of("hello", 3))
    )
    for said in both:
        same([type(each) for each in said], alone, "what a turn says beside another")
