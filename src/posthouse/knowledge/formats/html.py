"""Web pages: what people read of them, without menus, scripts and what is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.shape import Outline, pieces, rows_of, tables, tidy, title_of
from posthouse.knowledge.passage import Block, Extract

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

NODES_MAX = 500_000
BODY_SHARE_MIN = 0.3  # what a page calls its main part counts if it holds so much of the text
CHARSET_WITHIN_BYTES = 2048

_LEFT_OUT = (
    "script,style,noscript,template,svg,canvas,iframe,object,nav,footer,aside,form,button,select,"
    "[hidden],[aria-hidden=true],[role=navigation],[role=search],[role=banner],[role=contentinfo]"
)
_MAIN = ("main", "[role=main]", "article", "#content", ".content", ".markdown-body")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_INLINE_TAGS = """
    a abbr b bdi bdo cite code data del dfn em font i img input ins kbd label mark q s samp small
    span strong sub sup time u var wbr -text
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)


def read(data: bytes, name: str) -> Extract:
    """Read a page; its charset is what it says itself."""
    return read_text(decode(data, _charset(data)), name)


def read_text(text: str, name: str) -> Extract:
    """Read a page that is text already."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(text)
    title = tree.css_first("title") if tree.head is not None else None
    for node in tree.css(_LEFT_OUT):
        node.decompose()
    reader = _Reader()
    if tree.body is not None:
        reader.walk(_main(tree.body))
    said = tidy(title.text()) if title is not None else ""
    return Extract(_one_line(said or reader.title) or title_of(name), tuple(reader.blocks))


def _charset(data: bytes) -> str:
    found = _CHARSET.search(data[:CHARSET_WITHIN_BYTES])
    name = found[1].decode("ascii") if found else ""
    return "gb18030" if name.lower() in {"gb2312", "gbk"} else name


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def _main(body: LexborNode) -> LexborNode:
    """Return the part that a page is about; all of it where it names none that holds enough."""
    total = len(body.text())
    for selector in _MAIN:
        found = body.css(selector)
        if len(found) == 1 and len(found[0].text()) >= total * BODY_SHARE_MIN:
            return found[0]
    return body


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._outline = Outline()
        self._text: list[str] = []

    def walk(self, top: LexborNode) -> None:
        """Go through the page in reading order; without recursion, since pages nest deeply."""
        path: list[tuple[LexborNode, Iterator[LexborNode]]] = [(top, top.iter(include_text=True))]
        for _ in range(NODES_MAX):
            if not path:
                break
            node, children = path[-1]
            child = next(children, None)
            if child is None:
                path.pop()
                self._leave(node)
            elif not self._take(child):
                path.append((child, child.iter(include_text=True)))
        self._flush()

    def _take(self, node: LexborNode) -> bool:
        """Read a node that is read as a whole; False: its children are to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self._text.append(node.text_content or "")
        elif tag in _HEADINGS:
            self._flush()
            text = _one_line(node.text(separator=" "))
            self._outline.enter(_HEADINGS[tag], text)
            self.title = self.title or text
        elif tag == "pre":
            self._flush()
            self._code(node.text())
        elif tag == "table" and self._is_of_data(node):
            self._flush()
            self._table(node)
        elif tag == "br":
            self._text.append("\n")
        else:
            self._enter(tag)
            return False
        return True

    def _enter(self, tag: str) -> None:
        if tag not in _INLINE:
            self._flush()
        if tag == "li":
            self._text.append("- ")

    def _leave(self, node: LexborNode) -> None:
        if (node.tag or "") not in _INLINE:
            self._flush()

    def _flush(self) -> None:
        text = tidy("".join(self._text))
        self._text = []
        if text.strip("- \n"):
            self._add(text, "text")

    def _add(self, text: str, kind: str) -> None:
        for piece, _ in pieces(text.split("\n"), 1):
            if piece.strip():
                self.blocks.append(Block(piece, self._outline.headings, kind=kind))

    def _code(self, text: str) -> None:
        self._add(text.strip("\n"), "code")

    @staticmethod
    def _is_of_data(node: LexborNode) -> bool:
        """Whether a table holds data; old pages lay themselves out with tables."""
        rows = node.css("tr")
        return not node.css("table table, h1, h2, h3, p + p") and len(rows) > 1

    def _table(self, node: LexborNode) -> None:
        rows = [
            rows_of(cell.text(separator=" ") for cell in row.css("th,td")) for row in node.css("tr")
        ]
        self.blocks.extend(tables(rows, self._outline.headings))
