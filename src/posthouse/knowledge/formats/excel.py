"""Excel: .xlsx. What the cells show, not the formulas behind them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from posthouse.knowledge.formats.package import check, damaged
from posthouse.knowledge.formats.rows import COLUMNS_MAX, ROWS_MAX, Sheet, blocks_of
from posthouse.knowledge.formats.shape import rows_of, title_of
from posthouse.knowledge.formats.unreadable import too_large
from posthouse.knowledge.passage import Extract

if TYPE_CHECKING:
    from collections.abc import Iterable

CELLS_MAX = 3_000_000
EMPTY_ROWS_MAX = 1000  # in a row: some programs write a million of them


def read(data: bytes, name: str, wanted: Mapping[str, str] | None = None) -> Extract:
    """Read a workbook.

    Raises:
        Unreadable: it is damaged, encrypted, a bomb or too large.
    """
    blocks = (block for sheet in sheets(data) for block in blocks_of(sheet, wanted))
    return Extract(title_of(name), tuple(blocks))


def sheets(data: bytes) -> tuple[Sheet, ...]:
    """Return the sheets that people see; one that stands alone needs no name.

    Raises:
        Unreadable: see ``read``.
    """
    import openpyxl  # type: ignore[import-untyped]

    check(data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        room = [CELLS_MAX]
        read_ones = tuple(
            Sheet(sheet.title if len(visible) > 1 else "", tuple(_rows(sheet, room)))
            for sheet in visible
        )
        book.close()
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError) as problem:
        raise damaged() from problem
    return tuple(sheet for sheet in read_ones if sheet.rows)


def _rows(sheet: Any, room: list[int]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - untyped
    empty: list[tuple[str, ...]] = []
    values: Iterable[tuple[object, ...]] = sheet.iter_rows(values_only=True)
    for number, row in enumerate(values):
        room[0] -= len(row)
        if number >= ROWS_MAX or room[0] < 0:
            raise too_large("rows", "行数", ROWS_MAX)
        cells = _cells(row)
        if cells:
            yield from empty
            empty.clear()
            yield cells
        elif len(empty) >= EMPTY_ROWS_MAX:
            return
        else:
            empty.append(())


def _cells(row: tuple[object, ...]) -> tuple[str, ...]:
    """Return the cells of a row up to the last that has something in it."""
    cells = rows_of(_shown(cell) for cell in row[:COLUMNS_MAX])
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _shown(cell: object) -> object:
    """Write numbers and days as people do: Excel keeps 3 as 3.0, and a day with its midnight."""
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date()
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
