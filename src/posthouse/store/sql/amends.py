"""Edits and withdrawals of what was sent: the amend lane of a chat."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    ATTEMPTS_MAX,
    OPEN_STATES,
    Delivery,
    Happening,
    NotSent,
    Sent,
    State,
    back_off_s,
)
from posthouse.model.errors import FenceLost
from posthouse.store.journal import AmendKind, Budget, Claim, ClaimedAmend, Gateway, NewAmend
from posthouse.store.queries import load
from posthouse.store.sql import lanes, ledger, rows
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.outputs import Author
from posthouse.store.sql.rows import DELIVERY_COLUMNS

SQL = load("sqlite/amends.sql")

QUEUED, PARKED, DONE, REFUSED = "queued", "parked", "done", "refused"
VISIBLE = frozenset({State.SENT, State.KEPT})  # there is a message whose words can change


# --- putting --------------------------------------------------------------------------------


def put(database: Database, author: Author, amends: tuple[NewAmend, ...], now: float) -> None:
    """Let deliveries of the author's chat get other words, each as its state allows."""
    for new in amends:
        was = ledger.entry(database, new.delivery)
        if was is not None and was.delivery.chat == author.chat:
            _put(database, was.delivery, new, now)


def _put(database: Database, delivery: Delivery, new: NewAmend, now: float) -> None:
    if delivery.state in VISIBLE:
        if _insert(database, delivery, new, QUEUED, now):
            lanes.gain_amend(database, delivery.chat, delivery.bot, now)
    elif delivery.state is State.QUEUED and not _is_in_hand(database, delivery):
        if _insert(database, delivery, new, DONE, now):  # not said yet: say the new words
            _rewrite(database, delivery, rows.json(new.content), new.body)
    elif delivery.state in OPEN_STATES and _insert(database, delivery, new, PARKED, now):
        database.run(ledger.SQL["edits_parked"], is_parked=True, delivery=delivery.id)


def _insert(database: Database, delivery: Delivery, new: NewAmend, state: str, now: float) -> bool:
    row = database.one(
        SQL["put"],
        chat=delivery.chat,
        delivery=delivery.id,
        state=state,
        origin=new.origin,
        ordinal=new.ordinal,
        content=rows.json(new.content),
        body=new.body,
        now=now,
    )
    return row is not None


def _is_in_hand(database: Database, delivery: Delivery) -> bool:
    lane = lanes.send_lane(delivery.chat)
    return database.one(SQL["is_in_hand"], lane=lane, delivery=delivery.id) is not None


def _rewrite(database: Database, delivery: Delivery, content: str, body: bytes) -> None:
    database.run(SQL["rewrite"], delivery=delivery.id, content=content, body=body)


# --- handing out ----------------------------------------------------------------------------


def claim(
    database: Database, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
) -> tuple[ClaimedAmend, ...]:
    claimed = []
    for budget in budgets:
        taken = lanes.take(database, SQL["claim"], gateway, now, budget.limit, bot=budget.bot)
        claimed += [_take(database, gateway, row, now) for row in taken]
    return tuple(amend for amend in claimed if amend is not None)


def _take(database: Database, gateway: Gateway, taken: Row, now: float) -> ClaimedAmend | None:
    lane, fence, current, tries, _ = taken
    row = database.one(SQL["taken"], amend=current)
    if row is None:
        database.run(SQL["recount"], lane=lane, now=now)
        return None
    kind, body = AmendKind(row[0]), row[1]
    delivery = rows.delivery(row[2:])
    if not _is_due(kind, delivery):
        _close(database, lane, current, REFUSED, delivery.reason, now)
        return None
    return ClaimedAmend(
        claim=Claim(lane, fence, gateway.id, gateway.epoch),
        id=current,
        kind=kind,
        delivery=delivery,
        chat=rows.chat(row[2 + DELIVERY_COLUMNS :]),
        body=body,
        tries=tries,
    )


def _is_due(kind: AmendKind, delivery: Delivery) -> bool:
    """Say whether there is still something to do: an edit of a withdrawn message is not."""
    if kind is AmendKind.RECALL:
        return delivery.state is State.WITHDRAWING
    return delivery.state in VISIBLE


# --- outcomes -------------------------------------------------------------------------------


def settle(
    database: Database,
    claim: Claim,
    amend: int,
    happening: Happening,
    capabilities: Capabilities,
    now: float,
) -> Delivery:
    row = lanes.held_row(database, SQL["held"], claim, amend=amend)
    if row is None:
        raise FenceLost
    kind, content, body, tries, not_before_at = row[:5]
    was = rows.entry(row[5:])
    if AmendKind(kind) is AmendKind.EDIT:
        state, wait_s = _outcome_of_edit(happening, tries)
        reason = getattr(happening, "reason", "")
        delivery = was.delivery
        if state == DONE:
            _rewrite(database, delivery, content, body)
            delivery = replace(delivery, body=body)
    else:
        delivery, step = ledger.happen(database, was, happening, capabilities, now)
        state, wait_s = _outcome_of_withdrawal(delivery), step.at - now
        reason = delivery.reason
    if state == QUEUED:
        lanes.row_waits(database, claim.lane, now + wait_s, not_before_at)
    else:
        _close(database, claim.lane, amend, state, reason, now)
    return delivery


def _outcome_of_edit(happening: Happening, tries: int) -> tuple[str, float]:
    """Return what an edit becomes, and how long it waits when it is tried again."""
    if isinstance(happening, Sent):
        return DONE, 0.0
    refusal = happening if isinstance(happening, NotSent) else NotSent("unclear")
    is_too_often = tries >= ATTEMPTS_MAX and not refusal.is_limit
    if refusal.is_final or is_too_often:
        return REFUSED, 0.0
    return QUEUED, max(back_off_s(tries), refusal.retry_after_s or 0.0)


def _outcome_of_withdrawal(delivery: Delivery) -> str:
    if delivery.state is State.WITHDRAWING:
        return QUEUED
    return DONE if delivery.state is State.WITHDRAWN else REFUSED


def _close(database: Database, lane: str, amend: int, state: str, reason: str, now: float) -> None:
    database.run(SQL["settle"], amend=amend, state=state, reason=reason, now=now)
    lanes.row_goes_on(database, lane, now, now)
