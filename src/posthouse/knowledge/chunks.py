"""Cutting a document into passages: small enough to be quoted, whole enough to be understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby
from typing import Final

from msgspec import Struct

from posthouse.knowledge.passage import Block, Extract, Passage

PASSAGE_CHARACTERS = 832
OVERLAP_CHARACTERS = 32
CHUNKS_MAX = 20_000  # of one document; what follows is not searched

# Where a text may be cut, the best first: between paragraphs, lines, sentences, clauses, words.
_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？!?；;…]+[”’」』）)]*|\.\s"),
    re.compile(r"[，,、：:]"),
    re.compile(r"\s"),
)

_LINED = frozenset({"code", "table"})  # half a line of them says nothing
TABLE_HEAD: Final = re.compile(r"[^\n|]*\|[^\n]*\n[ |:]*-[ |:-]*\n")  # in Markdown


class Chunk(Struct, frozen=True):
    """A passage, and the words above it: they are searched, but they are not its text."""

    passage: Passage
    about: str  # title, headings, the question it answers
    is_opening: bool = False  # the first below its headings, which says what they are about


class _Piece(Struct, frozen=True):
    text: str
    line: int
    page: int
    shown: str
    is_alone: bool = False  # a ticket: neither it nor what is shown beside it is mixed with others


def chunks(extract: Extract, base: str, document_id: int, path: str) -> tuple[Chunk, ...]:
    """Cut what was read from a document; passages never reach across a heading.

    A fixed answer stays in one piece, however long it is.
    """
    made: list[Chunk] = []
    for headings, pieces in _sections(extract):
        about = "\n".join((extract.title, *headings, extract.question))
        for number, piece in enumerate(pieces):
            passage = Passage(
                base=base,
                document_id=document_id,
                path=path,
                title=extract.title,
                text=piece.text,
                headings=headings,
                page=piece.page,
                line=piece.line,
                shown=piece.shown,
                hash=text_hash(piece.text),
                address=path,
            )
            made.append(Chunk(passage, about, is_opening=number == 0))
            if len(made) == CHUNKS_MAX:
                return tuple(made)
    return tuple(made)


def text_hash(text: str) -> str:
    """Name a text by its words."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _sections(extract: Extract) -> Iterator[tuple[tuple[str, ...], Iterator[_Piece]]]:
    if extract.is_exact:
        yield (), iter([_whole(extract.blocks)])
        return
    for headings, blocks in groupby(extract.blocks, key=lambda block: block.headings):
        yield headings, _pack(piece for block in blocks for piece in _cut(block))


def _whole(blocks: tuple[Block, ...]) -> _Piece:
    text = "\n\n".join(block.text for block in blocks)
    shown = "\n".join(block.shown for block in blocks if block.shown)
    first = blocks[0] if blocks else Block("")
    return _Piece(text, first.line, first.page, shown)


def _pack(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Put neighbours of one page together while they fit."""
    waiting: _Piece | None = None
    for piece in pieces:
        joined = waiting and _join(waiting, piece)
        if waiting and not joined:
            yield waiting
        waiting = joined or piece
    if waiting:
        yield waiting


def _join(one: _Piece, other: _Piece) -> _Piece | None:
    if one.page != other.page or one.is_alone or other.is_alone:
        return None
    if len(one.text) + 2 + len(other.text) > PASSAGE_CHARACTERS:
        return None
    shown = "\n".join(dict.fromkeys(filter(None, (one.shown, other.shown))))
    return _Piece(f"{one.text}\n\n{other.text}", one.line, one.page, shown)


def _cut(block: Block) -> Iterator[_Piece]:
    """Cut a block into pieces; each of a table has its head above it."""
    head = _head(block)
    body, room = block.text[len(head) :], PASSAGE_CHARACTERS - len(head)
    above, start = head.count("\n"), 0
    while start < len(body):
        end = _end(body, start, room, by_lines=block.kind in _LINED)
        piece = body[start:end].strip("\n") if block.kind == "code" else body[start:end].strip()
        if piece.strip():
            skipped = body.index(piece, start)
            lines = above + body.count("\n", 0, skipped) if skipped else 0
            line = block.line and block.line + lines
            is_alone = block.kind == "row"
            yield _Piece(f"{head}{piece}", line, block.page, block.shown, is_alone=is_alone)
        start = _overlapped(body, start, end)


def _head(block: Block) -> str:
    """Return what stands above the rows of a table; nothing where it leaves them no room."""
    found = TABLE_HEAD.match(block.text) if block.kind == "table" else None
    return found[0] if found and len(found[0]) <= PASSAGE_CHARACTERS // 2 else ""


def _end(text: str, start: int, room: int, *, by_lines: bool) -> int:
    """Find the last good place to cut: not before half of the room is full, but between lines."""
    limit = start + room
    if limit >= len(text):
        return len(text)
    line_end = text.rfind("\n", start + 1, limit) + 1 if by_lines else 0
    if line_end:
        return line_end
    middle = start + room // 2
    for wanted in _BREAKS:
        places = [found.end() for found in wanted.finditer(text, middle, limit)]
        if places:
            return places[-1]
    return limit


def _overlapped(text: str, start: int, end: int) -> int:
    """Step back a little, to the beginning of a clause or word, unless a line or the text ends."""
    if end >= len(text) or text[end - 1] == "\n":
        return end
    for wanted in _BREAKS[2:]:
        found = wanted.search(text, max(start + 1, end - OVERLAP_CHARACTERS), end)
        if found and found.end() < end:
            return found.end()
    return end
