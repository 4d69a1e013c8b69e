"""Keeping the store healthy: size, age, copies."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Retention(Struct, frozen=True, kw_only=True):
    """How long things are kept, in seconds."""

    messages_s: float = 90 * 86400.0  # events, turns and deliveries that are over
    seen_s: float = 14 * 86400.0  # keys for de-duplication; at least seven days
    raw_s: float = 14 * 86400.0  # payloads that could not be decoded


class Pruned(Struct, frozen=True):
    """What one round removed; ``is_done`` when nothing old is left."""

    events: int
    turns: int
    deliveries: int
    keys: int
    is_done: bool


class Upkeep(Protocol):
    """What the supervisor and the operator's tools do to the store as a whole."""

    async def size_bytes(self) -> int:
        """Return the room that the database takes on disk.

        What lies free inside a file is not counted, since it is filled before the file grows; nor
        is the log, unless it has grown longer than it usually is.
        """
        ...

    async def prune(self, retention: Retention, now: float, rows_max: int = 500) -> Pruned:
        """Remove a bounded number of old rows; nothing that is waiting, unclear or asked back."""
        ...

    async def check(self) -> tuple[str, ...]:
        """Return what is wrong with the database file and its counters; empty when all is well."""
        ...

    async def backup(self, target: Path) -> None:
        """Write a consistent copy while the house runs; the copy holds no secrets.

        Raises:
            FileExistsError: ``target`` exists.
        """
        ...

    async def counts(self) -> dict[str, int]:
        """Return the gauges of the house: waiting, queued, unknown, doubtful, buried and so on."""
        ...
