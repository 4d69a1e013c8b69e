"""A text as it reads: without invisible characters, and in letters of the usual width.

Whoever looks for something in a text looks into this, and learns where it stands in the original.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

# Soft hyphens, joiners, marks of direction, blank letters, variation selectors, tags: unseen.
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
HIDDEN = re.compile(f"[{_INVISIBLE}]")
_SEEN = re.compile(f"[^{_INVISIBLE}]")
_SPACES = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_HYPHENS = "\u2010\u2011\u2212\ufe63"
_BOLD_DIGITS = range(0x1D7CE, 0x1D800)  # five alphabets of ten digits
_NARROW = {
    **{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _HYPHENS), "-"),
    **{bold: str((bold - _BOLD_DIGITS.start) % 10) for bold in _BOLD_DIGITS},
    ord("【"): "[",
    ord("】"): "]",
}
_UNUSUAL = re.compile(f"[{''.join(map(chr, _NARROW))}]")


class Plain(Struct, frozen=True):
    """A text as it reads, character by character."""

    text: str
    places: Sequence[int] | None  # where each character stood; None: where it stands

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a piece of it, of one character at least, stands in the original."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1

    def without(self, marks: re.Pattern[str]) -> Plain:
        """Return it without what a pattern finds, as if nobody saw that either."""
        kept: list[int] = []
        done = 0
        for found in marks.finditer(self.text):
            kept += range(done, found.start())
            done = found.end()
        if not done:
            return self
        kept += range(done, len(self.text))
        places = kept if self.places is None else [self.places[at] for at in kept]
        return Plain("".join(self.text[at] for at in kept), places)


def plain(text: str) -> Plain:
    """Read a text."""
    narrow = text.translate(_NARROW) if _UNUSUAL.search(text) else text
    if not HIDDEN.search(narrow):
        return Plain(narrow, None)
    places = [found.start() for found in _SEEN.finditer(narrow)]
    return Plain(HIDDEN.sub("", narrow), places)
