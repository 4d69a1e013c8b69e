"""What the assistant writes down of a turn: the question with its end."""

from __future__ import annotations

from typing import Final

from posthouse.handlers.trying import Concluded
from posthouse.model.turn import Turn
from posthouse.store.asked import Asked, Question

QUESTION_CHARACTERS_MAX: Final = 4000
ANSWER_CHARACTERS_MAX: Final = 20_000
# Ends at which something was said, but no answer: somebody should look at the question.
NO_ANSWER: Final = frozenset(
    {"not_in_knowledge", "blocked_words", "not_granted", "out_of_hours", "questions_used_up"}
)


class Book:
    """Writes into ``store.asked.Asked``; a turn that is run again writes the same rows again."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    async def record(
        self, turn: Turn, text: str, ended: Concluded, *, is_addressed: bool, now: float
    ) -> None:
        """Enter a question and how it ended."""
        cited = tuple(source.key for source in ended.sources if source.is_cited and source.key)
        answer = ended.held or ended.answer
        await self._asked.record(
            Question(
                turn=turn.id,
                handler=turn.handler,
                bot=turn.chat.bot,
                chat=turn.chat.id,
                session=turn.session,
                person=turn.person.id,
                at=now,
                text=text[:QUESTION_CHARACTERS_MAX],
                base=",".join(ended.bases),
                score=ended.score,
                reason=ended.reason,
                answer="" if ended.reason in NO_ANSWER else answer[:ANSWER_CHARACTERS_MAX],
                passages=cited,
                is_addressed=is_addressed,
            )
        )
