"""Markdown in the dialect of Feishu's cards (JSON 2.0). Pure.

Source: open.feishu.cn, "Markdown component of cards", version 2.0. Angle brackets are commands
there (``<at id=all></at>`` calls everybody), so words are written with entities: what an answer
quotes can call nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from posthouse.channels.markup import Mark, Node, parse

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "&#42;", "_": "&#95;", "~": "&#126;"}
    | {"`": "&#96;", "[": "&#91;", "]": "&#93;", "|": "&#124;"}
)
_FENCE = "```"
_HEADING_LEVEL_MAX = 6


def to_card_markdown(markdown: str) -> str:
    """Return a text as a card's Markdown component shows it."""
    return "\n\n".join(_blocks(parse(markdown).children))


def escaped(text: str) -> str:
    """Return words that mean nothing but themselves."""
    return text.translate(_ENTITIES)


# --- blocks --------------------------------------------------------------------------------


def _blocks(nodes: tuple[Node, ...]) -> Iterator[str]:
    return filter(None, map(_block, nodes))


def _block(node: Node) -> str:
    write = _WRITERS.get(node.mark)
    return write(node) if write else _inline(node.children)


def _heading(node: Node) -> str:
    return f"{'#' * min(node.number, _HEADING_LEVEL_MAX)} {_inline(node.children)}"


def _code(node: Node) -> str:
    fence = _FENCE
    while fence in node.text:
        fence += "`"
    return f"{fence}{node.detail}\n{node.text.rstrip(chr(10))}\n{fence}"


def _quote(node: Node) -> str:
    return "\n".join(f"> {line}" for line in "\n\n".join(_blocks(node.children)).split("\n"))


def _bullets(node: Node) -> str:
    return "\n".join(_item(item, "- ") for item in node.children)


def _numbers(node: Node) -> str:
    counted = enumerate(node.children, start=node.number)
    return "\n".join(_item(item, f"{number}. ") for number, item in counted)


def _item(item: Node, bullet: str) -> str:
    """Lists inside lists are indented by four, which is what the component counts."""
    first, *rest = "\n".join(_blocks(item.children)).split("\n")
    return "\n".join((f"{bullet}{first}", *(f"    {line}" for line in rest)))


def _table(node: Node) -> str:
    header, *rows = (_row(row) for row in node.children)
    rule = "|" + " --- |" * len(node.children[0].children)
    return "\n".join((header, rule, *rows))


def _row(row: Node) -> str:
    cells = (_inline(cell.children).replace("\n", " ") for cell in row.children)
    return f"| {' | '.join(cells)} |"


_WRITERS: Mapping[Mark, Callable[[Node], str]] = {
    Mark.HEADING: _heading,
    Mark.CODE: _code,
    Mark.QUOTE: _quote,
    Mark.BULLETS: _bullets,
    Mark.NUMBERS: _numbers,
    Mark.TABLE: _table,
    Mark.RULE: lambda _: "---",
}


# --- inside a line -------------------------------------------------------------------------


def _inline(nodes: tuple[Node, ...]) -> str:
    return "".join(_phrase(node) for node in nodes)


def _phrase(node: Node) -> str:
    around = _AROUND.get(node.mark, "")
    inner = f"{around}{_inline(node.children)}{around}"
    match node.mark:
        case Mark.BREAK:
            return "\n"
        case Mark.INLINE_CODE:
            return f"`{node.text}`" if "`" not in node.text else escaped(node.text)
        case Mark.LINK:
            return _link(inner, node.detail)
        case Mark.IMAGE:  # a card shows only pictures that were uploaded
            return _link(escaped(node.text), node.detail)
        case _:
            return escaped(node.text) + inner


_AROUND = {Mark.STRONG: "**", Mark.EMPHASIS: "*", Mark.STRIKE: "~~"}


def _link(label: str, address: str) -> str:
    """Write a link; an address that would end it too early stays words."""
    if not address.startswith(("http://", "https://")) or set(address) & set("()<> \n"):
        return f"{label} ({escaped(address)})" if address else label
    return f"[{label or escaped(address)}]({address})"
