"""Tables as text: values separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from posthouse.knowledge.formats.charset import decode
from posthouse.knowledge.formats.rows import COLUMNS_MAX, ROWS_MAX, Sheet, blocks_of
from posthouse.knowledge.formats.shape import rows_of, title_of
from posthouse.knowledge.formats.unreadable import Unreadable, too_large
from posthouse.knowledge.passage import Extract

SNIFFED_CHARACTERS = 20_000
FIELD_CHARACTERS_MAX = 1_000_000


def read(data: bytes, name: str, wanted: Mapping[str, str] | None = None) -> Extract:
    """Read a CSV or TSV file."""
    blocks = (block for sheet in sheets(data) for block in blocks_of(sheet, wanted))
    return Extract(title_of(name), tuple(blocks))


def sheets(data: bytes) -> tuple[Sheet, ...]:
    """Return the one sheet of a file.

    Raises:
        Unreadable: it is no text, or beyond what is read of one.
    """
    text = decode(data)
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    rows: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)):
            if len(rows) >= ROWS_MAX:
                raise too_large("rows", "行数", ROWS_MAX)
            rows.append(tuple(rows_of(row[:COLUMNS_MAX])))
    except csv.Error as problem:
        raise Unreadable(
            f"It is no table of values ({problem}); save it again as CSV in UTF-8.",
            zh=f"不是有效的 CSV（{problem}）；请重新另存为 UTF-8 的 CSV。",
        ) from problem
    while rows and not any(rows[-1]):
        rows.pop()
    return (Sheet("", tuple(rows)),)


def _delimiter(text: str) -> str:
    head = text[:SNIFFED_CHARACTERS].split("\n", 1)[0]
    return max(",;\t|", key=head.count)
