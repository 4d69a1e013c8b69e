"""The calls to a model that one question may make: counted, limited, written down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from msgspec import Struct

from posthouse.llm.model import Model, ModelCutShort, ModelError, Piece, Prompt, Usage, Words

CALLS_MAX: Final = 2  # for an answered question

# Which call of the question, and what it has used.
Pay = Callable[[int, Usage], Awaitable[None]]


class Voice(Struct, frozen=True, kw_only=True):
    """A model, and how it is to answer."""

    model: Model
    answer_tokens_max: int = 1024
    temperature: float = 0.2


class Calls:
    """Asks one model, at most ``CALLS_MAX`` times.

    Args:
        voice: who is asked.
        pay: writes down what a call has used.
    """

    def __init__(self, voice: Voice, pay: Pay) -> None:
        self.voice = voice
        self.model = voice.model
        self._pay = pay
        self._made = 0

    @property
    def left(self) -> int:
        """How many more there may be."""
        return CALLS_MAX - self._made

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Ask; closing this cancels the call.

        Raises:
            ModelError: no answer, or no whole one.
        """
        assert self.left, "a question makes no more calls than that"
        number, self._made = self._made, self._made + 1
        used: Usage | None = None
        heard = 0
        is_refused = False
        try:
            async with aclosing(self.model.answer(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Usage):
                        used = piece
                    elif isinstance(piece, Words):
                        heard += len(piece.text)
                    yield piece
        except ModelError:
            is_refused = not heard
            raise
        finally:
            if used is None and not is_refused:
                used = _estimated(self.model.name, prompt, heard)
            if used is not None:
                await self._pay(number, used)

    async def whole(self, prompt: Prompt) -> str:
        """Ask, and return all that is said.

        Raises:
            ModelError: no answer, or no whole one.
        """
        said = ""
        async with aclosing(self.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Words):
                    said += piece.text
        if not said.strip():
            raise ModelCutShort("the model said nothing")
        return said


def _estimated(model: str, prompt: Prompt, heard: int) -> Usage:
    """Guess what a call has used that did not say: half a token per character."""
    told = sum(len(said.text) for said in prompt.messages)
    return Usage(model, told // 2, heard // 2, is_estimated=True)
