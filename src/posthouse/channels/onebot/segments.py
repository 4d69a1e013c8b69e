"""What a OneBot message is made of: segments, or the same as one string with CQ codes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from posthouse.model.message import (
    Audio,
    File,
    Image,
    Media,
    Mention,
    Part,
    Quote,
    Text,
    Unsupported,
    Video,
)

SEGMENTS_MAX = 500  # of one message; QQ itself stops far below
EVERYBODY = "all"


class Segment(Struct, frozen=True):
    """One piece of a message; ``data`` is what the implementation says about it."""

    type: str
    data: dict[str, Any] | None = None

    def get(self, name: str) -> str:
        """Return a value as text, whatever type it came as; empty when there is none."""
        value = (self.data or {}).get(name)
        return "" if value is None else str(value)


class FileRef(Struct, frozen=True, array_like=True):
    """Where a file that came in can be had, in ``Media.ref``."""

    kind: str  # of its segment
    file: str  # its name or id at the implementation
    url: str = ""


# --- CQ codes -------------------------------------------------------------------------------

_CODE = re.compile(r"\[CQ:([A-Za-z0-9_.-]+)((?:,[^\[\],]+)*),?\]")


def parse_cq(text: str) -> tuple[Segment, ...]:
    """Read a string with CQ codes."""
    return tuple(_parsed(text))


def _parsed(text: str) -> Iterator[Segment]:
    done = 0
    for code in _CODE.finditer(text):
        if code.start() > done:
            yield _text(text[done : code.start()])
        pairs = (pair.partition("=") for pair in code[2].split(",")[1:])
        yield Segment(code[1], {name: unescape(value) for name, _, value in pairs})
        done = code.end()
    if done < len(text):
        yield _text(text[done:])


def _text(escaped: str) -> Segment:
    return Segment("text", {"text": unescape(escaped)})


def unescape(text: str) -> str:
    """Read what stands for the marks of codes; ``&amp;`` last, so that one of ``&#44;`` stays."""
    for written, meant in (("&#44;", ","), ("&#91;", "["), ("&#93;", "]"), ("&amp;", "&")):
        text = text.replace(written, meant)
    return text


# --- segments → parts -----------------------------------------------------------------------


class Reading(Struct, frozen=True):
    """What the meaning of a segment depends on."""

    self_id: str
    mine: Container[str]  # ids of messages that this bot sent, as far as remembered


def parts_of(message: Sequence[Segment] | str, reading: Reading) -> tuple[Part, ...]:
    """Return what a message is made of; what this version does not know is kept as it came."""
    segments = parse_cq(message) if isinstance(message, str) else message
    read = [_READERS.get(each.type, _unknown)(each, reading) for each in segments[:SEGMENTS_MAX]]
    if len(segments) > SEGMENTS_MAX:
        read.append(Unsupported("cut", f"{len(segments) - SEGMENTS_MAX} more segments"))
    return tuple(read)


def is_to_bot(part: Part) -> bool:
    """Whether a part makes its message one to the bot."""
    return (isinstance(part, Mention) and part.is_me) or (isinstance(part, Quote) and part.is_mine)


def _words(segment: Segment, _: Reading) -> Part:
    return Text(segment.get("text"))


def _mention(segment: Segment, reading: Reading) -> Part:
    person = segment.get("qq")
    name = "全体成员" if person == EVERYBODY else segment.get("name").lstrip("@") or person
    return Mention(person, name, is_me=bool(person) and person == reading.self_id)


def _quote(segment: Segment, reading: Reading) -> Part:
    of = segment.get("id")
    if not of:
        return _unknown(segment, reading)
    return Quote(of, segment.get("text"), segment.get("qq"), is_mine=of in reading.mine)


def _file(kind: Callable[[Media], Part], mime: str) -> Callable[[Segment, Reading], Part]:
    def read(segment: Segment, reading: Reading) -> Part:
        media = media_of(segment, mime)
        return _unknown(segment, reading) if media is None else kind(media)

    return read


def media_of(segment: Segment, mime: str) -> Media | None:
    """Return the file of a segment by reference; None where it names none."""
    url = segment.get("url")
    file = segment.get("file_id") or segment.get("file")
    if not url and file.startswith(("http://", "https://")):
        url = file
    if not (file or url):
        return None
    size = segment.get("file_size") or segment.get("size")
    return Media(
        ref=ref_of(FileRef(segment.type, file, url)),
        name=segment.get("name") or _name(segment.get("file")),
        mime=mime,
        size_bytes=int(size) if size.isdecimal() and len(size) < 16 else 0,  # noqa: PLR2004
    )


def ref_of(ref: FileRef) -> str:
    """Write a reference into one word."""
    return msgspec.json.encode(ref).decode()


def _name(file: str) -> str:
    return "" if "://" in file else file


def _unknown(segment: Segment, _: Reading) -> Part:
    return Unsupported(segment.type, msgspec.json.encode(segment).decode())


_READERS: dict[str, Callable[[Segment, Reading], Part]] = {
    "text": _words,
    "markdown": lambda segment, _: Text(segment.get("content")),
    "at": _mention,
    "reply": _quote,
    "image": _file(Image, "image/*"),
    "mface": _file(Image, "image/*"),  # a sticker from the shop
    "record": _file(Audio, "audio/*"),
    "video": _file(Video, "video/*"),
    "file": _file(File, ""),
}
