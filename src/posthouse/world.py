"""What the house takes from outside: time, chance, keys, the network."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import ClientSession


class Keys:
    """128 random bits at a time, in hex; the system is asked for a few hundred at once."""

    BYTES = 16
    AT_ONCE = 256

    def __init__(self) -> None:
        self._keys: list[str] = []

    def __call__(self) -> str:
        """Return the next one."""
        if not self._keys:
            bits = secrets.token_hex(self.BYTES * self.AT_ONCE)
            step = 2 * self.BYTES
            self._keys = [bits[at : at + step] for at in range(0, len(bits), step)]
        return self._keys.pop()


def _nothing(_: str) -> None:
    return


@dataclass(frozen=True)
class World:
    """What the house takes from outside; tests bring a fake clock and a seed."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: random.Random = field(default_factory=random.SystemRandom)
    new_key: Callable[[], str] = field(default_factory=Keys)
    at: Callable[[str], None] = _nothing  # told at every named point of the road
    http: Callable[[], ClientSession] = ClientSession
