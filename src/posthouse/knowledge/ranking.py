"""Which of the candidates is meant, and how good that is: pure figures.

The order was learned on headings as questions and the text below them, with the heading taken
away, as the passage to be found; half of the documents was kept for measuring
(``benchmarks/assistant``). What helped most beside the two scores themselves: how a section
begins, other passages of the same document that fit as well, and a document in the script of the
question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import nlargest
from math import exp, log
from typing import Final

from msgspec import Struct

BIGRAM_WEIGHT: Final = 2.9
TRIGRAM_WEIGHT: Final = 1.3
OPENING_WEIGHT: Final = 3.4
DOCUMENT_WEIGHT: Final = 2.5
SCRIPT_WEIGHT: Final = 1.2
MEANING_WEIGHT: Final = 4.0  # with an English model on half A; from 2 to 8 it is much the same
OPENING_CHARACTERS: Final = 200
OPENING_WORDS: Final = 24  # of a question that are looked for there
FIRST_CHARACTERS: Final = 80  # of an opening count whole
LATER_SHARE: Final = 0.55  # what follows, by that much
SPREAD: Final = 2.0  # merits that much apart make a passage e times less likely
NEIGHBOURS: Final = 3  # passages of a document that speak for each other


class Candidate(Struct, frozen=True):
    """A passage that might be meant."""

    id: int
    document: int
    is_same_script: bool  # as the question: a Chinese question wants a Chinese document
    bigram: float
    trigram: float
    opening: float = 0.0  # how much of the question its heading and first words hold
    cosine: float | None = None  # of its vector and the question's, where there are any


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
    made = (
        Ranked(one, exp((merit - best) / SPREAD))
        for one, merit in zip(candidates, merits, strict=True)
    )
    return sorted(made, key=lambda one: (-one.share, one.candidate.document, one.candidate.id))


def weight(count: int, total: int) -> float:
    """Return how much a word tells that stands in ``count`` of ``total`` passages."""
    return log(1 + (total - count + 0.5) / (count + 0.5))


def heaviest(weights: Mapping[str, float]) -> dict[str, float]:
    """Choose the words that tell most, each with its share of what they tell."""
    chosen = nlargest(OPENING_WORDS, weights, weights.__getitem__)
    whole = sum(weights[word] for word in chosen) or 1.0
    return {word: weights[word] / whole for word in chosen}


def opens(opening: str, shares: Mapping[str, float]) -> float:
    """Return the share of the heaviest words that a heading and the words below it hold."""
    held = 0.0
    for word, share in shares.items():
        at = opening.find(word)
        if at >= 0:
            held += share if at < FIRST_CHARACTERS else share * LATER_SHARE
    return held


def _merits(candidates: Sequence[Candidate]) -> list[float]:
    support = _support(candidates)
    bigram = max(one.bigram for one in candidates) or 1.0
    trigram = max(one.trigram for one in candidates) or 1.0
    document = max(support.values()) or 1.0
    meanings = _meanings(candidates)
    return [
        BIGRAM_WEIGHT * one.bigram / bigram
        + TRIGRAM_WEIGHT * one.trigram / trigram
        + OPENING_WEIGHT * one.opening
        + DOCUMENT_WEIGHT * support[one.document] / document
        + SCRIPT_WEIGHT * one.is_same_script
        + MEANING_WEIGHT * meaning
        for one, meaning in zip(candidates, meanings, strict=True)
    ]


def _meanings(candidates: Sequence[Candidate]) -> list[float]:
    """Spread cosines from 0 to 1: models differ in how far apart they put texts.

    What has no vector yet is taken for as near as others are, else the first passages that have
    one would displace all that the model has not seen.
    """
    cosines = [one.cosine for one in candidates if one.cosine is not None]
    if not cosines:
        return [0.0 for _ in candidates]
    least, usual = min(cosines), sum(cosines) / len(cosines)
    width = (max(cosines) - least) or 1.0
    known = (usual if one.cosine is None else one.cosine for one in candidates)
    return [(cosine - least) / width for cosine in known]


def _support(candidates: Sequence[Candidate]) -> dict[int, float]:
    """Return what the best passages of each document have together."""
    scores: defaultdict[int, list[float]] = defaultdict(list)
    for one in candidates:
        scores[one.document].append(one.bigram)
    return {
        document: sum(sorted(several, reverse=True)[:NEIGHBOURS])
        for document, several in scores.items()
    }
