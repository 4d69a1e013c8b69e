"""Takes deliveries and amends from their lanes, has them performed and stores the outcomes.

It is the only writer of delivery states, and it never holds one in memory longer than a call to
the platform lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

from posthouse.channels.channel import ConnectionState, Part, Verb
from posthouse.gateway import performers
from posthouse.gateway.bots import Bot
from posthouse.gateway.nudged import Nudged
from posthouse.gateway.surroundings import Surroundings
from posthouse.model.address import Chat
from posthouse.model.capabilities import SendsFrom
from posthouse.model.delivery import Happening, NotSent, Outcome, State, Step
from posthouse.model.errors import FenceLost, TryLater
from posthouse.store.journal import Budget, ClaimedAmend, ClaimedDelivery
from posthouse.wakeup.wakeup import SENDS, TURNS

IDLE_S = 15.0  # look at least this often: a nudge may be lost
CLAIM_MAX = 64  # rows of one bot in one write
TYPING_MAX = 200  # typing signs on their way at once

log = structlog.get_logger("posthouse.deliverer")


class Deliverer:
    """One loop: claim, perform, settle."""

    def __init__(self, around: Surroundings, sends_max: int) -> None:
        self._around = around
        self._journal = around.journal
        self._wakeup = around.wakeup
        self._bots = around.bots
        self._left: dict[str, Bot] = {}  # bots that are gone, for calls that were taken before
        self._rounds = 0
        self._connected: set[str] = set()  # bots that have come back since the last claim
        self._lease = around.lease
        self._pace = around.pace
        self._clock = around.clock
        self._sends_max = sends_max
        self._nudged = Nudged(around.clock)
        self._calls: set[asyncio.Task[None]] = set()
        self._typing: set[asyncio.Task[Outcome]] = set()
        self._claiming = asyncio.Lock()
        self._is_stopping = False

    def __repr__(self) -> str:
        return f"<Deliverer {len(self._calls)} of {self._sends_max} calls>"

    @property
    def calls(self) -> int:
        """How many calls to platforms are under way."""
        return len(self._calls)

    # --- what the dispatcher hands over ----------------------------------------------------

    def may_send_now(self, bot: Bot) -> bool:
        """Whether one more send of this bot may start at this moment."""
        return (
            not self._is_stopping
            and len(self._calls) < self._sends_max
            and self._lease.holds_at(self._clock())
            and self._can_send(bot)
            and self._pace.limit(bot.name, 1) > 0
        )

    def send_now(self, claimed: ClaimedDelivery, slot: int | None, body: bytes | None) -> None:
        """Perform a delivery that is ours already, through a reply slot if one is given."""
        self._pace.take(claimed.delivery.bot)
        self._start(self._deliver(claimed, slot, body))

    def type(self, bot: Bot, chat: Chat) -> None:
        """Show a typing sign, if there is budget to spare; nobody waits for it."""
        if len(self._typing) < TYPING_MAX and self._pace.take_spare(bot.name):
            task = asyncio.create_task(performers.call(bot, Part(verb=Verb.TYPING), chat))
            self._typing.add(task)
            task.add_done_callback(self._typing.discard)

    # --- when bots change ------------------------------------------------------------------

    def remember(self, bot: Bot) -> None:
        """Keep a bot that has left the house for what was taken for it before."""
        self._left[bot.name] = bot

    async def drained(self, within_s: float) -> None:
        """Wait for the calls under way at this moment, so long at most."""
        if self._calls:
            await asyncio.wait(tuple(self._calls), timeout=within_s)

    def _bot(self, name: str) -> Bot:
        return self._bots.get(name) or self._left[name]

    # --- the loop ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand out deliveries until stopped."""
        unlisten = self._wakeup.listen(SENDS, self._hear)
        try:
            while not self._is_stopping:
                await self._claim_or_wait()
        finally:
            unlisten()

    def _hear(self, bot: bytes) -> None:
        """Look again; a name says that this bot can be reached again."""
        if bot:
            self._connected.add(bot.decode())
        self._nudged.set()

    async def stop(self, within_s: float) -> None:
        """Start nothing new and wait for the calls under way."""
        self._is_stopping = True
        self._nudged.set()
        async with self._claiming:  # what is being handed out at this moment is ours to send
            calls = tuple(self._calls)
        if calls:
            await asyncio.wait(calls, timeout=within_s)
        late = (*self._calls, *self._typing)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _claim_or_wait(self) -> None:
        # Look first: that is cheaper than a claim, and mostly nothing waits.
        self._nudged.clear()
        try:
            await self._hurry()
            ready_at = await self._next_at()
            if ready_at is not None and ready_at <= self._clock() and await self._claim():
                return
        except TryLater as problem:
            log.warning("claim_postponed", problem=str(problem))
            ready_at = self._clock() + 1.0
        await self._nudged.wait(ready_at, IDLE_S)

    async def _claim(self) -> int:
        async with self._claiming:
            now = self._clock()
            if self._is_stopping or not self._lease.holds_at(now):
                return 0
            sends = await self._claim_sends(now)
            amends = await self._claim_amends(now)
            return sends + amends

    async def _hurry(self) -> None:
        """Let what waited only because its platform could not be reached be tried again now."""
        bots = tuple(name for name in self._connected if name in self._bots)
        if bots:
            await self._journal.hurry(bots, self._clock())
        self._connected -= {*bots}

    async def _claim_sends(self, now: float) -> int:
        budgets = self._budgets(lambda bot, room: self._pace.limit(bot.name, room))
        if not budgets:
            return 0
        claimed = await self._journal.claim_sends(self._lease.gateway, now, budgets)
        for delivery in claimed:
            self.send_now(delivery, None, None)
        return len(claimed)

    async def _claim_amends(self, now: float) -> int:
        budgets = self._budgets(lambda _, room: room)
        if not budgets:
            return 0
        claimed = await self._journal.claim_amends(self._lease.gateway, now, budgets)
        for amend in claimed:
            self._start(self._amend(amend))
        return len(claimed)

    def _budgets(self, limit: Callable[[Bot, int], int]) -> tuple[Budget, ...]:
        """Share the calls that may still begin between the bots that can send, in turns."""
        bots = [bot for bot in self._bots.values() if self._can_send(bot)]
        self._rounds += 1
        first = self._rounds % len(bots) if bots else 0
        bots = bots[first:] + bots[:first]
        room = self._sends_max - len(self._calls)
        share = min(CLAIM_MAX, max(1, room // max(1, len(bots))))
        budgets = []
        for bot in bots:
            if count := limit(bot, min(share, room)):
                budgets.append(Budget(bot.name, count, bot.capabilities))
                room -= count
        return tuple(budgets)

    @staticmethod
    def _can_send(bot: Bot) -> bool:
        """Sending may be tied to the process that holds the connection."""
        if bot.capabilities.sends_from is SendsFrom.ANY:
            return True
        return bot.channel.status.state is ConnectionState.CONNECTED

    async def _next_at(self) -> float | None:
        """When to look again: when a lane becomes ready, but not before there is budget for it."""
        now = self._clock()
        waits = [
            (bot.name, self._pace.wait_s(bot.name))
            for bot in self._bots.values()
            if self._can_send(bot)
        ]
        free = tuple(name for name, wait_s in waits if wait_s <= 0)
        if len(self._calls) >= self._sends_max:
            return None
        times = [now + wait_s for _, wait_s in waits if wait_s > 0]
        ready_at = await self._journal.next_send_at(now, free) if free else None
        return min((*times, ready_at) if ready_at is not None else times, default=None)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._nudged.set()
        if not task.cancelled() and (problem := task.exception()):
            log.error("delivery_left", problem=repr(problem))

    # --- one delivery ------------------------------------------------------------------------

    async def _deliver(
        self, claimed: ClaimedDelivery, slot: int | None, slot_body: bytes | None
    ) -> None:
        bot = self._bot(claimed.delivery.bot)
        try:
            ready = await self._encoded(bot, claimed)
            if ready is not None:  # else it was dropped meanwhile
                outcome = await self._perform(bot, ready, slot, slot_body)
                await self._settle(bot, ready, outcome)
        except FenceLost:
            log.warning("delivery_fence_lost", delivery=claimed.delivery.id)

    async def _encoded(self, bot: Bot, claimed: ClaimedDelivery) -> ClaimedDelivery | None:
        """Encode what was put without a body (notices), and store it before it leaves."""
        if claimed.next.step is not Step.NOTHING:
            return claimed
        body = performers.encode(bot, claimed)
        return await self._around.until_stored(
            lambda: self._journal.sending(
                claimed.claim, claimed.delivery.id, body, bot.capabilities, self._clock()
            )
        )

    async def _perform(
        self, bot: Bot, claimed: ClaimedDelivery, slot: int | None, slot_body: bytes | None
    ) -> Outcome:
        if not self._lease.holds_at(self._clock()):
            return performers.postponed(claimed)
        self._around.at("send:before")
        outcome: Outcome = NotSent("slot_closed")
        if slot is not None and slot_body is not None:
            outcome = await performers.fill_slot(self._around.slots, slot, slot_body)
        if isinstance(outcome, NotSent):
            outcome = await performers.deliver(bot, claimed)
        self._around.at("send:after")
        return outcome

    async def _settle(self, bot: Bot, claimed: ClaimedDelivery, outcome: Happening) -> None:
        if isinstance(outcome, NotSent) and outcome.is_limit:
            self._pace.hold(bot.name, outcome.retry_after_s or 1.0)
        ready_at = self._pace.chat_ready_at(bot.name)
        delivery, following = await self._around.until_stored(
            lambda: self._journal.settle(
                claimed.claim,
                claimed.delivery.id,
                outcome,
                bot.capabilities,
                self._clock(),
                ready_at,
            )
        )
        self._around.tally["deliveries_total", delivery.state] += 1
        self._around.drafts.tell(delivery)
        if following.step is Step.WITHDRAW or delivery.withdraw_wanted:
            self._wakeup.nudge(TURNS)  # a recall may be complete: its report is a control turn
        if delivery.state in (State.FAILED, State.DOUBTFUL):
            log.warning(
                "delivery_troubled",
                delivery=delivery.id,
                bot=delivery.bot,
                chat=delivery.chat,
                state=delivery.state,
                reason=delivery.reason,
            )

    async def _amend(self, claimed: ClaimedAmend) -> None:
        bot = self._bot(claimed.delivery.bot)
        try:
            outcome = await performers.amend(bot, claimed)
            self._around.at("amend:after")
            await self._around.until_stored(
                lambda: self._journal.settle_amend(
                    claimed.claim, claimed.id, outcome, bot.capabilities, self._clock()
                )
            )
        except FenceLost:
            log.warning("amend_fence_lost", amend=claimed.id)
        self._wakeup.nudge(TURNS)
