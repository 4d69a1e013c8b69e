"""Letting a human take over, and telling operators of it, each in their private chat."""

from __future__ import annotations

from typing import Final, Protocol

import structlog

from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.handler import Push
from posthouse.knowledge.words import fingerprint, wordings
from posthouse.model.errors import PosthouseError
from posthouse.model.message import Content
from posthouse.model.turn import Turn
from posthouse.store.conduct import Conduct, Handoff
from posthouse.store.grants import ChatOperator

OPERATORS_TOLD_MAX: Final = 20
QUESTION_CHARACTERS_MAX: Final = 500
NAME_CHARACTERS_MAX: Final = 60

log = structlog.get_logger("posthouse.assistant")


class Operators(Protocol):
    """Who steers the house from inside chats (``store.grants.Grants``)."""

    async def operators(self, bot: str | None = None) -> tuple[ChatOperator, ...]:
        """Return them, of one bot."""
        ...


class Handover:
    """The way from the assistant to humans.

    Args:
        name: of the handler.
        words: a message that is just one of these asks for a human.
        conduct: remembers who talks with one.
        operators: who is told.
    """

    def __init__(
        self, name: str, words: tuple[str, ...], conduct: Conduct, operators: Operators
    ) -> None:
        self._name = name
        self._words = frozenset(map(fingerprint, words)) - {""}
        self._conduct = conduct
        self._operators = operators
        self.push: Push | None = None

    def is_wanted(self, text: str) -> bool:
        """Whether the whole of a message asks for a human, courtesies apart."""
        return not self._words.isdisjoint(wordings(text))

    async def has_human(self, chat: int, person: str, but_turn: int = 0) -> bool:
        """Whether somebody talks with a human in a chat; the turn that began it is still to end."""
        handoff = await self._conduct.handoff(self._name, chat, person)
        return handoff is not None and handoff.turn != but_turn

    async def begin(self, turn: Turn, question: str, language: str, now: float) -> str:
        """Let a human take over; returns what the person is told."""
        handoff = Handoff(
            handler=self._name,
            chat=turn.chat.id,
            person=turn.person.id,
            since_at=now,
            turn=turn.id,
        )
        await self._conduct.hand_off(handoff)
        notice = say(
            "handoff_notice",
            language,
            person=_name(turn.person.name or turn.person.id),
            chat=_name(turn.chat.title or turn.person.name),
            number=turn.chat.id,
            question=question[:QUESTION_CHARACTERS_MAX] or "—",
        )
        is_told = await self.tell_operators(turn, notice)
        return say("handed_off" if is_told else "nobody_told", language)

    async def tell_operators(self, turn: Turn, notice: str) -> bool:
        """Say something to every operator who can be reached; whether anybody was told."""
        is_told = False
        content = Content(notice, format="plain")
        told = await self._operators.operators(turn.chat.bot)
        for number, operator in enumerate(told[:OPERATORS_TOLD_MAX]):
            if operator.chat is None or operator.person == turn.person.id or self.push is None:
                continue
            try:
                await self.push(turn, number, operator.chat, content)
            except PosthouseError as problem:
                log.warning("operator_not_told", operator=operator.person, problem=str(problem))
            else:
                is_told = True
        return is_told


def _name(name: str) -> str:
    return name[:NAME_CHARACTERS_MAX] or "?"
