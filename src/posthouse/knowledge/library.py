"""Search in knowledge bases, always at what the book says now.

Nothing is opened before the first question. Each gateway has its own files, made from the
documents of the book, which all gateways share.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from posthouse.knowledge.embedding import Embedder, Reranker
from posthouse.knowledge.index import QUERY_CHARACTERS_MAX, TOP, Index, Meaning
from posthouse.knowledge.meanings import Meanings, Rest
from posthouse.knowledge.passage import Found, Hit, Passage
from posthouse.knowledge.shelf import Shelf
from posthouse.store.documents import Documents

RERANKED: Final = 24  # passages of which a reranker puts the best first
SHELVES_MAX: Final = 32  # open at once; the one that was asked longest ago is closed


class Library:
    """Finds passages.

    Args:
        documents: the book.
        folder: where index files may be put; they can be deleted at any time.
        embedder: gives texts a place among others, where an operator has named one.
        reranker: judges what was found, where an operator has named one.
    """

    def __init__(
        self,
        documents: Documents,
        folder: Path,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self._documents = documents
        self._folder = folder
        self._meanings = Meanings(embedder) if embedder else None
        self._reranker = reranker
        self._ranks = Rest("reranker_failed")
        self._shelves: dict[str, Shelf] = {}  # the one that was asked last at the end

    async def find(self, bases: tuple[str, ...], query: str, limit: int = 8) -> Found:
        """Return the passages that fit a question best, without those under quarantine.

        A document that was changed, added or removed before the call is searched as it is now.
        Of several bases the better passages come first: their scores have one scale.

        Args:
            bases: their names; one that does not exist holds nothing.
            query: anything that people write.
            limit: the most passages.

        Raises:
            TryLater: an index can be neither read nor made anew.
        """
        meaning = await self._meanings.of(query) if self._meanings else None
        most = max(limit, RERANKED) if self._reranker else limit
        found = [await self._find(base, query, most, meaning) for base in dict.fromkeys(bases)]
        return await self._reranked(merged(query, found, most), limit)

    async def passage(self, key: str) -> Passage | None:
        """Return a passage by its key; None once its document says something else."""
        base, _, rest = key.partition(":")
        path, _, text_hash = rest.rpartition("#")
        known = await self._documents.base(base)
        if known is None:
            return None
        return await self._shelf(base).ask(lambda index: index.passage(path, text_hash), known)

    async def prepare(self, base: str) -> None:
        """Learn what changed now, so that the next question need not wait for it.

        Raises:
            TryLater: the index can be neither read nor made anew.
        """
        known = await self._documents.base(base)
        if known is not None:
            await self._shelf(base).ask(Index.counts, known)
            await self._close_idle()

    async def close(self) -> None:
        """Close all files and connections."""
        while self._shelves:
            await self._shelves.popitem()[1].close()
        for helper in (self._meanings, self._reranker):
            if helper is not None:
                await helper.close()

    async def _find(self, name: str, query: str, limit: int, meaning: Meaning | None) -> Found:
        base = await self._documents.base(name)
        if base is None:
            await self._forget(name)
            return Found(query, ())
        without = await self._documents.quarantined(name)
        shelf = self._shelf(name)
        found = await shelf.ask(lambda index: index.search(query, limit, without, meaning), base)
        if self._meanings and meaning:
            shelf.learn_meanings(self._meanings, len(meaning.vector))
        await self._close_idle()
        return found

    async def _reranked(self, found: Found, limit: int) -> Found:
        """Let a reranker put the best in order; it deals the same scores out anew."""
        hits = found.hits
        if self._reranker and len(hits) > 1 and not self._ranks.is_resting:
            texts = tuple(hit.passage.text for hit in hits)
            async with self._ranks.limited():
                ranks = await self._reranker.rank(found.query[:QUERY_CHARACTERS_MAX], texts)
                hits = dealt(hits, ranks)
        return replace(found, hits=hits[:limit])

    def _shelf(self, base: str) -> Shelf:
        shelf = self._shelves.pop(base, None) or Shelf(self._documents, self._folder, base)
        self._shelves[base] = shelf
        return shelf

    async def _close_idle(self) -> None:
        """Close those that were asked longest ago; one that somebody asks now stays open."""
        surplus = len(self._shelves) - SHELVES_MAX
        if surplus > 0:
            idle = [base for base, shelf in self._shelves.items() if shelf.is_idle]
            for base in idle[:surplus]:
                await self._shelves.pop(base).close()

    async def _forget(self, base: str) -> None:
        shelf = self._shelves.pop(base, None)
        if shelf is not None:
            await shelf.remove()


def merged(query: str, found: Iterable[Found], limit: int) -> Found:
    """Make one answer of the answers of several bases."""
    several = tuple(found)
    if len(several) == 1:
        return several[0]
    hits = sorted((hit for one in several for hit in one.hits), key=lambda hit: -hit.score)
    words: dict[str, int] = {}
    for one in several:
        for word, count in one.words:
            words[word] = words.get(word, 0) + count
    return Found(
        query=query,
        hits=tuple(hits[:limit]),
        bigram_top=_best(one.bigram_top for one in several),
        trigram_top=_best(one.trigram_top for one in several),
        coverage=max((one.coverage for one in several), default=0.0),
        known=max((one.known for one in several), default=0.0),
        words=tuple(words.items()),
        passages=sum(one.passages for one in several),
        exact=next((one.exact for one in several if one.exact is not None), None),
    )


def dealt(hits: tuple[Hit, ...], ranks: tuple[float, ...]) -> tuple[Hit, ...]:
    """Put hits in the order of their ranks; the best gets the best score there was."""
    ordered = sorted(zip(hits, ranks, strict=True), key=lambda pair: -pair[1])
    scores = sorted((hit.score for hit in hits), reverse=True)
    return tuple(replace(hit, score=score) for (hit, _), score in zip(ordered, scores, strict=True))


def _best(tops: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(sorted((score for top in tops for score in top), reverse=True)[:TOP])
