"""The rows of a spreadsheet, as tickets of their own or as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from posthouse.knowledge.formats.columns import (
    Column,
    Mark,
    Role,
    columns_of,
    head_of,
    is_list,
)
from posthouse.knowledge.formats.shape import tables
from posthouse.knowledge.passage import Block

ROWS_MAX = 200_000
COLUMNS_MAX = 500
SHOWN_CHARACTERS_MAX = 500


class Sheet(Struct, frozen=True):
    """A sheet of a file; a CSV file has one without a name."""

    name: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def head(self) -> tuple[str, ...]:
        """Return the names of its columns; those without one are called by their place."""
        if not self.rows:
            return ()
        names = self.rows[head_of(self.rows)]
        return tuple(name.strip() or f"#{place}" for place, name in enumerate(names, 1))


def blocks_of(sheet: Sheet, wanted: Mapping[str, str] | None = None) -> Iterator[Block]:
    """Yield what may be stored of a sheet; columns that never leave are gone.

    Args:
        sheet: its cells.
        wanted: what a person has decided about columns, by name.
    """
    columns = columns_of(sheet.head, wanted)
    if not sheet.rows:
        return
    at = head_of(sheet.rows)
    body = sheet.rows[at + 1 :]
    headings = (sheet.name,) if sheet.name else ()
    if is_list(columns):
        for line, row in enumerate(body, at + 2):
            yield from _ticket(columns, row, headings, line)
    else:
        yield from _table(columns, body, headings, at + 1)


def _ticket(
    columns: Sequence[Column], row: Sequence[str], headings: tuple[str, ...], line: int
) -> Iterator[Block]:
    filled = [(column, cell) for column, cell in zip(columns, row, strict=False) if cell.strip()]
    said = [(column, cell) for column, cell in filled if column.mark is Mark.ANSWER]
    if not any(column.role is Role.SOLUTION for column, _ in said):
        return  # nobody knows the answer yet
    shown = "  ".join(f"{each.name}: {cell}" for each, cell in filled if each.mark is Mark.SHOW)
    question = next((cell for column, cell in said if column.role is Role.QUESTION), "")
    under = (*headings, question.split("\n", 1)[0][:200]) if question else headings
    text = "\n".join(f"{column.name}: {cell}" for column, cell in said)
    yield Block(text, under, line=line, shown=shown[:SHOWN_CHARACTERS_MAX], kind="row")


def _table(
    columns: Sequence[Column],
    body: Sequence[Sequence[str]],
    headings: tuple[str, ...],
    line: int,
) -> Iterator[Block]:
    kept = [place for place, column in enumerate(columns) if column.mark is not Mark.NEVER]
    if not kept:
        return
    rows = [[row[place] if place < len(row) else "" for place in kept] for row in body]
    yield from tables([[columns[place].name for place in kept], *rows], headings, line=line)
