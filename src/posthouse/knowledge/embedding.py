"""Turning texts into vectors and judging passages, where an operator names an endpoint for it."""

from __future__ import annotations

from typing import Protocol


class Embedder(Protocol):
    """One that gives texts a place among other texts."""

    @property
    def name(self) -> str:
        """The model's name; vectors of different models are never compared."""
        ...

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """Return a vector of length one per text; an empty one of a text that is refused.

        Raises:
            PosthouseError: no vectors; the search goes on without them.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Reranker(Protocol):
    """One that says how well passages answer a question."""

    async def rank(self, query: str, texts: tuple[str, ...]) -> tuple[float, ...]:
        """Return a score per text, the larger the better.

        Raises:
            PosthouseError: no scores; the order stays as it was.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
