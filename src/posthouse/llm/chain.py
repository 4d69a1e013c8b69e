"""Models one behind the other: a busy one is asked again, a broken one is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

import structlog

from posthouse.llm.model import Model, ModelBusy, ModelError, Piece, Prompt, Usage

WAIT_S_MAX: Final = 8.0  # somebody is waiting for the answer: longer is for the next model
FIRST_WAIT_S: Final = 1.0

log = structlog.get_logger("posthouse.models")


class Chain:
    """A model, and who answers in its place (``llm.model.Model``).

    A call goes on to the next attempt or model only while nothing of its answer has been heard:
    two beginnings of one answer would be worse than none.

    Args:
        models: the first is the one that was asked for.
        retries_max: how often a busy one is asked again.
        calls_max: calls at once; more wait.
        sleep: waits by the house's clock.
    """

    def __init__(
        self,
        models: tuple[Model, ...],
        *,
        retries_max: int,
        calls_max: int,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._models = models
        self._retries_max = retries_max
        self._gate = asyncio.Semaphore(calls_max)
        self._sleep = sleep

    @property
    def name(self) -> str:
        """That of the first."""
        return self._models[0].name

    @property
    def sees_pictures(self) -> bool:
        """Whether all of them do: nobody knows who will answer."""
        return all(each.sees_pictures for each in self._models)

    @property
    def prompt_tokens_max(self) -> int:
        """What the smallest of them takes."""
        return min(each.prompt_tokens_max for each in self._models)

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Answer by the first model that begins to; another than was asked for says so first."""
        async with self._gate:
            speaker, first, rest = await self._begun(prompt)
            async with aclosing(rest):
                if speaker != self.name:
                    yield Usage(speaker, 0, 0, is_estimated=True)
                yield first
                async for piece in rest:
                    yield piece

    async def _begun(self, prompt: Prompt) -> tuple[str, Piece, AsyncGenerator[Piece]]:
        """Return who answers, and the answer."""
        *others, last = self._models
        for model in others:
            try:
                return model.name, *await self._insist(model, prompt)
            except ModelError as problem:
                log.warning("model_replaced", model=model.name, problem=str(problem))
        return last.name, *await self._insist(last, prompt)

    async def _insist(self, model: Model, prompt: Prompt) -> tuple[Piece, AsyncGenerator[Piece]]:
        """Ask one model, again while it is only busy."""
        attempt = 0
        while True:
            pieces = model.answer(prompt)
            try:
                return await anext(pieces), pieces
            except ModelBusy as problem:
                wait_s = problem.retry_after_s or FIRST_WAIT_S * 2**attempt
                if attempt == self._retries_max or wait_s > WAIT_S_MAX:
                    raise
            attempt += 1
            await self._sleep(wait_s)

    async def close(self) -> None:
        """Let go of connections."""
        for model in self._models:
            await model.close()
