"""What somebody may ask today, and what it may cost."""

from __future__ import annotations

from msgspec import Struct

from posthouse.handlers.assistant.hours import is_open
from posthouse.handlers.assistant.sentences import say
from posthouse.model.turn import Turn
from posthouse.settings.zone import midnight
from posthouse.store.asked import Asked
from posthouse.store.conduct import Conduct, Rule, Scope


class Refusal(Struct, frozen=True):
    """Why a question is not answered now."""

    reason: str  # a code of ``model.reasons``
    sentence: str


class Limits:
    """Reads the book of questions; nothing is counted beside it."""

    def __init__(self, asked: Asked, conduct: Conduct) -> None:
        self._asked = asked
        self._conduct = conduct

    async def refusal(self, turn: Turn, rule: Rule, language: str, now: float) -> Refusal | None:
        """Say why a question is not answered, if so."""
        if (closed := self.closed(rule, language, now)) is not None:
            return closed
        allowed = rule.questions_per_day
        if not allowed:
            return None
        bot, person = turn.chat.bot, turn.person.id
        asked = await self._asked.count(midnight(now), bot, person, but_turn=turn.id)
        if asked < allowed:
            return None
        return Refusal("questions_used_up", say("questions_used_up", language, count=allowed))

    def closed(self, rule: Rule, language: str, now: float) -> Refusal | None:
        """Say that nobody is answered at this hour, if so."""
        if not rule.hours or is_open(rule.hours, now):
            return None
        return Refusal("out_of_hours", say("out_of_hours", language, hours=rule.hours))

    async def has_tokens(self, scope: Scope, rule: Rule, now: float) -> bool:
        """Whether a model may be asked today: by a chat, or by whom a limit was set for."""
        if not rule.tokens_per_day:
            return True
        levels = await self._conduct.levels(scope)
        set_at = (where for where, each in levels if each.tokens_per_day is not None)
        chat, person = _whose(next(set_at, None), scope)
        spent = await self._asked.spent(midnight(now), scope.bot, chat, person)
        return spent.prompt_tokens + spent.answer_tokens < rule.tokens_per_day


def _whose(set_at: Scope | None, scope: Scope) -> tuple[int, str]:
    """Return whose tokens a limit is of: the chat's, or the person's where it was set for them."""
    if set_at is None or not set_at.person:
        return scope.chat, ""
    return set_at.chat, set_at.person
