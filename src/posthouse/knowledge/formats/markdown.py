"""Markdown. Read line by line: what a passage needs is where headings, code and tables are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.shape import Outline, pieces, title_of
from posthouse.knowledge.passage import Block, Extract

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})(.*)$")
_TABLE_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_ITEM = re.compile(r"[ \t]*([-*+]|\d{1,9}[.)])[ \t]")
_RULER = re.compile(r" {0,3}([-*_])([ \t]*\1){2,}[ \t]*$")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_PICTURE = re.compile(r"!\[([^\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)")
_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?:[^()]|\([^()]*\))*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_FRONT_TITLE = re.compile(r"title:[ \t]*(.+)")


def read(data: bytes, name: str) -> Extract:
    """Read a Markdown file."""
    text = _COMMENT.sub(_only_line_ends, decode(data))
    lines = text.split("\n")
    front, begin = _front_matter(lines)
    reader = _Reader(lines, begin)
    blocks = tuple(reader.blocks())
    return Extract(front or reader.title or title_of(name), blocks)


def _only_line_ends(comment: re.Match[str]) -> str:
    return "\n" * comment[0].count("\n")


def _front_matter(lines: Sequence[str]) -> tuple[str, int]:
    """Return the title that the settings at a page's top give it, and where its text begins."""
    if lines[0].rstrip() != "---":
        return "", 0
    for number, line in enumerate(lines[1:200], 1):
        if line.rstrip() in {"---", "..."}:
            titles = (_FRONT_TITLE.match(setting) for setting in lines[1:number])
            title = next((found[1].strip("\"' ") for found in titles if found), "")
            return title, number + 1
    return "", 0


class _Reader:
    def __init__(self, lines: Sequence[str], begin: int) -> None:
        self._lines = lines
        self._at = begin
        self._outline = Outline()
        self.title = ""

    def blocks(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip() or _RULER.match(line):
                self._at += 1
            elif heading := _HEADING.match(line):
                self._enter(len(heading[1]), _heading(line[heading.end() :]), 1)
            elif fence := _FENCE.match(line):
                yield from self._code(fence[1])
            elif self._is_table():
                yield from self._table()
            else:
                yield from self._paragraph()

    def _enter(self, level: int, text: str, lines: int) -> None:
        text = _plain(text).strip()
        self._outline.enter(level, text)
        self.title = self.title or text
        self._at += lines

    def _code(self, fence: str) -> Iterator[Block]:
        first, self._at = self._at + 1, self._at + 1
        closing = re.compile(rf"[ \t>]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        while self._at < len(self._lines) and not closing.match(self._lines[self._at]):
            self._at += 1
        inside = self._lines[first : self._at]
        self._at += 1
        if any(map(str.strip, inside)):
            yield from self._blocks(inside, first, "code")

    def _is_table(self) -> bool:
        below = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""
        return "|" in self._lines[self._at] and "-" in below and bool(_TABLE_RULE.match(below))

    def _table(self) -> Iterator[Block]:
        first = self._at
        while self._at < len(self._lines) and "|" in self._lines[self._at]:
            self._at += 1
        head, body = self._lines[first : first + 2], self._lines[first + 2 : self._at]
        top = _plain("\n".join(map(str.strip, head)))
        for text, line in pieces(body or [""], first + 3):
            at = first + 1 if line == first + 3 else line
            whole = f"{top}\n{_plain(text)}".rstrip()
            yield Block(whole, self._outline.headings, line=at, kind="table")

    def _paragraph(self) -> Iterator[Block]:
        first = self._at
        self._at += 1
        while self._at < len(self._lines) and not self._ends_paragraph(first):
            underline = _UNDERLINE.match(self._lines[self._at])
            if underline and not _ITEM.match(self._lines[first]):
                self._enter(
                    1 if underline[1][0] == "=" else 2, " ".join(self._lines[first : self._at]), 1
                )
                return
            self._at += 1
        yield from self._blocks(self._lines[first : self._at], first, "text")

    def _ends_paragraph(self, first: int) -> bool:
        """Whether another block begins here; a list goes on after an empty line."""
        line = self._lines[self._at]
        if line.strip():
            is_else = _HEADING.match(line) or _FENCE.match(line) or self._is_table()
            return bool(is_else)
        below = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""
        is_list = bool(_ITEM.match(self._lines[first]))
        return not (is_list and (_ITEM.match(below) or below.startswith(("  ", "\t"))))

    def _blocks(self, lines: Sequence[str], first: int, kind: str) -> Iterator[Block]:
        for text, line in pieces(lines, first + 1):
            said = text if kind == "code" else _joined(_plain(text))
            if said.strip():
                yield Block(said.strip("\n"), self._outline.headings, line=line, kind=kind)


def _heading(text: str) -> str:
    """Leave out the marks that may close a heading."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text


def _joined(text: str) -> str:
    """Put lines that only the page's width has parted together again; items and breaks stay."""
    whole = ""
    for line in text.split("\n"):
        is_of_its_own = not whole or not line.strip() or _ITEM.match(line) or line.startswith(">")
        if is_of_its_own or whole.endswith(("  ", "\\", "\n")):
            whole += f"\n{line}" if whole else line
        else:
            whole += f"{_between(whole[-1], line.lstrip()[0])}{line.lstrip()}"
    return whole


def _between(last: str, first: str) -> str:
    """Chinese characters stand side by side, words apart."""
    return "" if {east_asian_width(last), east_asian_width(first)} <= {"W", "F"} else " "


def _plain(text: str) -> str:
    """Leave out where links lead, pictures and tags; what is read stays."""
    if "](" in text:
        text = _LINK.sub(r"\1", _PICTURE.sub(r"\1", text))
    return _TAG.sub("", text) if "<" in text and "`" not in text else text
