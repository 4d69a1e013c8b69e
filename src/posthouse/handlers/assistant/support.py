"""Whether words stand in what they are said to rest on.

Words are compared, not meanings: this tells what was made up, not what was twisted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from posthouse.knowledge.gate.small_words import SMALL_WORDS
from posthouse.knowledge.words import normalise, smooth, tokens

SAID_SHARE: Final = 0.6  # of a sentence's words: the rest are those of the asker's language
CODE_SHARE: Final = 0.6  # of the words of code: the rest are names and values put in
COMMENT_WORDS_MIN: Final = 4  # a line of so many words that ends like a sentence is one

_NUMBER = re.compile(r"\d+")
_SMALL_CHARACTERS = frozenset("的了是在和与就也都您你我他它这那个吗呢吧啊把被会能可以要请")
_PROSE_END = re.compile(r"[.!?。！？][\s*_)）”\"'/]*$")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_PROSE_MIN: Final = 8
_COMMENT = re.compile(r"\s*(?:#|//|--|;)")


class Ground:
    """What answers rest on, numbered from 1.

    Args:
        sources: the words of each.
        given: what was said besides: the question, results of functions.
    """

    def __init__(self, sources: Sequence[str], given: Sequence[str] = ()) -> None:
        self.sources = len(sources)
        self._texts = [smooth(normalise(text)) for text in sources]
        self._words = [frozenset(tokens(text)) for text in self._texts]
        self._numbers = [frozenset(_NUMBER.findall(text)) for text in self._texts]
        self._given = frozenset(tokens(smooth(normalise(" ".join(given)))))

    def bears(self, said: str, numbers: Sequence[int]) -> bool:
        """Whether the words of a sentence, and each of its numbers, stand in these sources."""
        known = frozenset().union(*(self._numbers[number - 1] for number in numbers))
        if not known.issuperset(_NUMBER.findall(normalise(said))):
            return False
        return _share(content(said), self._held(numbers)) >= SAID_SHARE

    def bears_code(self, code: str, numbers: Sequence[int]) -> bool:
        """Whether code stands in these sources, or is made of their words.

        What is dressed as code and reads like a sentence has to stand there as one; a comment of
        a few words is a heading.
        """
        words: list[str] = []
        for line in code.splitlines():
            if self._stands(line, numbers) or _is_label(line):
                continue
            if _is_prose(line) and not self.bears(line, numbers):
                return False
            words += content(line)
        return _share(words, self._held(numbers) | self._given) >= CODE_SHARE

    def _stands(self, line: str, numbers: Sequence[int]) -> bool:
        wanted = smooth(normalise(line))
        return any(f" {wanted} " in f" {self._texts[number - 1]} " for number in numbers)

    def _held(self, numbers: Sequence[int]) -> frozenset[str]:
        return frozenset().union(*(self._words[number - 1] for number in numbers))


def content(text: str) -> list[str]:
    """Return the words that say something: small ones stand in every sentence."""
    return [
        word
        for word in tokens(smooth(normalise(text)))
        if word not in SMALL_WORDS and not _SMALL_CHARACTERS.intersection(word)
    ]


def _share(words: Sequence[str], held: frozenset[str]) -> float:
    return sum(word in held for word in words) / len(words) if words else 1.0


def _is_label(line: str) -> bool:
    is_short = len(_WORD.findall(line)) < COMMENT_WORDS_MIN
    return is_short and _COMMENT.match(line) is not None and not _is_prose(line)


def _is_prose(line: str) -> bool:
    if len(_HAN.findall(line)) >= _HAN_PROSE_MIN:
        return True
    return len(_WORD.findall(line)) >= COMMENT_WORDS_MIN and bool(_PROSE_END.search(line))
