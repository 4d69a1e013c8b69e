"""Messages as OneBot writes them: an array of segments, or one string with CQ codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

Data = dict[str, object]

# What a QQ client can show. Others are dropped by real implementations, so they are complaints.
WITH_WORDS = frozenset({"text", "at", "reply", "face", "mface", "markdown"})
WITH_FILES = frozenset({"image", "record", "video", "file"})
WITH_CARDS = frozenset({"share", "contact", "location", "music", "json", "xml", "node", "forward"})
SENDABLE = WITH_WORDS | WITH_FILES | WITH_CARDS | {"rps", "dice", "shake", "poke"}
NEEDED = {
    "text": "text",
    "face": "id",
    "image": "file",
    "record": "file",
    "video": "file",
    "file": "file",
    "at": "qq",
    "reply": "id",
}
_AT = re.compile(r"all|[1-9]\d*")
_ID = re.compile(r"-?\d+")
_CODE = re.compile(r"\[CQ:(?P<type>[A-Za-z0-9_.-]+)(?P<data>(?:,[^\[\]]*)?)\]")


class Malformed(Exception):
    """A message that nobody could show; the text says what is wrong with it."""


class Segment(Struct, frozen=True):
    """One piece of a message."""

    type: str
    data: Data = {}

    def word(self, name: str) -> str:
        """Return a field as text; nothing for one that is missing."""
        value = self.data.get(name)
        return "" if value is None else str(value)


Segments = tuple[Segment, ...]


def text(words: str) -> Segment:
    """Make plain words."""
    return Segment("text", {"text": words})


# --- reading ----------------------------------------------------------------------------------


def read(message: object, *, auto_escape: bool = False) -> Segments:
    """Read what an action calls ``message``, in any of its three forms.

    Raises:
        Malformed: it is none of them.
    """
    if isinstance(message, str):
        segments = (text(message),) if auto_escape and message else tuple(_codes(message))
    elif isinstance(message, Mapping):
        segments = (_segment(message),)
    elif isinstance(message, list | tuple):
        segments = tuple(_segment(each) for each in message)
    else:
        raise Malformed(f"message is {type(message).__name__}, not a string, array or segment")
    if not segments:
        raise Malformed("message is empty")
    return segments


def mistakes(segments: Segments) -> Iterator[str]:
    """Find what a real implementation would drop or misread, though it may send the rest."""
    for segment in segments:
        if segment.type not in SENDABLE:
            yield f"segment type {segment.type!r} cannot be sent"
            continue
        needed = NEEDED.get(segment.type)
        value = segment.data.get(needed) if needed else ""
        if needed and (not isinstance(value, str | int) or isinstance(value, bool)):
            yield f"{segment.type}.{needed} is {value!r}, not a string"
        elif segment.type == "text" and not isinstance(value, str):
            yield f"text.text is {value!r}, not a string"
        elif segment.type == "at" and not _AT.fullmatch(str(value)):
            yield f"at.qq is {value!r}, neither a number nor 'all'"
        elif segment.type == "reply" and not _ID.fullmatch(str(value)):
            yield f"reply.id is {value!r}, not a message id"


def _segment(raw: object) -> Segment:
    match raw:
        case {"type": str(kind), "data": dict(data)}:
            return Segment(kind, data)
        case {"type": str(kind), "data": None} | {"type": str(kind)}:
            return Segment(kind)
    raise Malformed(f"{raw!r:.80} is no segment: it needs a type and data")


def _codes(line: str) -> Iterator[Segment]:
    place = 0
    for found in _CODE.finditer(line):
        if found.start() > place:
            yield text(unescape(line[place : found.start()]))
        yield Segment(found["type"], dict(_pairs(found["data"])))
        place = found.end()
    if place < len(line):
        yield text(unescape(line[place:]))


def _pairs(data: str) -> Iterator[tuple[str, object]]:
    for pair in data.split(",")[1:]:
        name, _, value = pair.partition("=")
        yield name.strip(), unescape(value)


# --- writing ----------------------------------------------------------------------------------


def as_codes(segments: Iterable[Segment]) -> str:
    """Write segments as one string."""
    return "".join(_as_code(segment) for segment in segments)


def as_array(segments: Iterable[Segment]) -> list[dict[str, object]]:
    """Write segments as JSON has them."""
    return [{"type": segment.type, "data": segment.data} for segment in segments]


def words(segments: Iterable[Segment]) -> str:
    """Say what a person reads: words as they are, everything else in brackets."""
    return "".join(_shown(segment) for segment in segments)


def quoted(segments: Iterable[Segment]) -> int | None:
    """Return the id of the message being replied to."""
    ids = [each.word("id") for each in segments if each.type == "reply"]
    return int(ids[0]) if ids and _ID.fullmatch(ids[0]) else None


def escape(value: str, *, is_in_code: bool = False) -> str:
    """Escape for a string with CQ codes; a comma only inside a code."""
    value = value.replace("&", "&amp;").replace("[", "&#91;").replace("]", "&#93;")
    return value.replace(",", "&#44;") if is_in_code else value


def unescape(value: str) -> str:
    """Undo ``escape``; the ampersand comes last, or ``&amp;#91;`` would become a bracket."""
    value = value.replace("&#44;", ",").replace("&#91;", "[").replace("&#93;", "]")
    return value.replace("&amp;", "&")


def _as_code(segment: Segment) -> str:
    if segment.type == "text":
        return escape(segment.word("text"))
    fields = (
        f",{name}={escape(segment.word(name), is_in_code=True)}"
        for name, value in segment.data.items()
        if value is not None
    )
    return f"[CQ:{segment.type}{''.join(fields)}]"


def _shown(segment: Segment) -> str:
    match segment.type:
        case "text":
            return segment.word("text")
        case "at":
            return f"@{segment.word('qq')}"
        case "reply":
            return ""
        case "face" | "image" | "record" | "video" | "file":
            return f"[{segment.type}]"
        case kind:
            return f"[{kind}]"
