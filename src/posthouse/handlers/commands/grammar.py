"""How a command is said: ``[prefix]scene command arguments…``, and lines below as one argument.

Words are split at white space; quotes, Latin or Chinese, keep them together. A quote opens only
where a word begins or behind ``=``, so ``don't`` is a word. A backslash takes the quote, space or
backslash behind it as it is. What stands below the first line is one last argument, untouched.
"""

from __future__ import annotations

from msgspec import Struct

WORDS_MAX = 1000
_QUOTES = {"“": "”", "‘": "’", "「": "」", "『": "』", "”": "”"}
_QUOTES |= {each: each for each in "\"'＂＇"}
_ESCAPABLE = frozenset(_QUOTES) | frozenset(_QUOTES.values()) | {"\\", " "}
_MARKS = frozenset(_QUOTES) | {"\\"}  # a line without any is split by white space alone


class Spoken(Struct, frozen=True):
    """A message, split into what it names and what it hands over."""

    words: tuple[str, ...]
    below: str = ""  # the lines below the first


class NotClosed(ValueError):
    """A quote has no end; the argument is the quote."""


class TooManyWords(ValueError):
    """More than ``WORDS_MAX`` words."""


def parse(text: str, prefixes: tuple[str, ...]) -> Spoken:
    """Split what was said.

    Args:
        text: the message.
        prefixes: what may stand in front; the longest that fits is taken away.

    Raises:
        NotClosed: a quote has no end.
        TooManyWords: there are more than a command can take.
    """
    first, _, below = without_prefix(text, prefixes).partition("\n")
    words = split_words(first)
    if words:
        words[0] = words[0].partition("@")[0]  # /deploy@our_bot
    return Spoken(tuple(words), below.strip("\n"))


def without_prefix(text: str, prefixes: tuple[str, ...]) -> str:
    """Take the prefix away, if there is one, and the white space around."""
    stripped = text.strip()
    fitting = [prefix for prefix in prefixes if prefix and stripped.startswith(prefix)]
    return stripped[len(max(fitting, key=len, default="")) :].lstrip()


def split_words(line: str) -> list[str]:
    """Split a line into words, quoted ones whole.

    Raises:
        NotClosed: a quote has no end.
        TooManyWords: there are more than ``WORDS_MAX``.
    """
    if _MARKS.isdisjoint(line):
        words = line.split(maxsplit=WORDS_MAX)
        if len(words) > WORDS_MAX:
            raise TooManyWords
        return words
    words = []
    at, end = 0, len(line)
    while at < end:
        if line[at].isspace():
            at += 1
            continue
        if len(words) == WORDS_MAX:
            raise TooManyWords
        word, at = _word(line, at)
        words.append(word)
    return words


def _word(line: str, at: int) -> tuple[str, int]:
    """Read the word that begins at ``at``; returns it, and where it ends."""
    pieces: list[str] = []
    while at < len(line) and not line[at].isspace():
        char = line[at]
        if char in _QUOTES and (not pieces or pieces[-1].endswith("=")):
            quoted, at = _quoted(line, at)
            pieces.append(quoted)
        elif char == "\\" and line[at + 1 : at + 2] in _ESCAPABLE:
            pieces.append(line[at + 1])
            at += 2
        else:
            pieces.append(char)
            at += 1
    return "".join(pieces), at


def _quoted(line: str, at: int) -> tuple[str, int]:
    opening = line[at]
    closing = _QUOTES[opening]
    pieces: list[str] = []
    at += 1
    while at < len(line):
        if line[at] == closing:
            return "".join(pieces), at + 1
        if line[at] == "\\" and line[at + 1 : at + 2] in (closing, "\\"):
            at += 1
        pieces.append(line[at])
        at += 1
    raise NotClosed(opening)
