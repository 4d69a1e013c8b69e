"""What of a question the quotations do not speak of: they would answer another one.

A neighbour is easily found: a page on QQ holds all of “怎么接入钉钉” but the one word that matters.
A term is a word of a spaced script, or a run of unspaced characters of which no pair is known;
characters that only join others make none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from msgspec import Struct

from posthouse.knowledge.gate.small_words import SMALL_WORDS
from posthouse.knowledge.words import is_unspaced, normalise, runs, stem, tokens

NAME_SHARE: Final = 0.5  # of what is asked: that much, and a name, is what the question is about
WHOLE_SHARE: Final = 0.75  # so little is left that nothing can be near
TOLD_SHARE: Final = 0.45  # so much is worth a word of warning
TERMS_TOLD_MAX: Final = 3
COVERED_MAX: Final = 0.5  # of a question's words in one passage: whatever lacks is beside the point
_TERM_LETTERS_MIN: Final = 2
_JOINING: Final = frozenset(
    "的了着过得之于其是不在有为没别我你您他她它这那各每样次些点个里中上下前后时给对从用做说看吃"
    "也都就才还很太再又到去来和与或跟把被让请吗呢吧啊呀嘛么怎什哪谁几多少何如能会要想可以则"
)


class Lack(Struct, frozen=True):
    """The terms that stand nowhere in the quotations."""

    terms: tuple[str, ...] = ()  # as they were typed
    share: float = 0.0  # of the weight of everything that was asked about
    has_word: bool = False  # one is a whole word, not a piece of a run
    has_name: bool = False  # one looks like the name of something

    def is_subject(self, coverage: float) -> bool:
        """Whether they are what the question is about, so that nothing found can answer it.

        Pieces of runs alone never are: Chinese says the same in many ways.

        Args:
            coverage: share of the question's words that the best passage holds.
        """
        least = NAME_SHARE if self.has_name else WHOLE_SHARE
        return self.has_word and self.share >= least and coverage < COVERED_MAX

    @property
    def is_told(self) -> bool:
        """Whether who asks should know before reading a quotation."""
        return self.share >= TOLD_SHARE

    def told(self, language: str) -> str:
        """Name them between quotation marks, of which the outermost are left to the sentence."""
        return ("”、“" if language == "zh" else "”, “").join(self.terms)


def lack(query: str, weights: Mapping[str, float], text: str) -> Lack:
    """Find the terms of a question that a text does not hold.

    Args:
        query: the question.
        weights: of its words and pairs of characters, by their rarity.
        text: what is quoted from, whole.
    """
    typed = unicodedata.normalize("NFKC", query)
    held = frozenset(tokens(normalise(text)))
    asked = weights.keys() - SMALL_WORDS
    lacking = list(dict.fromkeys(_lacking(typed, held)))
    missed = {word for term in lacking for word in tokens(normalise(term))} & asked
    missing = sum(weights[word] for word in missed)
    whole = missing + sum(weights[word] for word in asked & held)
    return Lack(
        terms=tuple(lacking[:TERMS_TOLD_MAX]),
        share=missing / whole if whole else 0.0,
        has_word=any(not is_unspaced(normalise(term)) for term in lacking),
        has_name=any(_is_name(term, typed) for term in lacking),
    )


def _lacking(typed: str, held: frozenset[str]) -> Iterator[str]:
    for run in runs(typed):
        word = normalise(run)
        if is_unspaced(word):
            yield from _unknown_characters(word, held)
        elif _is_term(word) and stem(word) not in held:
            yield run


def _is_term(word: str) -> bool:
    is_small = word in SMALL_WORDS or stem(word) in SMALL_WORDS
    return len(word) >= _TERM_LETTERS_MIN and not word.isdigit() and not is_small


def _unknown_characters(run: str, held: frozenset[str]) -> Iterator[str]:
    """Return the pieces in which no pair of neighbours is known, and nothing only joins."""
    known = [character in _JOINING for character in run]
    for at, pair in enumerate(map("".join, pairwise(run))):
        if pair in held or pair in SMALL_WORDS:
            known[at] = known[at + 1] = True
    marked = "".join(" " if is_known else each for each, is_known in zip(run, known, strict=True))
    return (piece for piece in marked.split() if len(piece) >= _TERM_LETTERS_MIN)


def _is_name(term: str, typed: str) -> bool:
    """Whether it has a capital that no sentence begins with, or foreign letters in Chinese."""
    if not term.isascii():
        return False
    return is_unspaced(normalise(typed)) or (term != term.lower() and not typed.startswith(term))
