"""What everything in the gateway stands on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from posthouse.gateway.bots import Bots
from posthouse.gateway.drafts import Drafts
from posthouse.gateway.lease import Lease
from posthouse.gateway.pace import Pace
from posthouse.gateway.reply_slot import ReplySlots
from posthouse.model.errors import TryLater
from posthouse.store.journal import Journal
from posthouse.wakeup.wakeup import Wakeup

STORE_AGAIN_S = 1.0

T = TypeVar("T")


def _nothing(_: str) -> None:
    return


async def _never() -> bool:
    return False


@dataclass(frozen=True)
class Surroundings:
    """The book, the bots and the clock; built once, in ``bootstrap``."""

    journal: Journal
    wakeup: Wakeup
    bots: Bots
    lease: Lease
    pace: Pace
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    new_key: Callable[[], str]  # 128 fresh random bits, hex
    is_held: Callable[[], Awaitable[bool]] = _never  # restored: nobody is to hear anything yet
    slots: ReplySlots = field(default_factory=ReplySlots)
    drafts: Drafts = field(default_factory=Drafts)
    at: Callable[[str], None] = _nothing  # told at named points; the laboratory kills there
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)  # (metric, label) → count

    async def until_stored(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write what is known only here, however long the store stays busy or full.

        Raises:
            FenceLost: the lane is somebody else's now.
        """
        while True:
            try:
                return await write()
            except TryLater:
                await self.sleep(STORE_AGAIN_S)
