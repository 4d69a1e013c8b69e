"""The way between one process and another, which a test may cut or let fall silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

CHUNK_BYTES = 65536


class Wire:
    """Carries bytes from a TCP port to a server's socket or another port, while it does."""

    def __init__(self, server: Path | int) -> None:
        self._server = server
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Wire]:
        """Listen on a port of its own."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Reset every connection, and each new one."""
        self._is_cut = True
        for end in tuple(self._ends):
            end.transport.abort()

    def fall_silent(self) -> None:
        """Swallow everything, and say nothing about it."""
        self._flows.clear()

    def mend(self) -> None:
        """Carry again; what was held up on the way arrives late."""
        self._is_cut = False
        self._flows.set()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._server, int):
            return await asyncio.open_connection("127.0.0.1", self._server)
        return await asyncio.open_unix_connection(self._server)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            answers, requests = await self._reach()
        except OSError:  # nobody is there: the caller hears it as a cut
            writer.transport.abort()
            return
        ends = {writer, requests}
        self._ends |= ends
        try:
            pumps = (self._pump(reader, requests), self._pump(answers, writer))
            await asyncio.wait(
                [asyncio.ensure_future(pump) for pump in pumps],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await source.read(CHUNK_BYTES):
                await self._flows.wait()
                target.write(some)
                await target.drain()
