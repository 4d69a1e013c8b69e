"""How a simulator that runs as a program learns that it should end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress


def interrupted() -> asyncio.Event:
    """Return what is set at SIGINT or SIGTERM."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt instead
            loop.add_signal_handler(number, interrupted.set)
    return interrupted
