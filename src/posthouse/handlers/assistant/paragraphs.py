"""Cutting an answer in Markdown into prose and fences, paragraphs, and sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_NUMBERS: Final = r"\d{1,3}(?:\s*[,，、]\s*\d{1,3})*"
CITED: Final = re.compile(rf"[\[【〔]\s*({_NUMBERS})\s*[\]】〕]")
ITEM: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)、])\s+")
TITLE: Final = re.compile(r"^\s*(?:#{1,6}\s|\*{1,3}(?=[^*\s])[^*]+\*{1,3}\s*$|__[^_]+__\s*$)")
RULER: Final = re.compile(r"^\s*[-*_|:][-*_|:\s]{2,}$")

# What an app makes a link of: "https://a.example/b", "a.example/b", "a.com".
_NO_ADDRESS: Final = r"\s<>\"'`()\[\]{}|*\u2000-\u206f\u3000-\u9fff\uff00-\uffef"
_ADDRESS = re.compile(
    rf"\b[a-z][a-z0-9+]{{1,9}}://[^{_NO_ADDRESS}]+"
    r"|(?<![\w./@-])(?:[a-z0-9-]{1,63}\.){1,5}"
    rf"(?:(?:com|net|org|cn|io|top|xyz|shop|vip)\b|[a-z]{{2,12}}/)[^{_NO_ADDRESS}]*",
    re.IGNORECASE | re.ASCII,
)
_TARGET = re.compile(r"\]\([ \t]*<?([^\s)>]+)")  # "[a](b)", "![a](b)"
_BEFORE_HOST = re.compile(r"^(?:[a-z][a-z0-9+]*:)?//(?:www\.)?|^www\.")
_AT_HOME = re.compile(r"(?:(?!\d)[^./@:。．｡]+|127\.[\d.]+|0\.0\.0\.0)(?::\d+)?(?:[/?#]|$)")

_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE = re.compile(r"`[^`\n]*`")  # what is quoted within a line; a number in it is an index
_MARKS_OF_CODE = re.compile(r"[\[\]【】〔〕.。!！?？;；]")
_HAN = r"\u3000-\u303f\u3400-\u9fff"
_SENTENCE_END = re.compile(
    r"(?:[。！？；]+"
    r"|[.!?;]+(?=[\s\"'”’」』）)*_\[【〔]|$)"
    rf"|(?<=[{_HAN}])[.!?;]+|[.!?;]+(?=[{_HAN}])"
    r"|(?<=[a-z0-9])[.!?]+(?=[A-Z][a-z]*[\s,'’])"  # "It is free.Return it …"
    r")[\"'”’」』）)*_]*|\n"
)
_CITATIONS = re.compile(rf"(?:\s*[\[【〔]\s*(?:{_NUMBERS})\s*[\]】〕])*\s*")
ABBREVIATION_CHARACTERS_MAX: Final = 8
_ABBREVIATED = re.compile(
    r"\b(?:(?i:e\.g|i\.e|etc|vs|cf|no|nr|fig|mr|mrs|ms|dr|approx|resp|incl)|[A-Z])\.$"
)


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of sources that a text names."""
    return tuple(
        int(number) for found in CITED.findall(text) for number in re.findall(r"\d+", found)
    )


def parts(text: str) -> tuple[list[str], list[str]]:
    """Part an answer into lines of prose, and what stands between two fences of a kind.

    An empty line stays where a fence was. One that is never closed holds nothing: the rest of an
    answer cannot hide behind it.
    """
    lines: list[str] = []
    fences: list[str] = []
    fenced: list[str] = []
    mark = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if mark and fence and fence[1] == mark:
            fences.append("\n".join(fenced))
            mark, fenced = "", []
        elif mark:
            fenced.append(line)
        elif fence:
            mark = fence[1]
            lines.append("")
        else:
            lines.append(line)
    return [*lines, *fenced], fences


def units(lines: Sequence[str]) -> list[str]:
    """Cut the prose of an answer into paragraphs, items and rows."""
    found: list[str] = []
    is_open = False
    for line in lines:
        bare = _CODE.sub(lambda code: _MARKS_OF_CODE.sub(" ", code[0]), line)
        if not bare.strip():
            is_open = False
        elif is_open and not (ITEM.match(bare) or TITLE.match(bare) or "|" in bare):
            found[-1] += f"\n{bare}"
        else:
            found.append(bare)
            is_open = not TITLE.match(bare)
    return found


def sentences(unit: str) -> list[str]:
    """Cut a paragraph into sentences; citations behind a full stop belong to what is before it.

    The end of a line is one: where an answer is shown, it is seen as one.
    """
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(unit):
        near = max(start, end.end() - ABBREVIATION_CHARACTERS_MAX)
        if end.start() < start or _ABBREVIATED.search(unit, near, end.end()):
            continue
        is_line = end[0] == "\n"
        behind = None if is_line else _CITATIONS.match(unit, end.end())
        stop = behind.end() if behind else end.end()
        found.append(unit[start:stop])
        start = stop
    return [each for each in (*found, unit[start:]) if each.strip()]


def is_head(rows: Sequence[str], at: int) -> bool:
    """Whether a row of a table names its columns."""
    is_row = "|" in rows[at] and at + 1 < len(rows)
    return is_row and "|" in rows[at + 1] and RULER.match(rows[at + 1]) is not None


def addresses(text: str) -> frozenset[str]:
    """Return where the links in a text lead, without schemes.

    What leads to a machine of one's own counts as none: its host is ``127.0.0.1`` or has no dot.
    """
    prose = _CODE.sub(" ", "\n".join(parts(text)[0]))
    found = map(_bare, (*_ADDRESS.findall(text), *_TARGET.findall(prose)))
    return frozenset(each for each in found if not _AT_HOME.match(each))


def host(address: str) -> str:
    """Return the part of an address that names a machine."""
    return re.split(r"[/?#]", address, maxsplit=1)[0]


def _bare(address: str) -> str:
    return _BEFORE_HOST.sub("", address.casefold()).rstrip(".,:;!?/")
