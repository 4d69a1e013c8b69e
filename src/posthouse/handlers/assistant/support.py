"""Whether words stand in what they are said to rest on.

Words are compared, not meanings: this tells what was made up, not what was twisted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

from msgspec import Struct

from posthouse.handlers.assistant.framing import is_no, matter_of_title
from posthouse.handlers.assistant.paragraphs import addresses, host, sentences
from posthouse.knowledge.gate.small_words import SMALL_WORDS
from posthouse.knowledge.words import normalise, smooth, tokens

SAID_SHARE: Final = 0.6  # of a sentence's words: the rest are those of the asker's language
CODE_SHARE: Final = 0.6  # of the words of code: the rest are names and values put in
PROSE_WORDS_MIN: Final = 4  # a line of so many words that ends like a sentence is one

_NUMBER = re.compile(r"\d+")
_SMALL_CHARACTERS = frozenset("的了是在和与就也都您你我他它这那个吗呢吧啊把被会能可以要请")
_PROSE_END = re.compile(r"[.!?。！？][\s*_)）”\"'/]*$")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_PROSE_MIN: Final = 8
_COMMENT = re.compile(r"(?:^\s*(?:#+(?!!)|//|;)|(?:^|\s)(?:#+|//|--|;)\s)")


class Held(Struct, frozen=True):
    """Words and numbers that are known."""

    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> Held:
        """Return what stands in a text."""
        smoothed = smooth(normalise(text))
        return cls(frozenset(tokens(smoothed)), frozenset(_NUMBER.findall(smoothed)))

    def __or__(self, other: Held) -> Held:
        return Held(self.words | other.words, self.numbers | other.numbers)

    def bears(self, said: str, share: float = SAID_SHARE) -> bool:
        """Whether enough of the words of a sentence are known, and each of its numbers."""
        if not self.numbers.issuperset(_NUMBER.findall(normalise(said))):
            return False
        words = content(said)
        return sum(word in self.words for word in words) >= share * len(words)


class Ground:
    """What answers rest on, numbered from 1.

    Args:
        sources: the words of each.
        given: what was said besides: the question, results of functions.
    """

    def __init__(self, sources: Sequence[str], given: Sequence[str] = ()) -> None:
        self.sources = len(sources)
        self.given = Held.of("\n".join(given))
        self._texts = [smooth(normalise(text)) for text in sources]
        self._shapes = [_NUMBER.sub("0", text) for text in self._texts]
        self._held = [Held.of(text) for text in sources]
        self._joined: dict[frozenset[int], Held] = {}  # asked for again with each sentence
        self._nos = [[Held.of(each) for each in sentences(text) if is_no(each)] for text in sources]
        self._addresses = [addresses(text) for text in sources]
        self._addresses_given = addresses("\n".join(given))

    def held(self, numbers: Sequence[int]) -> Held:
        """Return what stands in these sources."""
        key = frozenset(numbers)
        if key not in self._joined:
            self._joined[key] = reduce(or_, (self._held[each - 1] for each in key), Held())
        return self._joined[key]

    def bears_links(self, text: str, numbers: Sequence[int]) -> bool:
        """Whether all links lead where one in these sources, or in the question, leads too.

        Args:
            text: what has the links; one may lead to the front page of a place that is known.
            numbers: of the sources.
        """
        known = self._addresses_given.union(*(self._addresses[each - 1] for each in numbers))
        return addresses(text) <= known.union(map(host, known))

    def bears(self, said: str, numbers: Sequence[int]) -> bool:
        """Whether the words of a sentence, and each of its numbers, stand in these sources."""
        return self.held(numbers).bears(said)

    def bears_remark(self, said: str, numbers: Sequence[int]) -> bool:
        """Whether these sources bear what stands behind a citation; a "no" has to be theirs."""
        if is_no(said) and content(said):
            return any(held.bears(said) for number in numbers for held in self._nos[number - 1])
        return self.bears(said, numbers)

    def bears_code(self, code: str, numbers: Sequence[int], beside: Held) -> bool:
        """Whether code stands in these sources, or is made of their words and of the question's.

        What is dressed as code and reads like a sentence has to stand there as one, and a comment
        is a title. A number of the question may replace one in a line that stands there.

        Args:
            code: what stands in a fence.
            numbers: of the sources.
            beside: what comments may speak of too.
        """
        held = self.held(numbers)
        remarked = held | beside | self.given
        made: list[str] = []
        for line in code.splitlines():
            if self._stands(line, numbers):
                continue
            working, comment = _parted(line)
            if not remarked.bears(matter_of_title(comment)):
                return False
            if _is_prose(working) and not held.bears(working):
                return False
            is_new = not held.numbers.issuperset(_NUMBER.findall(normalise(working)))
            if is_new and not self._has_shape(working, numbers):
                return False
            made.append(working)
        return (held | self.given).bears("\n".join(made), CODE_SHARE)

    def _stands(self, line: str, numbers: Sequence[int]) -> bool:
        wanted = smooth(normalise(line))
        return any(f" {wanted} " in f" {self._texts[number - 1]} " for number in numbers)

    def _has_shape(self, line: str, numbers: Sequence[int]) -> bool:
        """Whether a line stands in these sources but for its numbers."""
        wanted = _NUMBER.sub("0", smooth(normalise(line)))
        return any(f" {wanted} " in f" {self._shapes[number - 1]} " for number in numbers)


def content(text: str) -> list[str]:
    """Return the words that say something: small ones stand in every sentence."""
    return [
        word
        for word in tokens(smooth(normalise(text)))
        if word not in SMALL_WORDS and not _SMALL_CHARACTERS.intersection(word)
    ]


def _parted(line: str) -> tuple[str, str]:
    """Part a line of code into what works and what is remarked."""
    found = _COMMENT.search(line)
    return (line[: found.start()], line[found.end() :]) if found else (line, "")


def _is_prose(line: str) -> bool:
    if len(_HAN.findall(line)) >= _HAN_PROSE_MIN:
        return True
    return len(_WORD.findall(line)) >= PROSE_WORDS_MIN and bool(_PROSE_END.search(line))
