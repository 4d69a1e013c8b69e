"""The journal: every verb of the protocol, in the order of the road.

Each write is an operation of a module beside this one, each read waits for no writer.
"""

from __future__ import annotations

import asyncio
from functools import partial

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, Happening, Next
from posthouse.model.disposition import NewDelivery
from posthouse.store.journal import (
    Arrival,
    Budget,
    Claim,
    ClaimedAmend,
    ClaimedDelivery,
    ClaimedTurn,
    Finished,
    Gateway,
    Once,
    Recall,
    RecallScope,
    Receipt,
    Result,
    Taker,
    Verdict,
    Wanted,
)
from posthouse.store.sql import (
    about,
    accept,
    amends,
    control,
    deliveries,
    gateways,
    history,
    turns,
)
from posthouse.store.sql.accept import Accepted
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.outputs import NewKey
from posthouse.store.sql.questions import Asking
from posthouse.store.sql.reading import Reading


class SqlJournal:
    """``Journal`` on a SQL database; ``asking`` as in ``SqlQuestions``."""

    def __init__(
        self, committer: Committer, reading: Reading, asking: Asking | None, new_key: NewKey
    ) -> None:
        self._commit = committer.commit
        self._reading = reading
        self._asking = asking
        self._new_key = new_key

    # --- who we are ---------------------------------------------------------------------

    async def enter(self, name: str, now: float, lease_s: float) -> Gateway:
        return await self._commit(
            "gateway",
            (f"gateway {name}", about.ask("of_gateway", name=name)),
            gateways.enter,
            name,
            now,
            lease_s,
        )

    async def renew(self, gateway: Gateway, now: float, lease_s: float) -> bool:
        return await self._commit("gateway", about.NOTHING, gateways.renew, gateway, now, lease_s)

    async def free(self, now: float) -> int:
        return await self._commit(
            "gateway", (about.ask("of_overdue", now=now),), gateways.free, now
        )

    async def hold(self, gateway: Gateway, bots: tuple[str, ...], now: float) -> frozenset[str]:
        return await self._commit("gateway", about.HOLDERS, gateways.hold, gateway, bots, now)

    async def bound_waits(self, now: float, wait_s: float) -> None:
        await self._commit("gateway", about.NOTHING, gateways.bound_waits, now, wait_s)

    # --- in -----------------------------------------------------------------------------

    async def accept(
        self, arrivals: tuple[Arrival, ...], now: float, taker: Taker | None = None
    ) -> tuple[Receipt, ...]:
        room = 0 if taker is None else taker.reserve(len(arrivals))
        writing = asyncio.ensure_future(self._accept(arrivals, now, taker, room))
        if taker is not None:
            writing.add_done_callback(partial(_hand_over, taker, room))
        receipts, _ = await asyncio.shield(writing)
        return receipts

    async def _accept(
        self, arrivals: tuple[Arrival, ...], now: float, taker: Taker | None, room: int
    ) -> Accepted:
        chats = tuple({arrival.chat for arrival in arrivals})
        gateway = taker.gateway if taker is not None and room else None
        return await self._commit(
            "accept", chats, accept.accept, arrivals, now, self._new_key, gateway, room
        )

    # --- turns --------------------------------------------------------------------------

    async def claim_turns(
        self, gateway: Gateway, now: float, limit: int
    ) -> tuple[ClaimedTurn, ...]:
        return await self._commit("claim", about.NOTHING, turns.claim, gateway, now, limit)

    async def next_turn_at(self, now: float) -> float | None:  # noqa: ARG002 - the protocol's
        return await self._reading.ask(turns.next_at)

    async def start(self, claim: Claim, turn: int, now: float) -> bool:
        return await self._commit("start", about.claim(claim), turns.start, claim, turn, now)

    async def put(
        self, claim: Claim, turn: int, deliveries: tuple[NewDelivery, ...], now: float
    ) -> tuple[int, ...]:
        return await self._commit(
            "put", about.claim(claim), turns.put, claim, turn, deliveries, now
        )

    async def finish(
        self,
        claim: Claim,
        turn: int,
        result: Result,
        capabilities: Capabilities,
        now: float,
        *,
        is_first_sent: bool,
    ) -> Finished:
        try:
            return await self._commit(
                "finish",
                about.claim(claim),
                turns.finish,
                claim,
                turn,
                result,
                capabilities,
                now,
                is_first_sent=is_first_sent,
            )
        finally:
            if self._asking:
                self._asking.add(result.questions)

    async def retry(self, claim: Claim, turn: int, at: float, reason: str) -> Verdict:
        return await self._commit("retry", about.claim(claim), turns.retry, claim, turn, at, reason)

    async def wanted(self, turn: int) -> Wanted:
        return await self._reading.ask(turns.wanted, turn)

    async def once_begin(self, claim: Claim, turn: int, name: str) -> Once:
        return await self._commit("once", about.claim(claim), turns.once_begin, claim, turn, name)

    async def once_end(self, claim: Claim, turn: int, name: str, result: str) -> None:
        await self._commit("once", about.claim(claim), turns.once_end, claim, turn, name, result)

    async def revive(self, turn: int, now: float) -> bool:
        return await self._commit(
            "retry", (about.ask("of_turn", turn=turn),), turns.revive, turn, now
        )

    # --- control ------------------------------------------------------------------------

    async def recall(self, scope: RecallScope, capabilities: Capabilities, now: float) -> Recall:
        return await self._commit("recall", (scope.chat,), control.recall, scope, capabilities, now)

    async def recall_message(
        self, chat: int, message_key: str, capabilities: Capabilities, now: float
    ) -> tuple[int, ...]:
        return await self._commit(
            "recall", (chat,), control.recall_message, chat, message_key, capabilities, now
        )

    async def take_back(
        self, deliveries: tuple[int, ...], capabilities: Capabilities, now: float
    ) -> tuple[Delivery, ...]:
        return await self._commit(
            "recall", about.deliveries(deliveries), control.take_back, deliveries, capabilities, now
        )

    async def recall_state(self, recall: int) -> Recall | None:
        return await self._reading.ask(control.recall_state, recall)

    async def stop_session(
        self,
        chat: int,
        session: str,
        now: float,
        before: int | None = None,
    ) -> tuple[int, ...]:
        return await self._commit("stop", (chat,), control.stop_session, session, now, before)

    async def stop_turn(self, chat: int, turn: int, now: float) -> bool:
        return await self._commit("stop", (chat,), control.stop_turn, chat, turn, now)

    async def running_turns(self, chat: int) -> tuple[int, ...]:
        return await self._reading.ask(control.running_turns, chat)

    async def forget_before(self, session: str, event: int, now: float) -> tuple[int, ...]:
        return await self._commit(
            "stop", about.session(session), control.forget_before, session, event, now
        )

    # --- out ----------------------------------------------------------------------------

    async def claim_sends(
        self, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
    ) -> tuple[ClaimedDelivery, ...]:
        return await self._commit(
            "claim-send", about.NOTHING, deliveries.claim, gateway, now, budgets
        )

    async def claim_amends(
        self, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
    ) -> tuple[ClaimedAmend, ...]:
        return await self._commit("claim-amend", about.NOTHING, amends.claim, gateway, now, budgets)

    async def hurry(self, bots: tuple[str, ...], now: float) -> None:
        await self._commit("retry", about.NOTHING, deliveries.hurry, bots, now)

    async def next_send_at(
        self,
        now: float,  # noqa: ARG002 - the protocol's
        bots: tuple[str, ...],
    ) -> float | None:
        return await self._reading.ask(deliveries.next_at, bots)

    async def sending(
        self, claim: Claim, delivery: int, body: bytes, capabilities: Capabilities, now: float
    ) -> ClaimedDelivery | None:
        return await self._commit(
            "sending",
            about.claim(claim),
            deliveries.sending,
            claim,
            delivery,
            body,
            capabilities,
            now,
        )

    async def settle(
        self,
        claim: Claim,
        delivery: int,
        happening: Happening,
        capabilities: Capabilities,
        now: float,
        lane_ready_at: float,
    ) -> tuple[Delivery, Next]:
        return await self._commit(
            "settle",
            about.claim(claim),
            deliveries.settle,
            claim,
            delivery,
            happening,
            capabilities,
            now,
            lane_ready_at,
        )

    async def settle_amend(
        self, claim: Claim, amend: int, happening: Happening, capabilities: Capabilities, now: float
    ) -> Delivery:
        return await self._commit(
            "amend", about.claim(claim), amends.settle, claim, amend, happening, capabilities, now
        )

    async def put_notice(
        self, chat: int, delivery: NewDelivery, now: float, person: str = ""
    ) -> int | None:
        return await self._commit(
            "notice", (chat,), deliveries.put_notice, chat, delivery, now, person
        )

    async def retry_delivery(self, delivery: int, capabilities: Capabilities, now: float) -> bool:
        return await self._commit(
            "decide", about.deliveries((delivery,)), deliveries.retry, delivery, capabilities, now
        )

    # --- looking back -------------------------------------------------------------------

    async def answers(self, turn: int) -> tuple[Delivery, ...]:
        return await self._reading.ask(history.answers, turn)

    async def history(
        self, session: str, characters_max: int, since_at: float = 0.0
    ) -> tuple[tuple[str, str], ...]:
        return await self._reading.ask(history.history, session, characters_max, since_at)


def _hand_over(taker: Taker, room: int, writing: asyncio.Future[Accepted]) -> None:
    """Give a taker its turns, whether or not the one who brought them still waits."""
    has_failed = writing.cancelled() or writing.exception() is not None
    taker.take(() if has_failed else writing.result()[1], room)
