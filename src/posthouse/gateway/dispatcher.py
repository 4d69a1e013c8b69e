"""Takes turns from their lanes and has them run, side by side up to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.door import Door
from posthouse.gateway.nudged import Nudged
from posthouse.gateway.surroundings import Surroundings
from posthouse.gateway.turn_run import STOPPING, TurnRun
from posthouse.handlers.handler import Handler
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import back_off_s
from posthouse.model.errors import FenceLost, TryLater
from posthouse.model.turn import TurnState
from posthouse.store.journal import ClaimedTurn, Gateway, Result
from posthouse.wakeup.wakeup import CANCELS, SLOTS, TURNS

CLAIM_MAX = 64  # turns in one write
BOT_AGAIN_S = 60.0  # how often a turn of a bot that is gone is looked at
GIVE_BACK_WITHIN_S = 1.0  # when the house stops: for writing down which turns did not end
LEFT_MAX = 3  # a turn that raises outside its handler is run so often
IDLE_S = 15.0  # look at least this often: a nudge may be lost

log = structlog.get_logger("posthouse.dispatcher")


class Dispatcher:
    """One loop: claim, run, finish."""

    def __init__(
        self,
        around: Surroundings,
        handlers: Mapping[str, Handler],
        deliverer: Deliverer,
        door: Door,
        turns_max: int,
    ) -> None:
        self._around = around
        self._handlers = handlers
        self._deliverer = deliverer
        self._door = door
        self._lease = around.lease
        self._turns_max = turns_max
        self._running: dict[int, asyncio.Task[None]] = {}
        self._reserved = 0  # for turns that are being accepted
        self._is_full = False  # the loop found no room: whoever gives some back tells it
        self._nudged = Nudged(around.clock)
        self._claiming = asyncio.Lock()
        self._is_stopping = False

    def __repr__(self) -> str:
        return f"<Dispatcher running {len(self._running)} of {self._turns_max}>"

    @property
    def running(self) -> int:
        """How many turns are being run."""
        return len(self._running)

    # --- what is handed out as it is accepted ----------------------------------------------

    @property
    def gateway(self) -> Gateway:
        """Who runs turns here."""
        return self._lease.gateway

    def reserve(self, count: int) -> int:
        """Keep room for so many turns at most; returns how many there is room for."""
        is_closed = self._is_stopping or not self._lease.holds_at(self._around.clock())
        room = 0 if is_closed else max(0, min(count, self._free))
        self._reserved += room
        return room

    def take(self, claimed: tuple[ClaimedTurn, ...], reserved: int) -> None:
        """Begin these, and give the rest of the reserved room back."""
        self._reserved -= reserved
        for turn in claimed:
            self._start(turn)
        if self._is_full:
            self._nudged.set()

    @property
    def _free(self) -> int:
        return self._turns_max - len(self._running) - self._reserved

    # --- the loop ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand out turns until cancelled."""
        wakeup = self._around.wakeup
        unlisten = (
            wakeup.listen(TURNS, lambda _: self._nudged.set()),
            wakeup.listen(CANCELS, self._cancel),
            wakeup.listen(SLOTS, self._release),
        )
        try:
            while not self._is_stopping:
                await self._claim_or_wait()
        finally:
            for stop in unlisten:
                stop()

    async def drained(self, within_s: float) -> None:
        """Wait for the turns that are being run at this moment, so long at most."""
        if self._running:
            await asyncio.wait(tuple(self._running.values()), timeout=within_s)

    async def stop(self, within_s: float) -> None:
        """Take no more turns; wait for the running ones, then give them back to their lanes."""
        self._is_stopping = True
        self._nudged.set()
        async with self._claiming:  # what is being handed out at this moment is ours to run
            running = tuple(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=within_s)
            for task in late:
                task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running.values()), timeout=GIVE_BACK_WITHIN_S)

    async def _claim_or_wait(self) -> None:
        # Look first: that is cheaper than a claim, and often nothing waits.
        self._nudged.clear()
        now, ready_at = self._around.clock(), None
        try:
            self._is_full = self._free <= 0
            if not self._is_full:
                ready_at = await self._around.journal.next_turn_at(now)
            if ready_at is not None and ready_at <= now and await self._claim():
                return
        except TryLater as problem:
            log.warning("claim_postponed", problem=str(problem))
            ready_at = self._around.clock() + 1.0
        await self._nudged.wait(ready_at, IDLE_S)

    async def _claim(self) -> int:
        async with self._claiming:
            free = min(CLAIM_MAX, self._free)
            now = self._around.clock()
            self._is_full = free <= 0
            if self._is_full or self._is_stopping or not self._lease.holds_at(now):
                return 0
            claimed = await self._around.journal.claim_turns(self._lease.gateway, now, free)
            for turn in claimed:
                self._start(turn)
            return len(claimed)

    def _start(self, claimed: ClaimedTurn) -> None:
        turn = claimed.turn
        task = asyncio.create_task(self._run_turn(claimed), name=f"turn {turn.id}")
        self._running[turn.id] = task

    async def _run_turn(self, claimed: ClaimedTurn) -> None:
        turn, around, run = claimed.turn, self._around, None
        try:
            bot = around.bots.get(turn.chat.bot)
            if self._is_stopping:  # it was accepted at the last moment
                await self._keep_waiting(claimed, 0.0)
                return
            if bot is None:  # removed from the settings while the turn waited
                await self._keep_waiting(claimed, BOT_AGAIN_S)
                return
            handler = self._handlers.get(turn.handler)
            run = TurnRun(around, self._deliverer, claimed, bot, handler, self._door)
            await run.run()
        except Exception:
            log.exception("turn_left", turn=turn.id)
            await self._let_go(claimed)
        finally:
            self._running.pop(turn.id, None)
            if self._is_full or run is None or run.has_followers:
                self._nudged.set()

    async def _let_go(self, claimed: ClaimedTurn) -> None:
        """Give a turn that could not even fail properly back, or bury it: its session goes on."""
        around, turn = self._around, claimed.turn
        journal, claim = around.journal, claimed.claim
        bot = around.bots.get(turn.chat.bot)
        can = bot.capabilities if bot is not None else Capabilities()
        buried = Result(state=TurnState.BURIED, reason="buried")
        try:
            if turn.attempt < LEFT_MAX:
                at = around.clock() + back_off_s(turn.attempt)
                await around.until_stored(lambda: journal.retry(claim, turn.id, at, "again"))
            else:
                await around.until_stored(
                    lambda: journal.finish(
                        claim, turn.id, buried, can, around.clock(), is_first_sent=False
                    )
                )
        except Exception:  # the lane stays ours; the next epoch frees it
            log.exception("turn_stuck", turn=turn.id)

    async def _keep_waiting(self, claimed: ClaimedTurn, wait_s: float) -> None:
        """Let a turn wait for its bot, or for the next start; that is no failed attempt."""
        around = self._around
        with suppress(FenceLost):
            await around.until_stored(
                lambda: around.journal.retry(
                    claimed.claim, claimed.turn.id, around.clock() + wait_s, STOPPING
                )
            )

    def _cancel(self, payload: bytes) -> None:
        task = self._running.get(int(payload))
        if task is not None:
            # Not before its first step: a task that never began would not give its lane back.
            asyncio.get_running_loop().call_soon(task.cancel)

    def _release(self, payload: bytes) -> None:
        """Another gateway has run the turn whose answer a response here waits for."""
        self._around.slots.release(int(payload))
