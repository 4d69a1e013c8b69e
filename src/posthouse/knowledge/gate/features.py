"""What a gate sees of a message and of what was found for it: numbers, and pieces of its text.

All numbers keep their meaning while a base grows, so a gate that was trained yesterday judges well
today: scores are counted in squares of the largest weight a word can have there (a rarer word
weighs more in a larger base, and more of them match), words by the share of passages holding them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log, log1p
from typing import Final
from zlib import crc32

from msgspec import Struct

from posthouse.knowledge.gate.small_words import SMALL_WORDS
from posthouse.knowledge.passage import Found, Passage
from posthouse.knowledge.ranking import weight
from posthouse.knowledge.words import normalise, tokens

TEXT_CHARACTERS_MAX: Final = 512
PIECE_CHARACTERS_MAX: Final = 3
PLACES: Final = 5  # passages
BUCKETS: Final = 1 << 15  # pieces of text share them; twice as many bring nothing
EVERYDAY_SHARE: Final = 0.01  # a word that one passage in a hundred holds is everyday speech there

_TOPS: Final = (1, 5, 30)
_SHARES: Final = (0.0, 0.0003, 0.001, 0.003, 0.01)  # bounds between bands of rarity
_SHORT: Final = (10, 20)  # characters: among short messages every one more tells much
NUMBERS: Final = 2 * len(_TOPS) + 5 + len(_SHORT) + 2 * (len(_SHARES) + 1) + 4
_FIRST_UNSPACED: Final = "\u3005"


class Features(Struct, frozen=True):
    """A message as a gate sees it."""

    numbers: tuple[float, ...]
    buckets: tuple[int, ...]  # of its pieces, and of where the best passages stand, each once


def features(text: str, found: Found) -> Features:
    """Look at a message and at what was found for it."""
    normal = normalise(text[:TEXT_CHARACTERS_MAX])
    seen = {*buckets(normal), *map(_bucket, _places(found))}
    return Features(_numbers(normal, found), tuple(sorted(seen)))


def evidence(found: Found) -> float:
    """Return how much of the message the best five passages hold, whatever the base's size.

    Small talk finds its small words everywhere; so this counts by the share of what else is said.
    """
    said = sum(len(word) for word, _ in found.words)
    met = sum(len(word) for word, count in found.words if count and word not in SMALL_WORDS)
    return _mean_of(found.trigram_top, 5) * _unit(found) * met / said if said else 0.0


def everyday_words(found: Found) -> int:
    """Count the message's words that are everyday speech in the base, small ones apart."""
    least = max(1.0, EVERYDAY_SHARE * found.passages)
    return sum(count >= least and word not in SMALL_WORDS for word, count in found.words)


def buckets(normal: str) -> tuple[int, ...]:
    """Put every piece of one to three characters of a normalised text into its bucket."""
    padded = f" {normal} "
    pieces = {
        padded[at : at + size]
        for size in range(1, PIECE_CHARACTERS_MAX + 1)
        for at in range(len(padded) - size + 1)
    }
    return tuple(sorted(set(map(_bucket, pieces))))


def _bucket(piece: str) -> int:
    return crc32(piece.encode("utf-8", "replace")) % BUCKETS


def _places(found: Found) -> set[str]:
    """Name the documents and folders of the best passages: some are asked about, some are not."""
    paths = {f"\n{hit.passage.base}:{hit.passage.path}" for hit in found.hits[:PLACES]}
    return paths | {path.rpartition("/")[0] for path in paths if "/" in path}


def _numbers(normal: str, found: Found) -> tuple[float, ...]:
    unit = _unit(found)
    scores = [
        _mean_of(tops, size) * unit
        for tops in (found.trigram_top, found.bigram_top)
        for size in _TOPS
    ]
    return (
        *scores,
        _fall(found.trigram_top) * unit,
        _fall(found.bigram_top) * unit,
        found.coverage,
        found.known,
        log1p(len(normal)),
        *(min(len(normal), short) for short in _SHORT),
        *_rarity(found),
        *_named(found),
        *_agreement(found),
    )


def _unit(found: Found) -> float:
    return 1.0 / log(found.passages + 2.0) ** 2


def _mean_of(tops: Sequence[float], size: int) -> float:
    return sum(tops[:size]) / size


def _fall(tops: Sequence[float]) -> float:
    """Return how far the best passage stands above the fifth."""
    return tops[0] - (tops[4] if len(tops) > 4 else 0.0) if tops else 0.0  # noqa: PLR2004


def _rarity(found: Found) -> list[float]:
    """Count words by how rare they are in the base, those of Chinese apart from the others."""
    bands = len(_SHARES) + 1
    counts = [0] * (2 * bands)
    for word, count in found.words:
        share = count / found.passages if found.passages else 0.0
        band = bisect_right(_SHARES, share) if count else 0
        counts[band + (bands if word >= _FIRST_UNSPACED else 0)] += 1
    return [log1p(count) for count in counts]


def _named(found: Found) -> tuple[float, float]:
    """Return how much of the message names what the best passages are about: the most, the mean.

    Words that stand in a heading are a subject; those that stand in a text may be chance.
    """
    weights = {word: weight(count, found.passages) for word, count in found.words}
    whole = sum(weights.values())
    if not whole or not found.hits:
        return 0.0, 0.0
    shares = [_held(weights, hit.passage) / whole for hit in found.hits[:PLACES]]
    return max(shares), sum(shares) / PLACES


def _held(weights: Mapping[str, float], passage: Passage) -> float:
    names = set(tokens(normalise(" ".join((*passage.headings, passage.title, passage.path)))))
    return sum(told for word, told in weights.items() if word in names)


def _agreement(found: Found) -> tuple[float, float]:
    """Return how many of the best passages stand in one document, and in one folder."""
    paths = [hit.passage.path for hit in found.hits[:PLACES]]
    folders = [path.rpartition("/")[0] for path in paths]
    return _commonest(paths) / PLACES, _commonest(folders) / PLACES


def _commonest(names: Sequence[str]) -> int:
    return max(Counter(names).values(), default=0)
