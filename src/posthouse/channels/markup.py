"""Markdown as a small neutral tree, and as plain text.

One parser for all channels: HTML in the source is text like any other, and links with a scheme
that could run code stay words. A channel that needs its own dialect walks the tree of ``parse``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from msgspec import Struct

MARKDOWN_CHARACTERS_MAX = 100_000  # beyond it a text is not parsed, but taken as it stands

# One line in which nothing could mean anything: most short answers, at a hundredth of the cost.
_PLAIN = re.compile(r"[^\W\d_](?:[^\x00-\x1f\\`*_\[\]<>#|~&!=+:]*[^\W_])?[.,?。，？！]?")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Mark(StrEnum):
    """What a node of the tree is."""

    DOCUMENT = "document"
    PARAGRAPH = "paragraph"
    HEADING = "heading"  # number: its level
    QUOTE = "quote"
    BULLETS = "bullets"
    NUMBERS = "numbers"  # number: where counting starts
    ITEM = "item"
    CODE = "code"  # text: as it stands; detail: the language
    RULE = "rule"
    TABLE = "table"  # of rows; the first is the header
    ROW = "row"
    CELL = "cell"
    TEXT = "text"
    BREAK = "break"
    STRONG = "strong"
    EMPHASIS = "emphasis"
    STRIKE = "strike"
    INLINE_CODE = "inline_code"
    LINK = "link"  # detail: the address
    IMAGE = "image"  # detail: the address; text: what stands for it


class Node(Struct, frozen=True, omit_defaults=True):
    """One piece of a text."""

    mark: Mark
    children: tuple[Node, ...] = ()
    text: str = ""
    detail: str = ""
    number: int = 0


def parse_lines(markdown: str) -> list[Token]:
    """Return the parser's own tokens, which know the lines they came from."""
    return _PARSER.parse(markdown)


def parse(markdown: str) -> Node:
    """Return the tree of a text; one of more than ``MARKDOWN_CHARACTERS_MAX`` is one paragraph."""
    if len(markdown) > MARKDOWN_CHARACTERS_MAX:
        words = Node(Mark.TEXT, text=markdown)
        return Node(Mark.DOCUMENT, (Node(Mark.PARAGRAPH, (words,)),))
    return Node(Mark.DOCUMENT, _nodes(SyntaxTreeNode(parse_lines(markdown)).children))


_MARKS = {
    "paragraph": Mark.PARAGRAPH,
    "blockquote": Mark.QUOTE,
    "bullet_list": Mark.BULLETS,
    "list_item": Mark.ITEM,
    "table": Mark.TABLE,
    "tr": Mark.ROW,
    "th": Mark.CELL,
    "td": Mark.CELL,
    "hr": Mark.RULE,
    "softbreak": Mark.BREAK,
    "hardbreak": Mark.BREAK,
    "strong": Mark.STRONG,
    "em": Mark.EMPHASIS,
    "s": Mark.STRIKE,
    "heading": Mark.HEADING,
    "ordered_list": Mark.NUMBERS,
    "fence": Mark.CODE,
    "code_block": Mark.CODE,
    "code_inline": Mark.INLINE_CODE,
    "link": Mark.LINK,
    "image": Mark.IMAGE,
}
_WITH_TEXT = frozenset({Mark.TEXT, Mark.CODE, Mark.INLINE_CODE})
_TRANSPARENT = frozenset({"inline", "thead", "tbody"})


def _nodes(found: list[SyntaxTreeNode]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for node in found:
        nodes += _nodes(node.children) if node.type in _TRANSPARENT else (_node(node),)
    return tuple(nodes)


def _node(node: SyntaxTreeNode) -> Node:
    mark = _MARKS.get(node.type, Mark.TEXT)
    if mark is Mark.IMAGE:  # what stands for it is words, whatever marks they have
        return Node(mark, text=words(_nodes(node.children)), detail=_detail(node, mark))
    return Node(
        mark,
        _nodes(node.children),
        text=node.content if mark in _WITH_TEXT else "",
        detail=_detail(node, mark),
        number=_number(node, mark),
    )


def _detail(node: SyntaxTreeNode, mark: Mark) -> str:
    if mark is Mark.CODE:
        return next(iter(node.info.split()), "")
    attribute = {Mark.LINK: "href", Mark.IMAGE: "src"}.get(mark)
    return str(node.attrs.get(attribute, "")) if attribute else ""


def _number(node: SyntaxTreeNode, mark: Mark) -> int:
    if mark is Mark.HEADING:
        return int(node.tag.removeprefix("h"))
    return int(node.attrs.get("start", 1)) if mark is Mark.NUMBERS else 0


# --- plain text ---------------------------------------------------------------------------


def to_plain(markdown: str) -> str:
    """Return the words of a text as a person without Markdown would write them."""
    if _PLAIN.fullmatch(markdown):
        return markdown
    return "\n\n".join(_blocks(parse(markdown).children))


def words(nodes: tuple[Node, ...]) -> str:
    """Return the words inside a paragraph; a link keeps its address behind them."""
    return "".join(_words(node) for node in nodes)


def _words(node: Node) -> str:
    match node.mark:
        case Mark.BREAK:
            return "\n"
        case Mark.LINK:
            label = words(node.children)
            return _with_address(label, node.detail)
        case Mark.IMAGE:
            return _with_address(node.text, node.detail)
        case _:
            return node.text + words(node.children)


def _with_address(label: str, address: str) -> str:
    if not address or address in {label, f"mailto:{label}"}:
        return label
    return f"{label} ({address})" if label else address


def _blocks(nodes: tuple[Node, ...]) -> Iterator[str]:
    """Yield each block that has something to show."""
    return filter(None, map(_block, nodes))


def _block(node: Node) -> str:
    write = _WRITERS.get(node.mark)
    return write(node) if write else words(node.children)


def _numbers(node: Node) -> str:
    counted = enumerate(node.children, start=node.number)
    return "\n".join(_item(item, f"{number}. ") for number, item in counted)


def _item(item: Node, bullet: str) -> str:
    return _indented("\n".join(_blocks(item.children)), bullet, " " * len(bullet))


def _row(row: Node) -> str:
    return " | ".join(words(cell.children) for cell in row.children)


def _indented(text: str, first: str, later: str) -> str:
    return first + text.replace("\n", f"\n{later}")


_WRITERS: dict[Mark, Callable[[Node], str]] = {
    Mark.CODE: lambda node: node.text.rstrip("\n"),
    Mark.RULE: lambda _: "———",
    Mark.QUOTE: lambda node: _indented("\n\n".join(_blocks(node.children)), "> ", "> "),
    Mark.BULLETS: lambda node: "\n".join(_item(item, "• ") for item in node.children),
    Mark.NUMBERS: _numbers,
    Mark.TABLE: lambda node: "\n".join(_row(row) for row in node.children),
}
