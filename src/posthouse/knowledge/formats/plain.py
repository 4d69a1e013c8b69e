"""Plain text: paragraphs, and the chapters that Chinese books and manuals number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.shape import Outline, pieces, title_of
from posthouse.knowledge.passage import Block, Extract

HEADING_CHARACTERS_MAX = 60

_CHAPTERS = (
    (1, re.compile(r"\s*(第[〇零一二三四五六七八九十百千万两\d]+[卷部篇编]|PART\s+\S+)(\s|$)")),
    (
        2,
        re.compile(
            r"\s*(第[〇零一二三四五六七八九十百千万两\d]+[章回]|CHAPTER\s+\S+|Chapter\s+\d+)"
        ),
    ),
    (3, re.compile(r"\s*第[〇零一二三四五六七八九十百千万两\d]+[节條条](\s|$)")),
)


def read(data: bytes, name: str) -> Extract:
    """Read a text file."""
    return Extract(title_of(name), tuple(_blocks(decode(data).split("\n"))))


def _blocks(lines: list[str]) -> Iterator[Block]:
    outline, paragraph = Outline(), list[str]()
    for number, line in enumerate([*lines, ""], 1):
        level = _level(line)
        if line.strip() and not level:
            paragraph.append(line)
            continue
        yield from _paragraph(paragraph, number, outline.headings)
        paragraph = []
        if level:
            outline.enter(level, line.strip())


def _paragraph(lines: list[str], end: int, headings: tuple[str, ...]) -> Iterator[Block]:
    for text, line in pieces(lines, end - len(lines)):
        yield Block(text.strip(), headings, line=line)


def _level(line: str) -> int:
    if (
        not line.strip()
        or len(line) > HEADING_CHARACTERS_MAX
        or line.rstrip()[-1] in "。！？.!?，,；;"
    ):
        return 0
    return next((level for level, shape in _CHAPTERS if shape.match(line)), 0)
