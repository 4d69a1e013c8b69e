"""What every process that serves does: it runs until somebody wants it to stop."""

from __future__ import annotations

import asyncio
import os
import signal

import structlog

from posthouse.cli.logs import LineWriter
from posthouse.cli.terminal import OK, PROBLEM_FOUND

FORCED = 130  # what shells expect after Ctrl+C

log = structlog.get_logger("posthouse.run")


async def until(wants_to_stop: asyncio.Event, serving: asyncio.Task[None]) -> int:
    """Wait until somebody wants it to stop, or the server fails."""
    stopping = asyncio.create_task(wants_to_stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if wants_to_stop.is_set():
        return OK
    log.error("house_failed", exc_info=serving.exception())
    return PROBLEM_FOUND


def listen_to_signals(writer: LineWriter) -> asyncio.Event:
    """Return what is set at the first Ctrl+C or TERM; the second leaves at once."""
    wants_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if wants_to_stop.is_set():
            leave(writer, FORCED)
        wants_to_stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    return wants_to_stop


def leave(writer: LineWriter, code: int) -> None:
    """Leave at once; everything accepted is in the book."""
    log.warning("house_forced")
    writer.close()
    os._exit(code)
