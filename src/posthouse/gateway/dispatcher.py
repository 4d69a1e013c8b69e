"""Takes turns from their lanes and has them run, side by side up to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.nudged import Nudged
from posthouse.gateway.surroundings import Surroundings
from posthouse.gateway.turn_run import TurnRun
from posthouse.handlers.handler import Handler
from posthouse.model.errors import TryLater
from posthouse.store.journal import ClaimedTurn
from posthouse.wakeup.wakeup import CANCELS, TURNS

CLAIM_MAX = 64  # turns in one write
IDLE_S = 15.0  # look at least this often: a nudge may be lost

log = structlog.get_logger("posthouse.dispatcher")


class Dispatcher:
    """One loop: claim, run, finish."""

    def __init__(
        self,
        around: Surroundings,
        handlers: Mapping[str, Handler],
        deliverer: Deliverer,
        turns_max: int,
    ) -> None:
        self._around = around
        self._handlers = handlers
        self._deliverer = deliverer
        self._lease = around.lease
        self._turns_max = turns_max
        self._running: dict[int, asyncio.Task[None]] = {}
        self._nudged = Nudged(around.clock)
        self._is_stopping = False

    def __repr__(self) -> str:
        return f"<Dispatcher running {len(self._running)} of {self._turns_max}>"

    @property
    def running(self) -> int:
        """How many turns are being run."""
        return len(self._running)

    async def run(self) -> None:
        """Hand out turns until cancelled."""
        wakeup = self._around.wakeup
        unlisten = (
            wakeup.listen(TURNS, lambda _: self._nudged.set()),
            wakeup.listen(CANCELS, self._cancel),
        )
        try:
            while not self._is_stopping:
                await self._claim_or_wait()
        finally:
            for stop in unlisten:
                stop()

    async def stop(self, within_s: float) -> None:
        """Take no more turns; wait for the running ones, then give them back to their lanes."""
        self._is_stopping = True
        self._nudged.set()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=within_s)
        for task in tuple(self._running.values()):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())

    async def _claim_or_wait(self) -> None:
        self._nudged.clear()
        try:
            claimed = await self._claim()
            if claimed:
                return
            ready_at = None
            if len(self._running) < self._turns_max:
                ready_at = await self._around.journal.next_turn_at(self._around.clock())
        except TryLater as problem:
            log.warning("claim_postponed", problem=str(problem))
            ready_at = self._around.clock() + 1.0
        await self._nudged.wait(ready_at, IDLE_S)

    async def _claim(self) -> int:
        free = min(CLAIM_MAX, self._turns_max - len(self._running))
        now = self._around.clock()
        if free <= 0 or not self._lease.holds_at(now):
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
        turn, around = claimed.turn, self._around
        try:
            bot = around.bots.get(turn.chat.bot)
            if bot is None:  # removed from the settings while the turn waited
                later = around.clock() + 60.0
                await around.journal.retry(claimed.claim, turn.id, later, "not_connected")
                return
            handler = self._handlers.get(turn.handler)
            await TurnRun(around, self._deliverer, claimed, bot, handler).run()
        except Exception:  # the lane stays ours; the next epoch frees it
            log.exception("turn_left", turn=turn.id)
        finally:
            self._running.pop(turn.id, None)
            self._nudged.set()

    def _cancel(self, payload: bytes) -> None:
        task = self._running.get(int(payload))
        if task is not None:
            task.cancel()
