"""Word: .docx."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.knowledge.formats.package import check, damaged
from posthouse.knowledge.formats.shape import Outline, pieces, rows_of, tables, tidy, title_of
from posthouse.knowledge.passage import Block, Extract

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"(?:heading|标题|überschrift)\s*(\d)", re.IGNORECASE)


def read(data: bytes, name: str) -> Extract:
    """Read a Word file.

    Raises:
        Unreadable: it is damaged, encrypted or a bomb.
    """
    import docx

    check(data)
    try:
        document = docx.Document(io.BytesIO(data))
        reader = _Reader()
        blocks = tuple(reader.blocks(document))
        title = tidy(document.core_properties.title or "")
    except (KeyError, ValueError, AttributeError, SyntaxError) as problem:
        raise damaged() from problem
    return Extract(reader.title or title or title_of(name), blocks)


class _Reader:
    def __init__(self) -> None:
        self.title = ""
        self._outline = Outline()
        self._page = 0  # stays so where the program that wrote the file noted no pages

    def blocks(self, document: Document) -> Iterator[Block]:
        from docx.text.paragraph import Paragraph

        has_pages = bool(document.element.body.xpath(".//w:lastRenderedPageBreak"))
        self._page = 1 if has_pages else 0
        for part in document.iter_inner_content():
            if isinstance(part, Paragraph):
                yield from self._paragraph(part)
            else:
                yield from self._table(part)

    def _paragraph(self, paragraph: Paragraph) -> Iterator[Block]:
        text = tidy(paragraph.text)
        style = (paragraph.style.name if paragraph.style is not None else "") or ""
        breaks = len(paragraph.rendered_page_breaks) if self._page else 0
        if level := _level(style):
            self._page += breaks
            self._outline.enter(level, text)
            self.title = self.title or text
        elif style.lower() in {"title", "标题"}:
            self.title = text or self.title
        else:
            yield from self._text(f"- {text}" if _is_item(style) else text)
        if not level:
            self._page += breaks

    def _text(self, text: str) -> Iterator[Block]:
        for piece, _ in pieces(text.split("\n"), 1):
            if piece.strip("- \n"):
                yield Block(piece, self._outline.headings, self._page)

    def _table(self, table: Table) -> Iterator[Block]:
        rows = [rows_of(_once(row.cells)) for row in table.rows]
        yield from tables(rows, self._outline.headings, self._page)


def _once(cells: tuple[object, ...]) -> Iterator[str]:
    """Yield the texts of cells; one that spans several columns comes once."""
    seen: object = None
    for cell in cells:
        element = cell._tc  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other identity
        if element is not seen:
            yield cell.text  # type: ignore[attr-defined]
        seen = element


def _level(style: str) -> int:
    found = _HEADING.match(style)
    return int(found[1]) if found else 0


def _is_item(style: str) -> bool:
    return style.lower().startswith(("list", "列表"))
