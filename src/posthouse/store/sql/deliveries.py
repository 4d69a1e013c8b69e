"""Handing out deliveries, and what becomes of them: the send lane of a chat."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    OPEN_STATES,
    Delivery,
    Happening,
    Next,
    RetryWanted,
    State,
    Step,
    Taken,
    Unknown,
    advance,
)
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import FenceLost
from posthouse.store.journal import Budget, Claim, ClaimedDelivery, Gateway
from posthouse.store.queries import load
from posthouse.store.sql import lanes, ledger, outputs, rows
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.outputs import Author
from posthouse.store.sql.rows import DELIVERY_COLUMNS, Entry

SQL = load("sqlite/deliveries.sql")

CRASHED = Unknown("crashed")


# --- handing out ----------------------------------------------------------------------------


def claim(
    database: Database, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
) -> tuple[ClaimedDelivery, ...]:
    claimed = []
    for budget in budgets:
        taken = lanes.take(database, SQL["claim"], gateway, now, budget.limit, bot=budget.bot)
        claimed += [_take(database, gateway, row, budget.capabilities, now) for row in taken]
    return tuple(delivery for delivery in claimed if delivery is not None)


def hurry(database: Database, bots: tuple[str, ...], now: float) -> None:
    for bot in bots:
        database.run(SQL["hurry"], bot=bot, now=now)


def next_at(database: Database, bots: tuple[str, ...]) -> float | None:
    found = [database.one(SQL["next_at"], bot=bot) for bot in bots]
    return min((row[0] for row in found if row is not None and row[0] is not None), default=None)


def _take(
    database: Database, gateway: Gateway, taken: Row, capabilities: Capabilities, now: float
) -> ClaimedDelivery | None:
    """Hand a head out, or settle what needs no hands."""
    lane, fence, current, _, _ = taken
    row = database.one(SQL["taken"], delivery=current)
    if row is None:
        database.run(SQL["recount"], lane=lane, now=now)
        return None
    was = rows.entry(row)
    if was.delivery.state not in OPEN_STATES:
        lanes.let_go(database, lane, now)  # dropped while a gateway held it that is gone
        return None
    claim = Claim(lane, fence, gateway.id, gateway.epoch)
    if was.delivery.state is State.SENDING:
        delivery, step = ledger.happen(database, was, CRASHED, capabilities, now)
        _lane_follows(database, lane, step, now, 0.0)
        return None
    if was.delivery.state is State.QUEUED and not was.delivery.body:
        _, step = advance(was.delivery, Taken(), capabilities, now)
        if step.step is Step.WRITE:
            return _claimed(database, claim, was, was.delivery, Next(Step.NOTHING), row)
    delivery, step = ledger.happen(database, was, Taken(), capabilities, now)
    if step.step in (Step.WRITE, Step.LOOK_UP):
        return _claimed(database, claim, was, delivery, step, row)
    _lane_follows(database, lane, step, now, 0.0)
    return None


def _claimed(
    database: Database, claim: Claim, was: Entry, delivery: Delivery, step: Next, row: Row
) -> ClaimedDelivery:
    return ClaimedDelivery(
        claim=claim,
        delivery=delivery,
        next=step,
        chat=rows.chat(row[DELIVERY_COLUMNS:]),
        content=rows.content(was.content),
        target_ids=ledger.target_ids(database, delivery),
    )


# --- on its way -----------------------------------------------------------------------------


def sending(
    database: Database,
    claim: Claim,
    delivery: int,
    body: bytes,
    capabilities: Capabilities,
    now: float,
) -> ClaimedDelivery | None:
    row = lanes.held_row(database, SQL["held_with_chat"], claim, delivery=delivery)
    if row is None:
        raise FenceLost
    was = rows.entry(row)
    if was.delivery.state is State.DROPPED:
        lanes.let_go(database, claim.lane, now)
        return None
    database.run(SQL["keep_body"], delivery=delivery, body=body)
    was.delivery = replace(was.delivery, body=body)
    sent, step = ledger.happen(database, was, Taken(), capabilities, now)
    if step.step is Step.WRITE:
        return _claimed(database, claim, was, sent, step, row)
    _lane_follows(database, claim.lane, step, now, 0.0)
    return None


def settle(  # noqa: PLR0913, PLR0917 - the protocol's own
    database: Database,
    claim: Claim,
    delivery: int,
    happening: Happening,
    capabilities: Capabilities,
    now: float,
    lane_ready_at: float,
) -> tuple[Delivery, Next]:
    row = lanes.held_row(database, SQL["held"], claim, delivery=delivery)
    if row is None:
        raise FenceLost
    settled, step = ledger.happen(database, rows.entry(row), happening, capabilities, now)
    _lane_follows(database, claim.lane, step, now, lane_ready_at)
    return settled, step


def _lane_follows(
    database: Database, lane: str, step: Next, now: float, not_before_at: float
) -> None:
    if step.step is Step.WAIT:
        lanes.row_waits(database, lane, step.at, not_before_at)
    else:
        lanes.row_goes_on(database, lane, now, not_before_at)


# --- from elsewhere -------------------------------------------------------------------------


def put_notice(
    database: Database, chat: int, new: NewDelivery, now: float, person: str
) -> int | None:
    author = Author(chat, outputs.bot_of(database, chat), person)
    number = outputs.insert(database, author, new, outputs.fresh(author, new, now), now)
    if number is not None:
        lanes.gain_send(database, chat, author.bot, now)
    return number


def retry(database: Database, delivery: int, capabilities: Capabilities, now: float) -> bool:
    was = ledger.entry(database, delivery)
    if was is None or was.delivery.state not in (State.FAILED, State.DOUBTFUL):
        return False
    queued, _ = ledger.happen(database, was, RetryWanted(), capabilities, now)
    lanes.gain_send(database, queued.chat, queued.bot, now)
    return True
