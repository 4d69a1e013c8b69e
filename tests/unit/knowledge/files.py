"""Small files of each format, made here so that a test shows what is in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence


def docx() -> bytes:
    from docx import Document

    document = Document()
    document.core_properties.title = "Handbook"
    document.add_heading("Travel", level=1)
    document.add_paragraph("Book trains early.")
    document.add_heading("Refunds", level=2)
    document.add_paragraph("Ask within 30 days.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells],
        ["Class", "Limit", "second", "600"],
        strict=True,
    ):
        cell.text = text
    return _saved(document)


def pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    presentation = Presentation()
    for number, (title, text) in enumerate([("目标", "今年上线三个平台"), ("Plan", "Ship it")], 1):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
        if number == 2:
            slide.notes_slide.notes_text_frame.text = "say thanks"
            shape = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(3), Inches(1))
            for at, cell in enumerate(shape.table.iter_cells()):
                cell.text = f"c{at}"
    return _saved(presentation)


def xlsx(*sheets: tuple[str, Sequence[Sequence[object]]]) -> bytes:
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return _saved(book)


def _saved(document: object) -> bytes:
    target = io.BytesIO()
    document.save(target)  # type: ignore[attr-defined]
    return target.getvalue()


def pdf(*pages: Sequence[str], bookmarks: Sequence[tuple[str, int]] = ()) -> bytes:
    """Write a PDF by hand: a font, and for each page the lines on it."""
    objects = ["", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[int] = []
    for lines in pages:
        shown = " T* ".join(f"({line}) Tj" for line in lines)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET" if lines else ""
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        kids.append(len(objects))
    outline = _outline(objects, kids, bookmarks)
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R{outline} >>"
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>"
    return _written(objects)


def _outline(objects: list[str], kids: Sequence[int], bookmarks: Sequence[tuple[str, int]]) -> str:
    if not bookmarks:
        return ""
    root = len(objects) + 1
    first, last = root + 1, root + len(bookmarks)
    objects.append(f"<< /Type /Outlines /First {first} 0 R /Last {last} 0 R >>")
    for at, (title, page) in enumerate(bookmarks):
        following = f" /Next {first + at + 1} 0 R" if first + at < last else ""
        place = f"/Dest [{kids[page - 1]} 0 R /Fit]"
        objects.append(f"<< /Title ({title}) /Parent {root} 0 R {place}{following} >>")
    return f" /Outlines {root} 0 R"


def _written(objects: Sequence[str]) -> bytes:
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n"
    tail += f"<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + tail.encode()


def encrypted_pdf() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(["secret"]))))
    writer.encrypt("open sesame", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def package(**parts: bytes) -> bytes:
    """Write a ZIP archive; ``__`` in a name is a slash, ``_`` before its last word a dot."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return target.getvalue()
