"""What the assistant writes down of a turn: the question with its end, and what it has cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from posthouse.handlers.assistant.calls import Pay
from posthouse.handlers.trying import Concluded
from posthouse.llm.model import Usage
from posthouse.model.turn import Turn
from posthouse.store.asked import Asked, Question, Spending

QUESTION_CHARACTERS_MAX: Final = 4000
ANSWER_CHARACTERS_MAX: Final = 20_000
# Ends at which something was said, but no answer: somebody should look at the question.
NO_ANSWER: Final = frozenset(
    {"not_in_knowledge", "blocked_words", "not_granted", "out_of_hours", "questions_used_up"}
)

Price = Callable[[Usage], int]  # millionths of the currency that the prices are in


class Book:
    """Writes into ``store.asked.Asked``; a turn that is run again writes the same rows again."""

    def __init__(self, asked: Asked, price: Price) -> None:
        self._asked = asked
        self._price = price

    async def record(
        self, turn: Turn, text: str, ended: Concluded, *, is_addressed: bool, now: float
    ) -> None:
        """Enter a question and how it ended."""
        cited = tuple(source.key for source in ended.sources if source.is_cited)
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

    def paying(self, turn: Turn, now: Callable[[], float]) -> Pay:
        """Return what writes down the calls of a turn."""

        async def pay(call: int, used: Usage) -> None:
            await self._asked.spend(
                Spending(
                    turn=turn.id,
                    call=call,
                    model=used.model,
                    bot=turn.chat.bot,
                    chat=turn.chat.id,
                    person=turn.person.id,
                    at=now(),
                    prompt_tokens=used.prompt_tokens,
                    answer_tokens=used.answer_tokens,
                    cost_micro=self._price(used),
                )
            )

        return pay
