"""The button below a growing answer: what it carries, and who may press it.

It carries the number of its turn and nothing secret: whose turn that is stands in the book, and who
presses is known from the platform. So a forged number opens nothing.
"""

from __future__ import annotations

import re

from posthouse.gateway import phrases
from posthouse.gateway.router import Refusal
from posthouse.model.address import Chat
from posthouse.model.event import ButtonPressed
from posthouse.model.message import Choice
from posthouse.model.turn import TurnState
from posthouse.store.grants import Grants
from posthouse.store.questions import Questions

_TOKEN = re.compile(r"stop:([1-9][0-9]{0,17})")


def stop_button(turn: int, language: str) -> Choice:
    """Make the button that stops a turn."""
    return Choice(phrases.say("stop_button", language), f"stop:{turn}")


def turn_to_stop(token: str) -> int | None:
    """Return the turn that a button stops; None when it is no stop button."""
    found = _TOKEN.fullmatch(token)
    return int(found[1]) if found else None


class StopButtons:
    """Says, before a press is taken, whether it may stop an answer: whoever asked and operators.

    Args:
        questions: knows the turns that buttons name.
        grants: knows the operators.
    """

    def __init__(self, questions: Questions, grants: Grants) -> None:
        self._questions = questions
        self._grants = grants

    async def refusal(
        self, turn: int, event: ButtonPressed, chat: Chat, language: str
    ) -> Refusal | None:
        """Return why a press stops nothing, if so."""
        found = await self._questions.underway(turn)
        if found is None or found.chat != chat.id:
            return Refusal("question_unknown", phrases.say("question_unknown", language))
        if not await self._may_stop(found.person, event, chat):
            return Refusal("stop_foreign", phrases.say("stop_foreign", language))
        if found.is_called_off or found.state is TurnState.CANCELLED:
            return Refusal("stop_late", phrases.say("stopped", language))
        if found.state is not TurnState.WAITING:
            return Refusal("stop_late", phrases.say("stop_late", language))
        return None

    async def _may_stop(self, asker: str, event: ButtonPressed, chat: Chat) -> bool:
        presser = event.sender.id
        return presser == asker or await self._grants.is_operator(chat.bot, presser)
