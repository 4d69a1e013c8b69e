"""What every format shares: headings in their order, paragraphs of a size, tables as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from posthouse.knowledge.passage import Block

PIECE_CHARACTERS = 800  # a block ends at the first line behind this: close to one passage
CELL_CHARACTERS_MAX = 4000
TITLE_CHARACTERS_MAX = 200

_SPACES = re.compile(r"[ \t\u00a0\u3000]+")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


class Outline:
    """The headings one stands under while a document is read from top to bottom."""

    def __init__(self) -> None:
        self._levels: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        """Come to a heading; those of its level and below are left."""
        while self._levels and self._levels[-1][0] >= level:
            self._levels.pop()
        if text:
            self._levels.append((level, text[:TITLE_CHARACTERS_MAX]))

    @property
    def headings(self) -> tuple[str, ...]:
        """Return where one stands, outermost first."""
        return tuple(text for _, text in self._levels)


def pieces(lines: Sequence[str], first_line: int) -> Iterator[tuple[str, int]]:
    """Yield a text in pieces of about a passage, cut between lines, with the line each begins at.

    Args:
        lines: those of one paragraph or block of code.
        first_line: the number of the first of them.
    """
    taken: list[str] = []
    size = 0
    for number, line in enumerate(lines, first_line):
        taken.append(line.rstrip())
        size += len(line)
        if size >= PIECE_CHARACTERS:
            yield "\n".join(taken), number - len(taken) + 1
            taken, size = [], 0
    if taken:
        yield "\n".join(taken), first_line + len(lines) - len(taken)


def rows_of(cells: Iterable[object]) -> list[str]:
    """Make cells one line of text each."""
    return ["" if cell is None else tidy(str(cell))[:CELL_CHARACTERS_MAX] for cell in cells]


def tables(
    rows: Sequence[Sequence[str]], headings: tuple[str, ...], page: int = 0, line: int = 0
) -> Iterator[Block]:
    """Yield a table as Markdown; one that is too long for a passage goes on with its head again.

    Args:
        rows: its rows, the head first.
        headings: where it stands.
        page: where it stands, 0 where there are no pages.
        line: the line of its head, 0 where there are no lines; each row is one.
    """
    filled = [row for row in rows if any(row)]
    if not filled:
        return
    width = max(map(len, filled))
    head, *body = (_row(row, width) for row in filled)
    top = f"{head}\n|{'---|' * width}"
    for text, number in pieces(body or [""], 2):
        at = 0 if not line else (line if number == 2 else line + number)  # noqa: PLR2004 - its head
        yield Block(f"{top}\n{text}".rstrip(), headings, page, at, kind="table")


def _row(cells: Sequence[str], width: int) -> str:
    escaped = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
    return f"| {' | '.join([*escaped, *[''] * (width - len(cells))])} |"


def tidy(text: str) -> str:
    """Take out the spaces that only lay a text out, and empty lines."""
    lines = (_SPACES.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def joined(lines: Iterable[str]) -> str:
    """Join lines that were broken for lack of room; Chinese needs no space between them."""
    text = ""
    for line in map(str.strip, lines):
        if not text or not line:
            text += line
        elif text.endswith("-") and line[0].islower():
            text = text[:-1] + line
        else:
            is_close = _WIDE.match(text[-1]) and _WIDE.match(line[0])
            text += line if is_close else f" {line}"
    return text


def title_of(name: str) -> str:
    """Make a title of a file's name."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem = base.rpartition(".")[0] or base
    return stem[:TITLE_CHARACTERS_MAX] or name
