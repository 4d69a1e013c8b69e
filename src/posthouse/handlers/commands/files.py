"""Takes the files that commands made into the house's own shelf."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from posthouse.handlers.commands.frames import SaidFile, SaidImage
from posthouse.model.message import Media
from posthouse.store.media import FileTooLarge, Shelf

CHUNK_BYTES = 256 * 1024


class Unreadable(Exception):
    """The file is not there, no plain file, or too large; the argument says which."""


class Files:
    """Copies files, at most ``bytes_max`` each."""

    def __init__(self, shelf: Shelf, bytes_max: int) -> None:
        self._shelf = shelf
        self._bytes_max = bytes_max

    async def take(self, said: SaidImage | SaidFile) -> Media:
        """Copy a file; one that was written only for us is removed.

        Raises:
            Unreadable: it cannot be copied.
        """
        try:
            file = await asyncio.to_thread(_open, said.path)
            with file:
                return await self._shelf.put(_chunks(file), said.name, self._bytes_max)
        except OSError as error:
            raise Unreadable(f"{said.path}: {error.strerror}") from None
        except FileTooLarge:
            raise Unreadable(f"{said.path}: above {self._bytes_max} bytes") from None
        finally:
            if said.is_ours:
                await asyncio.to_thread(_remove, said.path)


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
