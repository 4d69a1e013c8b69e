"""What scenes print goes to the log, line by line, up to a limit for each command."""

from __future__ import annotations

import asyncio
from typing import cast

import structlog

LINE_CHARACTERS_MAX = 2000
SLOW_READ_BYTES = 256 * 1024  # what is read at once beyond the limit …
SLOW_READ_EVERY_S = 0.05  # … and how often: who prints without end waits, not the house

log = structlog.get_logger("posthouse.scenes")


class Output(asyncio.Protocol):
    """Reads what one worker prints."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._transport: asyncio.ReadTransport | None = None
        self._call = ""
        self._left = bytes_max
        self._unread = 0  # read beyond the limit since the last pause
        self._line = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember what to pause."""
        self._transport = cast("asyncio.ReadTransport", transport)

    def begin(self, call: str) -> None:
        """A new call begins, with a limit of its own."""
        self._call, self._left = call, self._bytes_max

    def data_received(self, data: bytes) -> None:
        """Log whole lines; beyond the limit, throw away, and slowly."""
        taken = data[: self._left]
        if taken:
            self._left -= len(taken)
            *lines, self._line = (self._line + taken).split(b"\n")
            for line in lines:
                self._tell(line)
            if len(self._line) > LINE_CHARACTERS_MAX:
                self._tell(self._line)
                self._line = b""
            if self._left == 0:
                log.warning("scene_output_cut", call=self._call, bytes_max=self._bytes_max)
        self._slow_down(len(data) - len(taken))

    def _tell(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()[:LINE_CHARACTERS_MAX]
        if text:
            log.info("scene_output", call=self._call, line=text)

    def _slow_down(self, surplus: int) -> None:
        self._unread += surplus
        if self._unread < SLOW_READ_BYTES or self._transport is None:
            return
        self._unread = 0
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(SLOW_READ_EVERY_S, self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Log what is left, and let go."""
        if self._line:
            self._tell(self._line)
            self._line = b""
        if self._transport is not None:
            self._transport.close()
