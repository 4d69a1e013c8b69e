"""Pictures and files inside messages: what was really sent is looked at, links are not followed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from posthouse.simulators.onebot.record import FileEntry
from posthouse.simulators.onebot.segments import WITH_FILES, Segment, Segments
from posthouse.simulators.onebot.state import Failed, Network

INSIDE = "base64://"
FILE_BYTES_MAX = 32 * 1024 * 1024


def files_of(network: Network, message: Segments) -> tuple[FileEntry, ...]:
    """Find out what files a message carries.

    Raises:
        Failed: one of them is not there, or is no file at all.
    """
    return tuple(_files(network, message))


def without_content(message: Segments, files: Iterable[FileEntry]) -> Segments:
    """Name pictures instead of holding them: what was inside a message is not kept."""
    entries = iter(files)
    return tuple(
        _named(segment, next(entries)) if segment.type in WITH_FILES else segment
        for segment in message
    )


def _named(segment: Segment, entry: FileEntry) -> Segment:
    if not segment.word("file").startswith(INSIDE):
        return segment
    named = {"file": entry.sha256[:32], "file_size": str(entry.size_bytes)}
    return Segment(segment.type, {**segment.data, **named})


def _files(network: Network, message: Segments) -> Iterator[FileEntry]:
    for segment in message:
        if segment.type in WITH_FILES:
            yield _file(network, segment)


def _file(network: Network, segment: Segment) -> FileEntry:
    where = segment.word("file")
    name = segment.word("name") or where.rpartition("/")[2][:128]
    if where.startswith(("http://", "https://")):
        return FileEntry(kind=segment.type, name=name, size_bytes=0, url=where)
    if where.startswith(INSIDE):
        name, content = segment.word("name"), _decoded(where.removeprefix(INSIDE))
    elif where.startswith("file://"):
        content = _read(Path(unquote(where.removeprefix("file://"))))
    else:
        content = network.file(where)
    return FileEntry(
        kind=segment.type,
        name=name,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Failed(f"识别URL失败: base64 {error}") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise Failed(f"识别URL失败: {error}") from None
    if len(content) > FILE_BYTES_MAX:
        raise Failed(f"识别URL失败: 文件过大 {path}")
    return content
