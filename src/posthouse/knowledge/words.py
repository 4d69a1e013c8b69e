"""Cutting text into what is compared: words of spaced scripts, pairs of unspaced characters.

Chinese is not segmented: pairs of neighbouring characters find as much as a dictionary does, never
miss a new word, and cost a twentieth. Both texts and questions go through the same functions.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

# Han with its extensions and iteration marks, and kana. Hangul has spaces: its words are words.
_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_FIRST_UNSPACED = "\u3005"
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")
_NO_WORD = re.compile(r"[\W_]+")
_WORD_CHARACTERS_MAX = 40  # longer ones are keys and checksums: their beginning tells them apart
_STEM_CHARACTERS_MIN = 3
_STEMS_CACHED = 50_000
_CLOSING_CHARACTERS_MAX = 40
_OPENING = re.compile(
    r"\s*(?:(?:(?:hi|hello|hey|excuse me|please|good (?:morning|afternoon|evening))\b"
    r"|(?:你|您|大家)好|早上好|下午好|晚上好|在吗|请教|(?:麻烦|想)?请?问(?:一下|下)|请问)[\s,，.。!！?？~、:：]*)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:[\s,，.。!！?？~、]*"
    r"(?:\b(?:please|thanks|thank you|thx)\b|谢谢[你您]?|多谢|谢了|感谢|麻烦了))+"
    r"[\s,，.。!！?？~]*$",
    re.IGNORECASE,
)
_UNSPACED_SHARE = 0.05  # of a text: much of a Chinese manual is commands and names
_ENDINGS = (
    ("ies", "y"),
    ("ss", "ss"),
    ("us", "us"),
    ("ing", ""),
    ("ed", ""),
    ("es", ""),
    ("s", ""),
    ("e", ""),
)


def normalise(text: str) -> str:
    """Make texts that look alike equal: width, compatibility forms, case; never raises."""
    whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no character
    return unicodedata.normalize("NFKC", whole).casefold()


def runs(text: str) -> list[str]:
    """Cut a text into words of spaced scripts and whole runs of unspaced characters."""
    return _RUN.findall(text)


def tokens(normal: str) -> list[str]:
    """Cut a normalised text into stems of words and pairs of unspaced characters."""
    found: list[str] = []
    for run in runs(normal):
        if run[0] < _FIRST_UNSPACED or not _UNSPACED_RUN.match(run):
            found.append(stem(run))
        elif len(run) == 1:
            found.append(run)
        else:
            found += map("".join, pairwise(run))
    return found


def trigrams(smoothed: str) -> list[str]:
    """Return every three neighbouring characters of a smoothed text."""
    return [smoothed[at : at + 3] for at in range(len(smoothed) - 2)]


def smooth(normal: str) -> str:
    """Put one space where anything but letters and digits stands."""
    return _NO_WORD.sub(" ", normal).strip()


def fingerprint(text: str) -> str:
    """Reduce a question to what makes it the same question: its letters and digits."""
    return _NO_WORD.sub("", normalise(text))


def without_courtesies(text: str) -> str:
    """Take greetings, requests and thanks off both ends of a question; they are no part of it."""
    opening = _OPENING.match(text)
    question = text if opening is None else text[opening.end() :]
    at = max(0, len(question) - _CLOSING_CHARACTERS_MAX)
    return question[:at] + _CLOSING.sub("", question[at:], count=1)


def wordings(question: str) -> tuple[str, ...]:
    """Return by what a question is known again: as it was put, and with its courtesies apart."""
    return tuple(dict.fromkeys(map(fingerprint, (question, without_courtesies(question)))))


def is_unspaced(normal: str) -> bool:
    """Tell Chinese and Japanese texts from others; half of their characters may be commands."""
    characters = sum(map(len, _UNSPACED_RUN.findall(normal)))
    return characters > len(normal) * _UNSPACED_SHARE


@lru_cache(maxsize=_STEMS_CACHED)
def stem(word: str) -> str:
    """Take the commonest English endings off; other words stay."""
    word = word[:_WORD_CHARACTERS_MAX]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_CHARACTERS_MIN:
            return word[: len(word) - len(ending)] + instead
    return word
