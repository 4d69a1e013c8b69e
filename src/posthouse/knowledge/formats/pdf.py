"""PDF: the text of its pages, under the bookmarks that lead to them."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from posthouse.knowledge.formats.package import damaged
from posthouse.knowledge.formats.shape import Outline, joined, pieces, tidy, title_of
from posthouse.knowledge.formats.unreadable import Unreadable, too_large
from posthouse.knowledge.passage import Block, Extract

if TYPE_CHECKING:
    from pypdf import PdfReader

PAGES_MAX = 5000
BOOKMARKS_MAX = 10_000
BOOKMARKS_DEEP_MAX = 6
CHARACTERS_MAX = 20_000_000
RUNNING_PAGES_MIN = 4  # so many pages, before a line on most of them counts as a running title
RUNNING_SHARE = 0.6
FULL_PAGE_LINES = 6  # a page with fewer has nothing to spare
FULL_LINE_SHARE = 0.75  # of the longest: a line so long goes on in the next one

_NUMBER = re.compile(r"\d+")
_ENDS = '。！？；：.!?;:）)”"'

Marks = dict[int, tuple[str, ...]]  # from which page on one stands under which headings


def read(data: bytes, name: str) -> Extract:
    """Read a PDF.

    Raises:
        Unreadable: it is damaged, encrypted, too long, or only pictures.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _encrypted()
        if len(reader.pages) > PAGES_MAX:
            raise too_large("pages", "页数", PAGES_MAX)
        pages = list(_pages(reader))
        marks = _marks(reader)
        title = tidy(reader.metadata.title or "") if reader.metadata is not None else ""
    except (FileNotDecryptedError, DependencyError) as problem:
        raise _encrypted() from problem
    except (PyPdfError, *_DEFECTS) as problem:
        raise damaged() from problem
    if not any(map(any, pages)):
        raise Unreadable(
            "Its pages are pictures; run a text recognition (OCR) over it first.",
            zh="页面都是图片，没有文字；请先做文字识别（OCR）。",
        )
    first = next((headings[0] for headings in marks.values() if headings), "")
    return Extract(title or first or title_of(name), tuple(_blocks(pages, marks)))


# What pypdf meets in files that break the rules of the format.
_DEFECTS = (
    KeyError, ValueError, TypeError, IndexError, AttributeError, AssertionError, ZeroDivisionError,
    RecursionError, NotImplementedError, OverflowError, OSError,
)  # fmt: skip


def _encrypted() -> Unreadable:
    return Unreadable(
        "It is encrypted; print it to a new PDF, or save it without a password.",
        zh="PDF 已加密；请去掉密码，或打印成新的 PDF。",
    )


def _pages(reader: PdfReader) -> Iterator[list[str]]:
    """Yield the lines of each page; one that cannot be read is empty."""
    room = CHARACTERS_MAX
    for page in reader.pages:
        try:
            text = page.extract_text()
        except _DEFECTS:
            text = ""
        room -= len(text)
        if room < 0:
            raise too_large("characters", "字符数", CHARACTERS_MAX)
        yield [line.rstrip() for line in text.replace("\0", "").split("\n")]


def _marks(reader: PdfReader) -> Marks:
    outline, marks = Outline(), Marks()
    try:
        for level, text, page in _bookmarks(reader, reader.outline, 1, [BOOKMARKS_MAX]):
            outline.enter(level, text)
            marks[page] = outline.headings
    except _DEFECTS:
        return marks
    return marks


def _bookmarks(
    reader: PdfReader, entries: Sequence[object], level: int, room: list[int]
) -> Iterator[tuple[int, str, int]]:
    from pypdf.generic import Destination

    for entry in entries:
        room[0] -= 1
        if room[0] < 0 or level > BOOKMARKS_DEEP_MAX:
            return
        if isinstance(entry, list):
            yield from _bookmarks(reader, entry, level + 1, room)
        elif isinstance(entry, Destination):
            page = reader.get_destination_page_number(entry)
            if page is not None and page >= 0:
                yield level, tidy(str(entry.title or "")), page + 1


def _blocks(pages: Sequence[list[str]], marks: Marks) -> Iterator[Block]:
    running = _running(pages)
    headings: tuple[str, ...] = ()
    for number, lines in enumerate(pages, 1):
        headings = marks.get(number, headings)
        kept = [line for line in lines if _key(line) not in running]
        for paragraph in _paragraphs(kept):
            for text, _ in pieces(paragraph.split("\n"), 1):
                yield Block(text, headings, number)


def _running(pages: Sequence[list[str]]) -> frozenset[str]:
    """Return the running titles: lines at the edge of most pages, whatever number is in them."""
    if len(pages) < RUNNING_PAGES_MIN:
        return frozenset()
    seen = Counter(key for lines in pages for key in {_key(line) for line in _edges(lines)})
    return frozenset(
        key for key, count in seen.items() if key and count >= len(pages) * RUNNING_SHARE
    )


def _edges(lines: list[str]) -> list[str]:
    filled = [line for line in lines if line.strip()]
    return [*filled[:2], *filled[-2:]] if len(filled) >= FULL_PAGE_LINES else []


def _key(line: str) -> str:
    return _NUMBER.sub("0", line.strip())


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Yield paragraphs: a long line without an end goes on in the next, whatever the layout."""
    longest = max(map(len, lines), default=0)
    taken: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            taken.append(line)
        is_end = not line.strip() or (
            line.rstrip()[-1] in _ENDS or len(line) < longest * FULL_LINE_SHARE
        )
        if is_end and taken:
            yield joined(taken)
            taken = []
