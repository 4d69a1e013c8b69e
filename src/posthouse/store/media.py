"""Files by content: stored under the hash of their bytes, named and typed by what is in them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from posthouse.model.errors import Refused, StorageFull
from posthouse.model.message import Media

_REF = re.compile(r"sha256:([0-9a-f]{64})")
_CHUNK_BYTES = 256 * 1024
_HEAD_BYTES = 4096
_UNUSED_FOR_S = 86400.0  # a file is not removed while somebody may just be storing it again

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)


class FileTooLarge(Exception):
    """The file is larger than `upload_bytes_max` of this bot."""


class FileGone(Refused):
    """The file is not here any more; ask for it to be sent again."""


def sniff(head: bytes) -> str:
    """Return the type of a file by its first bytes, never by its name."""
    for offset, magic, mime in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return mime
    return "text/plain" if head and _is_text(head) else "application/octet-stream"


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) >= _HEAD_BYTES - 4  # cut in a character
    return True


class Shelf:
    """A directory of files, each under the hash of what is in it, readable by the house alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, chunks: AsyncIterator[bytes], name: str, bytes_max: int) -> Media:
        """Store a file as it streams in.

        Raises:
            FileTooLarge: it exceeds ``bytes_max``; nothing of it is kept.
            StorageFull: the disk has no room for it; nothing of it is kept.
        """
        draft = await asyncio.to_thread(self._new_draft)
        try:
            return await self._fill(draft, chunks, name, bytes_max)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise StorageFull from error
            raise
        finally:
            draft.unlink(missing_ok=True)

    async def _fill(
        self, draft: Path, chunks: AsyncIterator[bytes], name: str, bytes_max: int
    ) -> Media:
        digest, size_bytes, head = hashlib.sha256(), 0, b""
        with draft.open("wb") as file:
            async for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > bytes_max:
                    raise FileTooLarge
                head += chunk[: max(0, _HEAD_BYTES - len(head))]
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_sync, file)
        ref = f"sha256:{digest.hexdigest()}"
        await asyncio.to_thread(self._shelve, draft, ref)
        return Media(ref=ref, name=name, mime=sniff(head), size_bytes=size_bytes)

    def _new_draft(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, path = tempfile.mkstemp(prefix="new-", dir=self._folder)  # mode 0600
        os.close(handle)
        return Path(path)

    def _shelve(self, draft: Path, ref: str) -> None:
        target = self._path(ref)
        assert target is not None
        target.parent.mkdir(exist_ok=True, mode=0o700)
        draft.replace(target)

    def path(self, ref: str) -> Path | None:
        """Return where a file lies; None when it is not here."""
        path = self._path(ref)
        return path if path is not None and path.is_file() else None

    async def media(self, ref: str, name: str) -> Media | None:
        """Describe a file that lies here; None when it does not."""
        path = self.path(ref)
        if path is None:
            return None
        mime, size_bytes = await asyncio.to_thread(_look_at, path)
        return Media(ref=ref, name=name, mime=mime, size_bytes=size_bytes)

    async def read(self, ref: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file.

        Raises:
            FileGone: it is not here.
        """
        path = self.path(ref)
        if path is None:
            raise FileGone
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield chunk

    def remove(self, ref: str) -> None:
        """Remove a file that nothing uses, unless it was stored again within a day."""
        path = self.path(ref)
        if path is not None and path.stat().st_mtime < time.time() - _UNUSED_FOR_S:
            path.unlink(missing_ok=True)

    def _path(self, ref: str) -> Path | None:
        found = _REF.fullmatch(ref)
        return self._folder / found[1][:2] / found[1] if found else None


def _look_at(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return sniff(file.read(_HEAD_BYTES)), path.stat().st_size


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
