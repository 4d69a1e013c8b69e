"""What texts mean to a model, as long as it answers; without it, their words are searched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from posthouse.knowledge.embedding import Embedder
from posthouse.knowledge.index import QUERY_CHARACTERS_MAX, Meaning
from posthouse.model.errors import PosthouseError

REST_S: Final = 60.0
WAIT_S: Final = 5.0  # of a question
TEXTS_AT_ONCE: Final = 32

log = structlog.get_logger("posthouse.knowledge")


class Rest:
    """The time after a model failed, in which nobody waits for it.

    Said in the log once, and again when it has answered meanwhile.
    """

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._until_at = 0.0
        self._is_told = False

    @property
    def is_resting(self) -> bool:
        """Whether the model is better left alone."""
        return self._clock() < self._until_at

    def end(self) -> None:
        """Note that it answers."""
        self._is_told = False

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Let a question wait for so long and no longer; then, or after a failure, go on behind."""
        try:
            async with asyncio.timeout(WAIT_S):
                yield
        except (PosthouseError, TimeoutError) as problem:
            self.begin(problem)

    def begin(self, problem: Exception) -> None:
        """Leave it alone for a while."""
        if not self._is_told:
            log.warning(self._event, problem=str(problem) or type(problem).__name__)
        self._is_told = True
        self._until_at = self._clock() + REST_S


class Meanings:
    """Asks an embedder, and rests when it fails."""

    def __init__(self, embedder: Embedder, clock: Callable[[], float] = time.monotonic) -> None:
        self._embedder = embedder
        self._rest = Rest("embedder_failed", clock)

    @property
    def model(self) -> str:
        """Whose vectors these are."""
        return self._embedder.name

    async def of(self, query: str) -> Meaning | None:
        """Return what a question means; None where the model does not say."""
        text = query[:QUERY_CHARACTERS_MAX].strip()
        if not text:
            return None
        vectors: tuple[tuple[float, ...], ...] = ()
        async with self._rest.limited():
            vectors = await self.of_texts((text,))
        return Meaning(self.model, vectors[0]) if vectors and vectors[0] else None

    async def of_texts(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """Return a vector for each text; none at all where the model does not say."""
        if self._rest.is_resting:
            return ()
        try:
            vectors = await self._embedder.embed(texts)
        except PosthouseError as problem:
            self._rest.begin(problem)
            return ()
        self._rest.end()
        return vectors

    async def close(self) -> None:
        """Let go of connections."""
        await self._embedder.close()
