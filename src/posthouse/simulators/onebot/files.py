"""Pictures and files inside messages: what was really sent is looked at, links are not followed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from posthouse.simulators.onebot.record import FileEntry
from posthouse.simulators.onebot.segments import WITH_FILES, Segment, Segments
from posthouse.simulators.onebot.state import Failed, Network

FILE_BYTES_MAX = 32 * 1024 * 1024


def files_of(network: Network, message: Segments) -> tuple[FileEntry, ...]:
    """Find out what files a message carries.

    Raises:
        Failed: one of them is not there, or is no file at all.
    """
    return tuple(_files(network, message))


def _files(network: Network, message: Segments) -> Iterator[FileEntry]:
    for segment in message:
        if segment.type in WITH_FILES:
            yield _file(network, segment)


def _file(network: Network, segment: Segment) -> FileEntry:
    where = segment.word("file")
    name = segment.word("name") or where.rpartition("/")[2][:128]
    if where.startswith(("http://", "https://")):
        return FileEntry(kind=segment.type, name=name, size_bytes=0, url=where)
    if where.startswith("base64://"):
        name, content = segment.word("name"), _decoded(where.removeprefix("base64://"))
    elif where.startswith("file://"):
        content = _read(Path(unquote(urlsplit(where).path)))
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
    except OSError as error:
        raise Failed(f"识别URL失败: {error.strerror} {path}") from None
    if len(content) > FILE_BYTES_MAX:
        raise Failed(f"识别URL失败: 文件过大 {path}")
    return content
