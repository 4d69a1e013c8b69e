"""Takes the files that commands made into the house's own shelf."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from posthouse.handlers.commands.frames import SaidFile, SaidImage
from posthouse.model.message import Media
from posthouse.store.media import FileTooLarge, Shelf

CHUNK_BYTES = 256 * 1024


class Unreadable(Exception):
    """The file is not there, no plain file, too large, or kept; the argument says which."""


class _Kept(Exception):
    """The file lies where scenes may send nothing from."""


class Files:
    """Copies files, at most ``bytes_max`` each.

    Args:
        shelf: where they go.
        bytes_max: of one file.
        sent_from: the folders that files may come from, wherever links lead.
        kept_in: the house's own folder: nothing in it is sent, but what lies in a folder of
            ``sent_from`` further down.
    """

    def __init__(
        self, shelf: Shelf, bytes_max: int, *, sent_from: Collection[Path], kept_in: Path
    ) -> None:
        self._shelf = shelf
        self._bytes_max = bytes_max
        self._sent_from = sent_from
        self._kept_in = kept_in

    async def take(self, said: SaidImage | SaidFile) -> Media:
        """Copy a file; one that was written only for us is removed.

        Raises:
            Unreadable: it cannot be copied.
        """
        try:
            path = await asyncio.to_thread(self._allowed, said.path)
        except OSError as error:
            raise Unreadable(f"{said.path}: {error.strerror}") from None
        except _Kept:
            raise Unreadable(
                f"{said.path}: scenes may send files from the working directory, their own folders"
                " and TMPDIR, and none of the house's; return its content as bytes instead"
            ) from None
        try:
            return await self._copy(path, said.name)
        finally:
            if said.is_ours:
                await asyncio.to_thread(_remove, path)

    async def _copy(self, path: str, name: str) -> Media:
        try:
            with await asyncio.to_thread(_open, path) as file:
                return await self._shelf.put(_chunks(file), name, self._bytes_max)
        except OSError as error:
            raise Unreadable(f"{path}: {error.strerror}") from None
        except FileTooLarge:
            raise Unreadable(f"{path}: above {self._bytes_max} bytes") from None

    def _allowed(self, path: str) -> str:
        """Return where a file really lies; the innermost folder that is known decides."""
        real = os.path.realpath(path, strict=True)
        kept_in = self._kept_in.resolve()
        sent_from = {folder.resolve() for folder in self._sent_from} - {kept_in}
        for folder in Path(real).parents:
            if folder in sent_from:
                return real
            if folder == kept_in:
                break
        raise _Kept


def _open(path: str) -> BinaryIO:
    """Open a plain file; a pipe or device would let us wait."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "not a plain file")
    return os.fdopen(handle, "rb")


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk
