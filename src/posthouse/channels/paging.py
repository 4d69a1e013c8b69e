"""Cut a text into pages where a reader would turn them. Pure.

Between blocks, else between lines, sentences, words, and only at last inside a word. A code block
that goes on is closed and opened again, a table repeats its header, a heading goes with what
follows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from markdown_it.token import Token
from msgspec import Struct

from posthouse.channels.markup import parse_lines
from posthouse.model.capabilities import Capabilities, TextUnit

CODE_INDENT = 4  # what begins that far right is code
TEXT_MAX_LEAST = 32  # no platform is that narrow; below it fences and headers have no room

Measure = Callable[[str], int]


def measure(unit: TextUnit) -> Measure:
    """Return how a platform counts a text. Each way adds up: a whole is the sum of its pieces."""
    return _MEASURES[unit]


_MEASURES: dict[TextUnit, Measure] = {
    TextUnit.CHARACTERS: len,
    TextUnit.BYTES: lambda text: len(text.encode("utf-8", "surrogatepass")),
    TextUnit.UTF16: lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
}


# --- splitting ----------------------------------------------------------------------------


def split_text(text: str, capabilities: Capabilities, *, is_markdown: bool) -> list[str]:
    """Return the pages of a text; none when it is blank.

    Raises:
        ValueError: ``capabilities.text_max`` is below ``TEXT_MAX_LEAST``.
    """
    text_max, size = capabilities.text_max, measure(capabilities.text_unit)
    if text_max < TEXT_MAX_LEAST:
        raise ValueError(f"text_max is {text_max}; at least {TEXT_MAX_LEAST} is needed")
    if size(text) <= text_max:
        return [text] if text.strip() else []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    pages = _Pages(size, text_max, is_markdown=is_markdown)
    for segment in _segments(lines) if is_markdown else _paragraphs(lines):
        pages.add(segment)
    return pages.finished()


class _Segment(Struct, frozen=True):
    """Lines that belong together; ``head`` and ``tail`` stand around them on every page."""

    lines: Sequence[str]
    head: Sequence[str] = ()
    tail: Sequence[str] = ()
    later_head: Sequence[str] = ()  # the head as later pages show it
    is_heading: bool = False  # stays with what follows
    is_code: bool = False

    @property
    def whole(self) -> list[str]:
        return [*self.head, *self.lines, *self.tail]


class _Pages:
    """Fills page after page with segments."""

    def __init__(self, size: Measure, text_max: int, *, is_markdown: bool) -> None:
        self._size = size
        self._max = text_max
        self._is_markdown = is_markdown
        self._pages: list[str] = []
        self._lines: list[str] = []
        self._used = 0  # each line counts with its line break
        self._heading: list[str] = []  # what the page ends with, if it is a heading

    def add(self, segment: _Segment) -> None:
        """Put a segment on this page if it fits, else on the next, else on several."""
        whole = segment.whole
        needed = self._needs(whole)
        if self._room < needed <= self._max:
            self._turn()
        if needed <= self._room:
            self._put(whole)
        else:
            self._add_in_pieces(self._ready_to_break(segment))
        self._heading = whole if segment.is_heading else []

    def finished(self) -> list[str]:
        """Return all pages that say something."""
        self._heading = []
        self._turn()
        return self._pages

    @property
    def _room(self) -> int:
        return self._max - self._used

    def _needs(self, lines: Sequence[str]) -> int:
        """Say how much room lines take, with the line breaks between them."""
        return self._size("\n".join(lines))

    def _put(self, lines: Sequence[str]) -> None:
        self._lines += lines
        self._used += self._needs(lines) + 1

    def _turn(self) -> None:
        """Begin a new page; a heading at the end of the old one comes along."""
        carried = self._heading
        if carried and self._needs(carried) <= self._max // 4:
            del self._lines[-len(carried) :]
        else:
            carried = []
        page = _trimmed(self._lines, is_markdown=self._is_markdown)
        if page:
            self._pages.append(page)
        self._lines, self._used, self._heading = [], 0, []
        if carried:
            self._put(carried)

    def _ready_to_break(self, segment: _Segment) -> _Segment:
        """Give up a frame that leaves too little room, and guard what stands in none."""
        frame = self._needs([*segment.head, *segment.tail]) + 2
        widest = max(map(self._size, segment.lines), default=0)
        room = self._max // 2 if segment.is_code else widest
        if not self._is_markdown or (segment.head and frame + room <= self._max):
            return segment
        return _Segment([_guarded(line) for line in segment.whole])

    def _add_in_pieces(self, segment: _Segment) -> None:
        if self._room < self._max // 4:
            self._turn()
        head, waiting = segment.head, deque(segment.lines)
        while waiting:
            frame = self._needs([*head, "", *segment.tail])
            taken = self._take(waiting, self._room - frame, segment)
            if taken:
                self._put([*head, *taken, *segment.tail])
                head = segment.later_head
            if waiting:
                self._heading = []
                self._turn()

    def _take(self, waiting: deque[str], room: int, segment: _Segment) -> list[str]:
        """Take the lines that fit; of one that is wider than any page, the part that fits."""
        taken: list[str] = []
        while waiting and self._size(waiting[0]) <= room:
            taken.append(waiting.popleft())
            room -= self._size(taken[-1]) + 1
        widest = self._max - self._needs([*segment.later_head, "", *segment.tail])
        if waiting and self._size(waiting[0]) > widest and room >= widest // 4:
            here, rest = self._cut(waiting.popleft(), room, segment)
            taken.append(here)
            waiting.appendleft(rest)
        return taken

    def _cut(self, line: str, room: int, segment: _Segment) -> tuple[str, str]:
        if segment.is_code:
            end = _fitting(line, room, self._size)
            return line[:end], line[end:]
        end = _good_break(line, _fitting(line, room - 1, self._size))  # one is left for a guard
        here, rest = line[:end].rstrip(), line[end:].lstrip()
        if not self._is_markdown:
            return here, rest
        quote = _QUOTE.match(line)
        again = quote.group() if quote and quote.end() < end // 4 else ""
        return _guarded(here), again + _guarded(rest)


def _trimmed(lines: Sequence[str], *, is_markdown: bool) -> str:
    """Return a page without blank lines at its edges.

    What stood deep inside a list would turn into code at the start of a page, so it moves left.
    """
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    kept = list(lines[first:])
    indent = len(kept[0]) - len(kept[0].lstrip(" ")) if kept else 0
    if is_markdown and indent >= CODE_INDENT:
        for number, line in enumerate(kept):
            if line.strip() and not line.startswith(" " * indent):
                break
            kept[number] = line[indent:]
    return "\n".join(kept).rstrip()


def _paragraphs(lines: Sequence[str]) -> Iterator[_Segment]:
    """Yield runs of lines, each with the blank lines behind it."""
    paragraph: list[str] = []
    for line in lines:
        if line.strip() and paragraph and not paragraph[-1].strip():
            yield _Segment(paragraph)
            paragraph = []
        paragraph.append(line)
    yield _Segment(paragraph)


# --- Markdown -----------------------------------------------------------------------------

_BORDERS = frozenset(
    {
        "paragraph_open",
        "heading_open",
        "list_item_open",
        "blockquote_open",
        "fence",
        "code_block",
        "table_open",
        "hr",
    }
)
_FRAMED = frozenset({"fence", "code_block", "table_open"})
_CONTAINERS = r"(?:\s|>|[-*+]\s|\d{1,9}[.)]\s)*"
_FENCE = re.compile(
    rf"^(?P<before>{_CONTAINERS})(?P<marker>`{{3,}}(?=[^`]*$)|~{{3,}})(?P<info>.*)$"
)
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")
_SENTENCE_END = re.compile(r"[.!?;。！？；]+[\s”’」』）)]*|，")
_CLUSTER = re.compile(
    r"[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)


def _segments(lines: Sequence[str]) -> Iterator[_Segment]:
    """Yield the blocks of a Markdown text, down to list items and what stands in them."""
    tokens = [token for token in parse_lines("\n".join(lines)) if token.map is not None]
    starts = {token.map[0]: token for token in tokens if token.map and token.type in _BORDERS}
    framed = {token.map[0]: token for token in tokens if token.map and token.type in _FRAMED}
    ends = {token.map[1] for token in framed.values() if token.map}
    for start, end in pairwise(sorted({0, len(lines), *starts, *ends})):
        block = lines[start:end]
        token = framed.get(start)
        if token is None:
            is_heading = start in starts and starts[start].type == "heading_open"
            yield _Segment(block, is_heading=is_heading)
        else:
            yield _framed(block, token)


def _framed(block: Sequence[str], token: Token) -> _Segment:
    match token.type:
        case "table_open":
            first = _FIRST.sub(_blanked, block[0])
            return _Segment(block[2:], head=block[:2], later_head=[first, block[1]])
        case "fence":
            return _fence(block)
        case _ if token.level == 0:
            lines = token.content.rstrip("\n").split("\n")
            marker = _marker("`", lines)
            return _Segment(lines, [marker], [marker], [marker], is_code=True)
        case _:
            return _Segment(block)


_FIRST = re.compile(rf"^{_CONTAINERS}")


def _fence(block: Sequence[str]) -> _Segment:
    opening = _FENCE.match(block[0])
    if opening is None:
        return _Segment(block)
    before, old, info = opening.group("before", "marker", "info")
    closing = _FENCE.match(block[-1]) if len(block) > 1 else None
    is_closed = (
        closing is not None and closing["marker"].startswith(old) and not closing["info"].strip()
    )
    lines = block[1:-1] if is_closed else block[1:]
    marker = _marker(old[0], lines)
    margin = _blank(before)
    return _Segment(
        lines,
        head=[f"{before}{marker}{info}"],
        tail=[f"{margin}{marker}"],
        later_head=[f"{margin}{marker}{info}"],
        is_code=True,
    )


def _marker(character: str, lines: Sequence[str]) -> str:
    """Return a fence that nothing inside can be taken for."""
    runs = re.findall(re.escape(character) + "+", "\n".join(lines))
    return character * max(3, *(len(run) + 1 for run in runs), 3)


def _blank(before: str) -> str:
    """Replace list markers by spaces; quote marks stay, they stand on every line."""
    return re.sub(r"[^\s>]", " ", before)


def _blanked(match: re.Match[str]) -> str:
    return _blank(match.group())


def _guarded(line: str) -> str:
    """Keep a line that is no fence from becoming one where it stands now."""
    return _FENCE.sub(r"\g<before>\\\g<marker>\g<info>", line)


# --- lines that are too long --------------------------------------------------------------


def _fitting(line: str, room: int, size: Measure) -> int:
    """Return how many characters fit, at least one, without tearing what shows as one."""
    lengths = range(1, min(len(line), room) + 1)
    end = max(1, bisect_right(lengths, room, key=lambda length: size(line[:length])))
    least = end // 2
    while end > max(least, 1) and end < len(line) and _is_torn(line, end):
        end -= 1
    return end


def _is_torn(line: str, at: int) -> bool:
    return _CLUSTER.match(line[at]) is not None or line[at - 1] == "\u200d"


def _good_break(line: str, end: int) -> int:
    """Prefer the end of a sentence, then of a word, in the second half of what fits."""
    if end >= len(line):
        return end
    sentences = [match.end() for match in _SENTENCE_END.finditer(line, 0, end)]
    if sentences and sentences[-1] > end // 2:
        return sentences[-1]
    space = max(line.rfind(" ", 0, end + 1), line.rfind("\t", 0, end + 1))
    return space if space > end // 2 else end
