"""Answers what begins with ``#``: `special = { "#" = "hash_line:answer" }`."""

from __future__ import annotations

import asyncio


async def answer(line: str) -> str:
    """Answer a line; here a model or a search might be asked."""
    await asyncio.sleep(0)
    return f"You would like to know more about “{line}”."
