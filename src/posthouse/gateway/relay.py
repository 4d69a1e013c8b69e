"""The road of a relay: what comes in is kept, and given to the house that asks for it.

No handler runs here and nothing is sent. A payload is verified and opened by its channel's outpost,
read as far as it takes to know a repeat and an order, and written down before the platform hears
that it arrived.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog
from msgspec import Struct

from posthouse.channels.channel import Outpost
from posthouse.gateway.housekeeping import Gauge
from posthouse.gateway.words import control_word
from posthouse.model.errors import Refused, StorageFull, StoreClosed
from posthouse.model.event import Event, MessageRecalled, MessageReceived
from posthouse.model.message import Mention, plain_text
from posthouse.model.relay import (
    LEASE_BYTES_MAX,
    LEASE_S,
    Acknowledged,
    Acknowledgement,
    BotState,
    Leased,
    LeaseWish,
)
from posthouse.settings.settings import WordsSettings
from posthouse.store.parcels import Bounds, NewParcel, Parcels, Waiting

OLD_HOLDER = "fetch"  # whoever asks in the old way is one holder: they cannot tell who they are
OLD_LEASE_S = 1.0  # and have what they are given at once
UNFETCHED_S = 300.0  # so long may something wait before people should know

log = structlog.get_logger("posthouse.relay")


class NoSuchBot(Refused):
    """The relay has no such bot; look at [bots] there, and at relay.bot here."""


class Asking(Struct):
    """Who waits for parcels of a bot: the newest question is the one that counts."""

    something_came: asyncio.Event
    newest: int = 0


class Relay:
    """Keeps, and gives.

    Args:
        parcels: what is kept.
        bots: their names.
        words: by which orders are known.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        parcels: Parcels,
        bots: Sequence[str],
        words: WordsSettings,
        clock: Callable[[], float],
    ) -> None:
        self._parcels = parcels
        self._words = words
        self._clock = clock
        self._asking = {bot: Asking(asyncio.Event()) for bot in bots}
        self._old_way = asyncio.Lock()
        self._is_closed = False
        self.room = Gauge()
        self.tally: Counter[tuple[str, str]] = Counter()

    def inlet(self, bot: str) -> BotInlet:
        """Return where the outpost of a bot puts what it was sent."""
        return BotInlet(self, bot)

    # --- in -----------------------------------------------------------------------------------

    async def keep(self, bot: str, payload: bytes, events: Sequence[Event]) -> None:
        """Write a payload down.

        Raises:
            StorageFull: above the quota; do not acknowledge.
            TryLater: it could not be written.
        """
        if self.room.is_full:
            raise StorageFull
        parcel = NewParcel(
            bot=bot,
            key=" ".join(event.key for event in events),
            payload=payload,
            goes_first=any(is_order(event, self._words) for event in events),
        )
        is_new = await self._parcels.keep(parcel, self._clock())
        self.tally["events_total", "relayed" if is_new else "repeat"] += 1
        self._asking[bot].something_came.set()

    # --- out ----------------------------------------------------------------------------------

    async def lease(self, wish: LeaseWish) -> Leased:
        """Give a house what waits, or wait with it for something to come.

        A house that asks anew has died or given up: its older question gets nothing any more.

        Raises:
            NoSuchBot: it asks for another bot than there are.
            LeasedElsewhere: another house fetches for it.
        """
        asking = self._asking_for(wish.bot)
        asking.newest += 1
        mine, until_at = asking.newest, self._clock() + wish.wait_s
        asking.something_came.set()  # an older question ends
        while asking.newest == mine:
            asking.something_came.clear()
            leased = await self._lease(wish)
            if leased.parcels or not await self._something_comes(asking, until_at, wish.wait_s):
                return leased
        return Leased(lease=0, lease_s=0.0)

    async def _something_comes(self, asking: Asking, until_at: float, wait_s: float) -> bool:
        """Wait for a parcel or a newer question; False when the time is up."""
        left_s = min(until_at - self._clock(), wait_s)  # the clock may be set back
        if left_s <= 0:
            return False
        try:
            async with asyncio.timeout(left_s):
                await asking.something_came.wait()
        except TimeoutError:
            return False
        return True

    async def _lease(self, wish: LeaseWish) -> Leased:
        bounds = Bounds(parcels_max=wish.parcels_max, bytes_max=LEASE_BYTES_MAX)
        return await self._parcels.lease(wish.bot, wish.holder, bounds, self._clock(), LEASE_S)

    async def acknowledge(self, done: Acknowledgement) -> Acknowledged:
        """Let go of what a house has in its book.

        Raises:
            NoSuchBot: there is none of that name.
            LeaseOver: it was given out again since.
        """
        self._asking_for(done.bot)
        count = await self._parcels.take(done.bot, done.lease, done.ids, self._clock())
        self.tally["events_total", "handed_over"] += count
        return Acknowledged(count=count)

    async def fetch(self, bot: str, outpost: Outpost, wait_s: float) -> Mapping[str, str] | None:
        """Give one message as older workers know it, and forget it: they cannot say they have it.

        What they never got is passed over. None when nothing came in time.

        Raises:
            LeasedElsewhere: a house fetches for this bot.
        """
        asking, until_at = self._asking_for(bot), self._clock() + wait_s
        while True:
            asking.something_came.clear()
            async with self._old_way:
                payload = await self._fetch_one(bot)
            if payload is not None:
                record = outpost.old_record(payload)
                if record is not None:
                    return record
            elif not await self._something_comes(asking, until_at, wait_s) or self._is_closed:
                return None

    async def _fetch_one(self, bot: str) -> bytes | None:
        now = self._clock()
        bounds = Bounds(parcels_max=1, bytes_max=LEASE_BYTES_MAX)
        leased = await self._parcels.lease(bot, OLD_HOLDER, bounds, now, OLD_LEASE_S)
        if not leased.parcels:
            return None
        parcel = leased.parcels[0]
        count = await self._parcels.take(bot, leased.lease, (parcel.id,), now)
        self.tally["events_total", "handed_over"] += count
        return parcel.payload

    def close(self) -> None:
        """Let nobody wait any longer: the process is about to end."""
        self._is_closed = True
        for asking in self._asking.values():
            asking.newest += 1
            asking.something_came.set()

    def _asking_for(self, bot: str) -> Asking:
        if self._is_closed:
            raise StoreClosed
        asking = self._asking.get(bot)
        if asking is None:
            raise NoSuchBot(zh="中转站没有这个机器人；请核对两边的 [bots] 和 relay.bot。")
        return asking

    # --- how it is ----------------------------------------------------------------------------

    async def states(self) -> tuple[BotState, ...]:
        """Return what waits for every bot, by name."""
        now = self._clock()
        found = {each.bot: each for each in await self._parcels.waiting(now)}
        return tuple(
            _state(found.get(bot, Waiting(bot=bot)), now) for bot in sorted({*self._asking, *found})
        )


class BotInlet:
    """The relay, seen by one bot's outpost."""

    def __init__(self, relay: Relay, bot: str) -> None:
        self._relay = relay
        self._bot = bot

    async def take(self, payload: bytes, events: Sequence[Event]) -> None:
        """Keep a payload."""
        await self._relay.keep(self._bot, payload, events)


def is_order(event: Event, words: WordsSettings) -> bool:
    """Whether people steer by it: it is given out before words that came earlier.

    A relay does not know which mention means the bot, so any may: too early does no harm.
    """
    match event:
        case MessageRecalled():
            return True
        case MessageReceived(parts=parts, is_addressed=is_addressed):
            said = tuple(part for part in parts if not isinstance(part, Mention))
            may_mean_bot = is_addressed or len(said) < len(parts)
            return control_word(plain_text(said), words, is_addressed=may_mean_bot) is not None
        case _:
            return False


def is_unfetched(state: BotState) -> bool:
    """Whether messages wait and nobody comes for them."""
    return state.oldest_s >= UNFETCHED_S and not state.is_held


def _state(found: Waiting, now: float) -> BotState:
    return BotState(
        bot=found.bot,
        waiting=found.waiting,
        leased=found.leased,
        oldest_s=0.0 if found.oldest_at is None else max(0.0, now - found.oldest_at),
        fetched_s=None if found.fetched_at is None else max(0.0, now - found.fetched_at),
        is_held=found.is_held,
    )
