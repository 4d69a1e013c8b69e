"""PowerPoint: .pptx. A slide is a page, its title the heading, its notes belong to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.knowledge.formats.package import check, damaged
from posthouse.knowledge.formats.shape import pieces, rows_of, tables, tidy, title_of
from posthouse.knowledge.formats.unreadable import too_large
from posthouse.knowledge.passage import Block, Extract

if TYPE_CHECKING:
    from pptx.shapes.base import BaseShape
    from pptx.slide import Slide

SLIDES_MAX = 5000
GROUPS_MAX = 20  # inside one another


def read(data: bytes, name: str) -> Extract:
    """Read a presentation.

    Raises:
        Unreadable: it is damaged, encrypted, a bomb, or has too many slides.
    """
    import pptx

    check(data)
    try:
        presentation = pptx.Presentation(io.BytesIO(data))
        if len(presentation.slides) > SLIDES_MAX:
            raise too_large("slides", "幻灯片数", SLIDES_MAX)
        blocks = tuple(
            block
            for number, slide in enumerate(presentation.slides, 1)
            for block in _slide(slide, number)
        )
        title = tidy(presentation.core_properties.title or "")
    except (KeyError, ValueError, AttributeError, SyntaxError) as problem:
        raise damaged() from problem
    first = next((block.headings[0] for block in blocks if block.headings), "")
    usable = "" if title in {"PowerPoint Presentation", "PowerPoint 演示文稿"} else title
    return Extract(usable or first or title_of(name), blocks)


def _slide(slide: Slide, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None else ""
    headings = (heading,) if heading else ()
    blocks = [
        block
        for shape in slide.shapes
        if title is None or shape.shape_id != title.shape_id
        for block in _shape(shape, headings, number)
    ]
    yield from blocks
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from _text(slide.notes_slide.notes_text_frame.text, headings, number)
    if heading and not blocks:
        yield Block(heading, headings, number)  # a slide of pictures is found by its title


def _shape(
    shape: BaseShape, headings: tuple[str, ...], page: int, depth: int = 0
) -> Iterator[Block]:
    from pptx.shapes.autoshape import Shape
    from pptx.shapes.graphfrm import GraphicFrame
    from pptx.shapes.group import GroupShape

    if isinstance(shape, GroupShape) and depth < GROUPS_MAX:
        for inner in shape.shapes:
            yield from _shape(inner, headings, page, depth + 1)
    elif isinstance(shape, GraphicFrame) and shape.has_table:
        rows = [rows_of(cell.text for cell in row.cells) for row in shape.table.rows]
        yield from tables(rows, headings, page)
    elif isinstance(shape, Shape):
        yield from _text(shape.text_frame.text, headings, page)


def _text(text: str, headings: tuple[str, ...], page: int) -> Iterator[Block]:
    for piece, _ in pieces(tidy(text.replace("\v", "\n")).split("\n"), 1):
        if piece.strip():
            yield Block(piece, headings, page)
