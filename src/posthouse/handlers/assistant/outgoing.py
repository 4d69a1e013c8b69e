"""What may leave the house: words that block, replace or hold an answer, and what is masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from posthouse.knowledge.masking import mask

# What more letters may still turn into a number, an address or a word of the list.
_UNFINISHED = re.compile(r"(?:[\w.%+@-]+|[+(]?\d[\d ()-]*)\Z", re.ASCII)


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
    """The words of one handler; upper and lower case are the same, width is not.

    Args:
        block: an answer with one of these is not sent.
        hold: an answer with one of these waits for an operator.
        replace: what is written instead of which words.
    """

    def __init__(
        self, block: tuple[str, ...], hold: tuple[str, ...], replace: Mapping[str, str]
    ) -> None:
        self._block, self._hold = _any_of(block), _any_of(hold)
        self._instead = {word.casefold(): other for word, other in replace.items()}
        self._replace = _any_of(tuple(replace))

    def check(self, text: str) -> Checked:
        """Say whether a text may leave, and as what."""
        blocked = self._block and self._block.search(text)
        if blocked:
            return Checked(Verdict.BLOCKED, "", blocked[0])
        replaced = self._replaced(text)
        held = self._hold and self._hold.search(text)
        if held:
            return Checked(Verdict.HELD, mask(replaced), held[0])
        return Checked(Verdict.PASSED, mask(replaced))

    def _replaced(self, text: str) -> str:
        if self._replace is None:
            return text
        return self._replace.sub(lambda found: self._instead.get(found[0].casefold(), ""), text)


def settled(text: str) -> str:
    """Return a growing answer without its last word: half a telephone number is not masked."""
    return _UNFINISHED.sub("", text)


def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Find any of the words, the longest first."""
    by_length = sorted(filter(str.strip, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, by_length)), re.IGNORECASE) if by_length else None
