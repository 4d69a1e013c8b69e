"""The only place that writes the state of a delivery, and what hangs on a change of it.

A change may queue a withdrawal, let parked edits go, complete a recall. Lanes that hand out the
delivery itself are the caller's to move, except where a row is taken out of its queue.
"""

from __future__ import annotations

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    OPEN_STATES,
    Delivery,
    Happening,
    Kind,
    Next,
    Sent,
    State,
    Step,
    WithdrawWanted,
    advance,
)
from posthouse.model.turn import LaneKind
from posthouse.store.queries import load
from posthouse.store.sql import lanes, rows
from posthouse.store.sql.database import Database
from posthouse.store.sql.rows import Entry

SQL = load("sqlite/ledger.sql")

UNDECIDED = OPEN_STATES | {State.WITHDRAWING}  # a recall waits for the outcome
SHOWN = OPEN_STATES | {State.SENT}
NEVER_SENT = frozenset({State.DROPPED, State.FAILED})


def entry(database: Database, delivery: int) -> Entry | None:
    """Return a delivery by its number."""
    row = database.one(SQL["entry"], delivery=delivery)
    return None if row is None else rows.entry(row)


def happen(
    database: Database,
    was: Entry,
    happening: Happening,
    capabilities: Capabilities,
    now: float,
) -> tuple[Delivery, Next]:
    """Advance a delivery, write it, and do what hangs on the change."""
    if was.delivery.kind is Kind.SETTLE and isinstance(happening, Sent) and not happening.ids:
        happening = Sent(target_ids(database, was.delivery))
    delivery, step = advance(was.delivery, happening, capabilities, now)
    write(database, was, delivery, now)
    if delivery.kind is not was.delivery.kind:
        database.run(
            SQL["change_kind"], delivery=delivery.id, kind=delivery.kind, target=delivery.target
        )
    if delivery.state is not was.delivery.state:
        _follow(database, was, delivery, capabilities, now)
    if step.step is Step.WITHDRAW:
        _put_withdrawal(database, delivery, now)
    return delivery, step


def take_back(database: Database, was: Entry, capabilities: Capabilities, now: float) -> Delivery:
    """Somebody wants a delivery back: drop it, mark it, or queue its withdrawal."""
    delivery, _ = happen(database, was, WithdrawWanted(), capabilities, now)
    if delivery.state is State.DROPPED and was.delivery.state is State.QUEUED:
        lanes.row_lost(database, lanes.send_lane(delivery.chat), delivery.id, now)
    return delivery


def is_shown(database: Database, draft: int | None) -> bool:
    """Whether a draft is there, or will be: one that was taken back gets no last words."""
    was = None if draft is None else entry(database, draft)
    if was is None:
        return draft is None
    return was.delivery.state in SHOWN and not was.delivery.withdraw_wanted


def write(database: Database, was: Entry, delivery: Delivery, now: float) -> None:
    """Write a delivery that ``advance`` (or an operator's fresh start) has changed."""
    is_settled = delivery.state not in UNDECIDED and delivery.state is not was.delivery.state
    database.run(
        SQL["change"],
        id=delivery.id,
        state=delivery.state,
        attempts=delivery.attempts,
        queued_at=delivery.queued_at,
        first_sent_at=delivery.first_sent_at,
        unclear_since_at=delivery.unclear_since_at,
        unclear_calls=delivery.unclear_calls,
        is_repeated=delivery.is_repeated,
        may_be_duplicate=delivery.may_be_duplicate,
        withdraw_wanted=delivery.withdraw_wanted,
        platform_ids=rows.json(delivery.platform_ids) if delivery.platform_ids else "[]",
        reason=delivery.reason,
        settled_at=now if is_settled else was.settled_at,
    )


def join_recall(database: Database, recall: int | None, delivery: int) -> None:
    database.run(SQL["join_recall"], recall=recall, delivery=delivery)


def put_report(database: Database, recall: int, chat: int, now: float) -> None:
    """Let a control turn tell how a recall went."""
    lane = lanes.control_lane(chat)
    database.run(SQL["put_report"], lane=lane, chat=chat, session=str(recall), now=now)
    lanes.gain_turn(database, LaneKind.CONTROL, lane, chat, now)


def target_ids(database: Database, delivery: Delivery) -> tuple[str, ...]:
    """A draft and its final words are one message: they share its platform ids."""
    target = None if delivery.target is None else entry(database, delivery.target)
    return () if target is None else target.delivery.platform_ids


def _follow(
    database: Database, was: Entry, delivery: Delivery, capabilities: Capabilities, now: float
) -> None:
    if was.is_edit_parked and delivery.state not in OPEN_STATES:
        _decide_parked(database, delivery, now)
    if was.recall is not None and delivery.state not in UNDECIDED:
        _count_outcome(database, was.recall, delivery, now)
    if delivery.kind is Kind.SETTLE and delivery.state in NEVER_SENT and delivery.withdraw_wanted:
        _take_back_target(database, delivery, capabilities, now)


def _put_withdrawal(database: Database, delivery: Delivery, now: float) -> None:
    origin = f"withdraw:{delivery.id}"
    row = database.one(
        SQL["put_withdrawal"], chat=delivery.chat, delivery=delivery.id, origin=origin, now=now
    )
    if row is not None:
        lanes.gain_amend(database, delivery.chat, delivery.bot, now)


def _decide_parked(database: Database, delivery: Delivery, now: float) -> None:
    database.run(SQL["edits_parked"], is_parked=False, delivery=delivery.id)
    if delivery.state is State.SENT:
        count = database.count(SQL["unpark"], delivery=delivery.id)
        lanes.gain_amend(database, delivery.chat, delivery.bot, now, count)
    else:
        database.run(SQL["refuse_parked"], delivery=delivery.id, reason=delivery.reason, now=now)


def _count_outcome(database: Database, recall: int, delivery: Delivery, now: float) -> None:
    join_recall(database, None, delivery.id)
    row = database.one(
        SQL["count_outcome"],
        recall=recall,
        state=delivery.state,
        may_be_duplicate=delivery.may_be_duplicate,
        reason=delivery.reason,
    )
    if row is not None and row[0] == 0:
        put_report(database, recall, row[1], now)


def _take_back_target(
    database: Database, delivery: Delivery, capabilities: Capabilities, now: float
) -> None:
    """The final words never came, so the growing message itself is what must go."""
    target = None if delivery.target is None else entry(database, delivery.target)
    if target is not None and target.delivery.state is State.SENT:
        take_back(database, target, capabilities, now)
