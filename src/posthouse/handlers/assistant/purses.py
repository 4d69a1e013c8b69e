"""Who pays for calls to a model: a turn from what its chat may use, a trial from what trials may.

The two never meet: what somebody only tries out leaves people's allowances as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from posthouse.handlers.assistant.calls import Purse
from posthouse.handlers.trying import Trial
from posthouse.llm.model import Usage
from posthouse.model.errors import UsedUp
from posthouse.model.turn import Turn
from posthouse.settings.zone import midnight
from posthouse.store.asked import Asked, Spending, TrialSpending

Price = Callable[[Usage], int]  # millionths of the currency that the prices are in

RETRY_S_MIN: Final = 60.0  # clocks differ


class Purses:
    """Opens the purses of one handler.

    Args:
        handler: its name.
        asked: where everything is written down.
        price: tells what a call cost.
        trial_tokens_per_day: what all trials together may use; 0 for no limit.
    """

    def __init__(self, handler: str, asked: Asked, price: Price, trial_tokens_per_day: int) -> None:
        self._handler = handler
        self._asked = asked
        self._price = price
        self._trial_tokens_per_day = trial_tokens_per_day

    def of_turn(self, turn: Turn, now: Callable[[], float]) -> Purse:
        """Return what pays for the calls of a turn; one that is run again pays nothing twice."""
        return _OfTurn(self._asked, self._price, turn, now)

    def of_trial(self, trial: Trial, bot: str) -> Purse:
        """Return what pays for the calls of a trial of how a bot would answer."""
        return _OfTrial(
            self._asked,
            self._price,
            trial,
            bot,
            self._handler,
            self._trial_tokens_per_day,
        )


class _OfTurn(Struct, frozen=True):
    asked: Asked
    price: Price
    turn: Turn
    now: Callable[[], float]

    async def demand(self) -> None:
        """Nothing: ``Limits`` has been asked, and without tokens no call is made."""

    async def pay(self, call: int, used: Usage) -> None:
        turn = self.turn
        await self.asked.spend(
            Spending(
                turn=turn.id,
                call=call,
                model=used.model,
                bot=turn.chat.bot,
                chat=turn.chat.id,
                person=turn.person.id,
                at=self.now(),
                prompt_tokens=used.prompt_tokens,
                answer_tokens=used.answer_tokens,
                cost_micro=self.price(used),
            )
        )


class _OfTrial(Struct, frozen=True):
    asked: Asked
    price: Price
    trial: Trial
    bot: str
    handler: str
    tokens_per_day: int

    async def demand(self) -> None:
        if not self.tokens_per_day:
            return
        now = self.trial.at
        spent = await self.asked.spent_on_trials(midnight(now), self.handler)
        if spent.prompt_tokens + spent.answer_tokens < self.tokens_per_day:
            return
        setting = f"[handlers.{self.handler}] trial_tokens_per_day = {self.tokens_per_day}"
        raise UsedUp(
            f"Today's tokens for trials are used up: {setting}; raise it, or go on tomorrow",
            zh=f"今天试问可用的模型额度已用完：{setting}；可调高，或明天再试",
            retry_after_s=max(RETRY_S_MIN, midnight(now, days_later=1) - now),
        )

    async def pay(self, _call: int, used: Usage) -> None:
        trial = self.trial
        await self.asked.spend_on_trial(
            TrialSpending(
                handler=self.handler,
                author=trial.author,
                model=used.model,
                bot=self.bot,
                chat=trial.chat,
                person=trial.person,
                at=trial.at,
                prompt_tokens=used.prompt_tokens,
                answer_tokens=used.answer_tokens,
                cost_micro=self.price(used),
            )
        )
