"""Which of the candidates is meant, and how good that is: pure figures.

The order was learned on headings as questions and the text below them, with the heading taken
away, as the passage to be found; half of the documents was kept for measuring
(``benchmarks/assistant``). What helped most beside the two scores themselves: other passages of
the same document that fit as well, and a document in the script of the question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import exp, log
from typing import Final

from msgspec import Struct

BIGRAM_WEIGHT: Final = 4.5
TRIGRAM_WEIGHT: Final = 1.5
DOCUMENT_WEIGHT: Final = 2.3
SCRIPT_WEIGHT: Final = 1.5
NEIGHBOURS: Final = 3  # passages of a document that speak for each other


class Candidate(Struct, frozen=True):
    """A passage that might be meant."""

    id: int
    document: int
    is_same_script: bool  # as the question: a Chinese question wants a Chinese document
    bigram: float
    trigram: float


class Ranked(Struct, frozen=True):
    """A candidate, and how likely it is meant compared with the best: from 0 to 1."""

    candidate: Candidate
    share: float


def ranked(candidates: Sequence[Candidate]) -> list[Ranked]:
    """Put candidates in order, the best first."""
    if not candidates:
        return []
    merits = _merits(candidates)
    best = max(merits)
    made = (Ranked(one, exp(merit - best)) for one, merit in zip(candidates, merits, strict=True))
    return sorted(made, key=lambda one: (-one.share, one.candidate.document, one.candidate.id))


def weight(count: int, total: int) -> float:
    """Return how much a word tells that stands in ``count`` of ``total`` passages."""
    return log(1 + (total - count + 0.5) / (count + 0.5))


def _merits(candidates: Sequence[Candidate]) -> list[float]:
    support = _support(candidates)
    bigram = max(one.bigram for one in candidates) or 1.0
    trigram = max(one.trigram for one in candidates) or 1.0
    document = max(support.values()) or 1.0
    return [
        BIGRAM_WEIGHT * one.bigram / bigram
        + TRIGRAM_WEIGHT * one.trigram / trigram
        + DOCUMENT_WEIGHT * support[one.document] / document
        + SCRIPT_WEIGHT * one.is_same_script
        for one in candidates
    ]


def _support(candidates: Sequence[Candidate]) -> dict[int, float]:
    """Return what the best passages of each document have together."""
    scores: defaultdict[int, list[float]] = defaultdict(list)
    for one in candidates:
        scores[one.document].append(one.bigram)
    return {
        document: sum(sorted(several, reverse=True)[:NEIGHBOURS])
        for document, several in scores.items()
    }
