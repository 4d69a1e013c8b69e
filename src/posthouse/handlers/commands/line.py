"""The house's end of the line to a worker: frames go out, and come in one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from posthouse.handlers.commands.frames import FRAME_BYTES_MAX, HEAD_BYTES, Garbled, Reply, unpack


class Line(asyncio.Protocol):
    """See the module.

    Args:
        hear: is given each frame; returns whether there is room for another one (``go_on``).
            Raises ``Garbled`` for one that has no place there.
        lost: is told once that nothing more comes, and whether that is because of nonsense.
    """

    def __init__(self, hear: Callable[[Reply], bool], lost: Callable[[bool], None]) -> None:
        self._hear = hear
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._has_room = True
        self._is_over = False
        self.over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to talk to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the frames out of what came; let the worker wait when nobody takes them."""
        self._buffer += data
        self._cut_frames()

    def _cut_frames(self) -> None:
        try:
            while self._has_room and not self._is_over and (frame := self._next()) is not None:
                self._has_room = self._hear(unpack(frame))
        except Garbled:
            self._end(is_garbled=True)
            self.close()
        if not self._has_room and self._transport is not None:
            self._transport.pause_reading()

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < HEAD_BYTES:
            return None
        end = HEAD_BYTES + int.from_bytes(buffer[:HEAD_BYTES], "big")
        if end > HEAD_BYTES + FRAME_BYTES_MAX:
            raise Garbled
        if len(buffer) < end:
            return None
        frame = bytes(buffer[HEAD_BYTES:end])
        del buffer[:end]
        return frame

    def go_on(self) -> None:
        """There is room again."""
        if self._has_room or self._is_over or self._transport is None:
            return
        self._has_room = True
        self._cut_frames()
        if self._has_room:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason is known
        """Expect nothing more."""
        self.end()

    def end(self) -> None:
        """Expect nothing more."""
        self._end(is_garbled=False)

    def _end(self, *, is_garbled: bool) -> None:
        if not self._is_over:
            self._is_over = True
            self.over.set()
            self._lost(is_garbled)

    def send(self, data: bytes) -> None:
        """Write bytes of ``pack``."""
        if self._transport is not None and not self._is_over:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up: a worker that waits for a call ends."""
        self.end()
        if self._transport is not None:
            self._transport.close()
