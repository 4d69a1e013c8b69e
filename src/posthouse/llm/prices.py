"""What calls to models cost, by the prices in the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from posthouse.llm.model import Usage
from posthouse.settings.settings import ModelSettings


def price_of(models: Mapping[str, ModelSettings]) -> Callable[[Usage], int]:
    """Return what tells the price of a call, in millionths of the prices' currency.

    Args:
        models: those of the settings; their prices are of a million tokens.
    """

    def price(used: Usage) -> int:
        model = models.get(used.model)
        if model is None:
            return 0
        prompt, answer = model.price_prompt, model.price_answer
        return round(used.prompt_tokens * prompt + used.answer_tokens * answer)

    return price
