"""Vectors and ranks from an endpoint of the operator's own (``knowledge.embedding``)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from posthouse.llm.connection import Line, as_model_errors, connect, status_of
from posthouse.llm.model import ModelBusy, ModelCutShort, ModelRefused

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TEXTS_AT_ONCE = 32
HARMLESS = "Hello"  # whoever refuses this refuses everything
LONG_CHARACTERS = 128  # a shorter text is not refused for its length
FAILED = 500  # what some servers say to a text that is too long; others, 4xx


class _Client:
    """The connection, made when it is needed."""

    def __init__(self, name: str, model: str, line: Line) -> None:
        self.name = name
        self.model = model
        self._line = line
        self._client: AsyncOpenAI | None = None

    def open(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = connect(self._line)
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None


class OpenAiEmbedder:
    """``POST /embeddings``, as OpenAI and most others offer it."""

    def __init__(self, name: str, model: str, line: Line) -> None:
        self._client = _Client(name, model, line)

    @property
    def name(self) -> str:
        """The other side's name: vectors of different models are never compared."""
        return self._client.model

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """Return a vector of length one per text; an empty one of a text that is not wanted.

        Of a text that is too long for the model, its beginning is taken.

        Raises:
            ModelError: no vectors.
        """
        vectors: list[tuple[float, ...]] = []
        for at in range(0, len(texts), TEXTS_AT_ONCE):
            vectors += await self._embed(texts[at : at + TEXTS_AT_ONCE])
        return tuple(vectors)

    async def _embed(self, texts: tuple[str, ...]) -> list[tuple[float, ...]]:
        try:
            return await self._ask(texts)
        except (ModelRefused, ModelBusy) as problem:
            await self._blame_texts(problem)
            return [await self._beginning(text) for text in texts]

    async def _beginning(self, text: str) -> tuple[float, ...]:
        """Halve a text until it is taken, for the others must not wait for it for ever."""
        while True:
            try:
                return (await self._ask((text,)))[0]
            except (ModelRefused, ModelBusy) as problem:
                await self._blame_texts(problem)
            if len(text) < LONG_CHARACTERS:
                return ()
            text = text[: len(text) // 2]

    async def _blame_texts(self, problem: ModelRefused | ModelBusy) -> None:
        """Raise unless it was for the sake of a text that the model did not answer."""
        if isinstance(problem, ModelBusy) and status_of(problem) != FAILED:
            raise problem
        await self._ask((HARMLESS,))

    async def _ask(self, texts: tuple[str, ...]) -> list[tuple[float, ...]]:
        async with as_model_errors(self._client.name):
            answer = await self._client.open().embeddings.create(
                model=self._client.model, input=list(texts), encoding_format="float"
            )
            if sorted(each.index for each in answer.data) != list(range(len(texts))):
                raise ModelCutShort(f"{self._client.name} gave other vectors than were asked for")
            by_place = sorted(answer.data, key=lambda each: each.index)
            return [_of_length_one(each.embedding) for each in by_place]

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


class HttpReranker:
    """``POST /rerank {"model", "query", "documents"}`` → ``{"results": [{"index", …}]}``.

    No part of OpenAI's protocol: as Jina, SiliconFlow, vLLM and Xinference offer it.
    """

    def __init__(self, name: str, model: str, line: Line) -> None:
        self._client = _Client(name, model, line)

    async def rank(self, query: str, texts: tuple[str, ...]) -> tuple[float, ...]:
        """Return a score per text, the larger the better.

        Raises:
            ModelError: no scores.
        """
        async with as_model_errors(self._client.name):
            body = {"model": self._client.model, "query": query, "documents": list(texts)}
            answer: Any = await self._client.open().post("/rerank", body=body, cast_to=object)
            scores = {
                int(each["index"]): float(each["relevance_score"]) for each in answer["results"]
            }
            if scores.keys() != set(range(len(texts))):
                raise ModelCutShort(f"{self._client.name} gave other ranks than were asked for")
            return tuple(scores[place] for place in range(len(texts)))

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


def _of_length_one(vector: list[float]) -> tuple[float, ...]:
    length = math.hypot(*vector) or 1.0
    is_a_place = math.isfinite(length)  # models that ran out of their numbers' range answer NaN
    return tuple(each / length for each in vector) if is_a_place else ()
