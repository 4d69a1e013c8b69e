"""Source code and settings: cut where a definition begins, named by its first line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.shape import PIECE_CHARACTERS, pieces, title_of
from posthouse.knowledge.passage import Block, Extract

NAME_CHARACTERS_MAX = 120
LINE_CHARACTERS_MAX = 2000  # longer lines were made by a machine

_DEFINITION = re.compile(
    r"(export |default |public |private |protected |internal |static |final |abstract |async |"
    r"pub(\([^)]*\))? |unsafe |extern |virtual |inline |const |sealed |data |open )*"
    r"(class|def|function|func|fn|struct|enum|interface|trait|impl|type|module|namespace|object|"
    r"message|service|CREATE|create|\[)[\s\[(A-Za-z_]"
)


def read(data: bytes, name: str) -> Extract:
    """Read a file of source code or settings."""
    lines = [line[:LINE_CHARACTERS_MAX] for line in decode(data).split("\n")]
    return Extract(title_of(name) if "." not in name else _base(name), tuple(_blocks(lines)))


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yield definitions; small ones that follow one another go together."""
    taken, first, heading = list[str](), 1, ""
    for number, line in enumerate(lines, 1):
        is_definition = bool(_DEFINITION.match(line))
        if is_definition and sum(map(len, taken)) >= PIECE_CHARACTERS // 4:
            yield from _block(taken, first, heading)
            taken, first, heading = [], number, ""
        if is_definition and not heading:
            heading = line.strip().rstrip("{:").strip()[:NAME_CHARACTERS_MAX]
        taken.append(line)
    yield from _block(taken, first, heading)


def _block(lines: list[str], first: int, heading: str) -> Iterator[Block]:
    headings = (heading,) if heading else ()
    for text, line in pieces(lines, first):
        if text.strip():
            blank = len(text) - len(text.lstrip("\n"))
            yield Block(text.strip("\n"), headings, line=line + blank, kind="code")
