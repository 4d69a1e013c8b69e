"""The calls to a model that one question may make: counted, limited, written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Final, Protocol

import structlog
from msgspec import Struct

from posthouse.llm.model import Model, ModelCutShort, ModelError, Piece, Prompt, Usage, Words
from posthouse.model.errors import PosthouseError

CALLS_MAX: Final = 2  # for an answered question

log = structlog.get_logger("posthouse.assistant")


class Purse(Protocol):
    """Pays for the calls of one question."""

    async def demand(self) -> None:
        """Make sure that the first of them may be made.

        Raises:
            UsedUp: not today.
        """
        ...

    async def pay(self, call: int, used: Usage) -> None:
        """Write down what a call has used.

        Args:
            call: which of the question, counted from 0.
            used: that.
        """
        ...


class Voice(Struct, frozen=True, kw_only=True):
    """A model, and how it is to answer."""

    model: Model
    answer_tokens_max: int = 1024
    temperature: float = 0.2


class Calls:
    """Asks one model, at most ``CALLS_MAX`` times.

    Args:
        voice: who is asked.
        purse: pays for it.
    """

    def __init__(self, voice: Voice, purse: Purse) -> None:
        self.voice = voice
        self.model = voice.model
        self._purse = purse
        self._made = 0

    @property
    def left(self) -> int:
        """How many more there may be."""
        return CALLS_MAX - self._made

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Ask; closing this cancels the call.

        Raises:
            ModelError: no answer, or no whole one.
            UsedUp: nothing may be asked today.
        """
        assert self.left, "a question makes no more calls than that"
        number, self._made = self._made, self._made + 1
        if not number:  # a question that has begun is answered
            await self._purse.demand()
        meter = _Meter(self.model.name, prompt)
        try:
            async with aclosing(self.model.answer(prompt)) as pieces:
                async for piece in pieces:
                    meter.hear(piece)
                    yield piece
        except ModelError:
            if meter.has_run:
                await self._purse.pay(number, meter.used)
            raise
        except (asyncio.CancelledError, GeneratorExit):  # whoever stops an answer waits for nothing
            _in_the_background(self._purse.pay(number, meter.used))
            raise
        await self._purse.pay(number, meter.used)

    async def whole(self, prompt: Prompt) -> str:
        """Ask, and return all that is said.

        Raises:
            ModelError: no answer, or no whole one.
            UsedUp: nothing may be asked today.
        """
        said = ""
        async with aclosing(self.stream(prompt)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Words):
                    said += piece.text
        if not said.strip():
            raise ModelCutShort("the model said nothing")
        return said


_paying: set[asyncio.Task[None]] = set()  # what is still being written down


def _in_the_background(paying: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(_told(paying))
    _paying.add(task)
    task.add_done_callback(_paying.discard)


async def _told(paying: Coroutine[None, None, None]) -> None:
    try:
        await paying
    except PosthouseError as problem:  # the house is closing
        log.warning("call_not_recorded", problem=str(problem))


class _Meter:
    """Knows what a call has used, also one that broke off before it said so."""

    def __init__(self, model: str, prompt: Prompt) -> None:
        self._model = model
        self._prompt = prompt
        self._counted: Usage | None = None
        self._heard = 0  # characters

    def hear(self, piece: Piece) -> None:
        """Count a piece of the answer."""
        if isinstance(piece, Usage):
            self._model = piece.model
            self._counted = piece if piece.prompt_tokens else None
        elif isinstance(piece, Words):
            self._heard += len(piece.text)

    @property
    def has_run(self) -> bool:
        """Whether the model has begun to answer."""
        return self._counted is not None or self._heard > 0

    @property
    def used(self) -> Usage:
        """What the model has counted, else a guess: half a token per character."""
        if self._counted is not None:
            return self._counted
        told = sum(len(said.text) for said in self._prompt.messages)
        return Usage(self._model, told // 2, self._heard // 2, is_estimated=True)
