"""What may leave the house: words that block, replace or hold an answer, and what is masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from posthouse.knowledge.masking import mask
from posthouse.knowledge.plain import Plain, plain

# What more letters may still turn into a number, an address or a word of the list.
_UNFINISHED = re.compile(
    r"(?:[\w.%+-]+ ?[\[({<](?: ?(?:a|at|@)?|[^\s\])}>]{1,3} ?[\])}>]? ?[\w.-]*)"
    r"|[\w.%+@-]+|[+(]?\d[\d .·–—()*~`-]*)\Z",
    re.ASCII | re.IGNORECASE,
)
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff"
_IDEOGRAPHS = re.compile(f"[{_IDEOGRAPH}]{{2,}}")


class Verdict(StrEnum):
    """What becomes of an answer."""

    PASSED = "passed"
    HELD = "held"  # until an operator has looked at it
    BLOCKED = "blocked"


class Checked(Struct, frozen=True):
    """An answer after the word list; ``word`` is what has stopped it."""

    verdict: Verdict
    text: str
    word: str = ""


class WordList:
    """The words of one handler, as they read: case, width and invisible characters count nothing.

    A Chinese word is found spaced out too, where it stands apart from what is around it.

    Args:
        block: an answer with one of these is not sent.
        hold: an answer with one of these waits for an operator.
        replace: what is written instead of which words.
    """

    def __init__(
        self, block: tuple[str, ...], hold: tuple[str, ...], replace: Mapping[str, str]
    ) -> None:
        self._block, self._hold = _Words(block), _Words(hold)
        self._replace = _Words(tuple(replace))
        self._instead = replace

    def check(self, text: str, *, is_masked: bool = True) -> Checked:
        """Say whether a text may leave, and as what.

        Args:
            text: of an answer.
            is_masked: whether numbers and addresses of people are masked in it.
        """
        read = plain(text)
        if blocked := next(self._block.find(read), None):
            return Checked(Verdict.BLOCKED, "", text[slice(*blocked[1])])
        replaced = self._replaced(text, read)
        left = mask(replaced) if is_masked else replaced
        if held := next(self._hold.find(read), None):
            return Checked(Verdict.HELD, left, text[slice(*held[1])])
        return Checked(Verdict.PASSED, left)

    def _replaced(self, text: str, read: Plain) -> str:
        pieces: list[str] = []
        done = 0
        for word, (start, end) in self._replace.find(read):
            pieces += text[done:start], self._instead[word]
            done = end
        return "".join((*pieces, text[done:]))


def settled(text: str) -> str:
    """Return a growing answer without its last word: half a telephone number is not masked."""
    read = plain(text)
    last = _UNFINISHED.search(read.text)
    return text[: read.span(last.start(), last.end())[0]] if last else text


class _Words:
    """Finds any of some words, the longest first."""

    def __init__(self, words: Sequence[str]) -> None:
        seen = ((plain(word).text, word) for word in words)
        read = sorted((pair for pair in seen if pair[0].strip()), key=lambda pair: -len(pair[0]))
        self._words = [word for _, word in read]
        self._any = re.compile("|".join(_shape(word) for word, _ in read), re.IGNORECASE)

    def find(self, read: Plain) -> Iterator[tuple[str, tuple[int, int]]]:
        """Yield each word that is found, and where it stands in the original."""
        for found in self._any.finditer(read.text) if self._words else ():
            assert found.lastindex is not None, "each word is a group"
            yield self._words[found.lastindex - 1], read.span(found.start(), found.end())


def _shape(word: str) -> str:
    if not _IDEOGRAPHS.fullmatch(word):
        return f"({re.escape(word)})"
    spaced = " {1,2}".join(word)
    return f"({word}|(?<![{_IDEOGRAPH}]){spaced}(?![{_IDEOGRAPH}]))"
