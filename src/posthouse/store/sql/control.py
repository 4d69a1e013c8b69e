"""Taking back, stopping, forgetting: what control turns do to the rest of their chat."""

from __future__ import annotations

from msgspec import Struct

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, State
from posthouse.model.turn import TurnState
from posthouse.store.journal import RECALLED_DELIVERIES_MAX, Recall, RecallScope, Wanted
from posthouse.store.queries import load
from posthouse.store.sql import lanes, ledger, rows, turns
from posthouse.store.sql.database import Database, Row

SQL = load("sqlite/control.sql")

KEPT_REASONS_MAX = 20


class Tally(Struct):
    """What a recall did at once, and what it waits for."""

    dropped: int = 0
    pending: int = 0
    kept: int = 0
    doubtful: int = 0
    kept_reasons: tuple[str, ...] = ()

    def count(self, delivery: Delivery) -> None:
        if delivery.state in ledger.UNDECIDED:
            self.pending += 1
        elif delivery.state is State.DROPPED:
            self.dropped += 1
        elif delivery.state is State.DOUBTFUL:
            self.doubtful += 1
        elif delivery.state is State.KEPT:
            self.kept += 1
            if delivery.reason not in self.kept_reasons[:KEPT_REASONS_MAX]:
                self.kept_reasons = (*self.kept_reasons, delivery.reason)[:KEPT_REASONS_MAX]


# --- recall of what was said ------------------------------------------------------------------


def recall(
    database: Database, scope: RecallScope, capabilities: Capabilities, now: float
) -> Recall:
    asked_before = database.one(SQL["recall_of"], turn=scope.turn)
    if asked_before is not None:
        return _recall(asked_before)
    row = database.one(SQL["put_recall"], chat=scope.chat, turn=scope.turn, now=now)
    assert row is not None
    number = int(row[0])
    tally = _take_back_all(database, number, scope, capabilities, now)
    database.run(
        SQL["begin_recall"],
        recall=number,
        dropped=tally.dropped,
        cancelled=_cancel_running(database, scope),
        pending=tally.pending,
        kept=tally.kept,
        doubtful=tally.doubtful,
        kept_reasons=rows.json(tally.kept_reasons),
    )
    if not tally.pending:
        ledger.put_report(database, number, scope.chat, now)
    begun = recall_state(database, number)
    assert begun is not None
    return begun


def recall_state(database: Database, recall: int) -> Recall | None:
    row = database.one(SQL["recall"], recall=recall)
    return None if row is None else _recall(row)


def _recall(row: Row) -> Recall:
    number, chat, dropped, cancelled, pending, withdrawn, kept, doubtful, kept_reasons = row
    return Recall(
        id=number,
        chat=chat,
        dropped=dropped,
        cancelled=cancelled,
        pending=pending,
        withdrawn=withdrawn,
        kept=kept,
        doubtful=doubtful,
        kept_reasons=rows.words(kept_reasons),
    )


def take_back(
    database: Database, deliveries: tuple[int, ...], capabilities: Capabilities, now: float
) -> tuple[Delivery, ...]:
    entries = (ledger.entry(database, number) for number in deliveries)
    return tuple(
        ledger.take_back(database, was, capabilities, now) for was in entries if was is not None
    )


def _take_back_all(
    database: Database, recall: int, scope: RecallScope, capabilities: Capabilities, now: float
) -> Tally:
    tally = Tally()
    found = database.all(
        SQL["in_scope"],
        chat=scope.chat,
        person=scope.person,
        since_at=scope.since_at,
        limit=RECALLED_DELIVERIES_MAX,
    )
    for row in found:
        delivery = ledger.take_back(database, rows.entry(row), capabilities, now)
        tally.count(delivery)
        if delivery.state in ledger.UNDECIDED:
            ledger.join_recall(database, recall, delivery.id)
    return tally


def _cancel_running(database: Database, scope: RecallScope) -> int:
    running = [
        turn
        for turn, person in database.all(SQL["running"], chat=scope.chat)
        if scope.person is None or person == scope.person
    ]
    for turn in running:
        _want(database, turn, Wanted.CANCEL, "recalled")
    return len(running)


# --- a person takes a message back ----------------------------------------------------------


def recall_message(
    database: Database, chat: int, message_key: str, capabilities: Capabilities, now: float
) -> tuple[int, ...]:
    message_id = _message_id(database, chat, message_key)
    stopped = []
    for event, turn, lane, state, is_running in (
        database.all(SQL["words_of"], chat=chat, message_id=message_id) if message_id else ()
    ):
        database.run(SQL["take_words"], event=event)
        if turn is None:
            continue
        if is_running:
            _stop_without(database, turn)
            stopped.append(int(turn))
        elif state == TurnState.WAITING:
            _wait_without(database, turn, lane, now)
        if database.one(SQL["covers_others"], turn=turn) is None:
            _withdraw_answers(database, turn, capabilities, now)
    return tuple(dict.fromkeys(stopped))


def _message_id(database: Database, chat: int, message_key: str) -> str:
    """Find a message by its key, or by what the key says once that is forgotten."""
    row = database.one(SQL["chat"], chat=chat)
    if row is None:
        return ""
    bot, platform_id = row
    first = database.one(SQL["first_of_key"], bot=bot, key=message_key)
    found = first and database.one(SQL["message_id"], event=first[0])
    if found:
        return str(found[0])
    prefix = f"m:{platform_id}:"
    return message_key.removeprefix(prefix) if message_key.startswith(prefix) else ""


def _stop_without(database: Database, turn: int) -> None:
    row = database.one(SQL["parts_left"], turn=turn)
    wanted = Wanted.RERUN if row is not None and row[0] else Wanted.CANCEL
    _want(database, turn, wanted, "recalled")


def _wait_without(database: Database, turn: int, lane: str, now: float) -> None:
    row = database.one(SQL["parts_left"], turn=turn)
    if row is not None and row[0]:
        database.run(SQL["one_less"], turn=turn)
        lanes.turn_changed(database, lane)
    else:
        turns.cancel_waiting(database, turn, lane, "recalled", now)


def _withdraw_answers(
    database: Database, turn: int, capabilities: Capabilities, now: float
) -> None:
    answers = [rows.entry(row) for row in database.all(SQL["answers"], origin=f"turn:{turn}")]
    settled = {entry.delivery.target for entry in answers if _is_said(entry.delivery)}
    for entry in answers:
        if entry.delivery.id not in settled:  # its final words are the same message
            ledger.take_back(database, entry, capabilities, now)


def _is_said(delivery: Delivery) -> bool:
    return delivery.state not in ledger.NEVER_SENT and delivery.state is not State.QUEUED


# --- stop, and forget -----------------------------------------------------------------------


def stop_session(
    database: Database, session: str, now: float, before: int | None
) -> tuple[int, ...]:
    lane = lanes.turn_lane(session)
    running = [(turn, True) for (turn,) in database.all(SQL["running_in"], lane=lane)]
    found = running + database.all(SQL["waiting_in"], lane=lane, before=before)
    for turn, is_begun in found:
        _stop(database, turn, lane, now, is_begun=bool(is_begun))
    return tuple(int(turn) for turn, _ in found)


def stop_turn(database: Database, chat: int, turn: int, now: float) -> bool:
    row = database.one(SQL["unfinished"], chat=chat, turn=turn)
    if row is None:
        return False
    lane, is_begun = row
    _stop(database, turn, lane, now, is_begun=bool(is_begun))
    return True


def _stop(database: Database, turn: int, lane: str, now: float, *, is_begun: bool) -> None:
    """Let a turn end; one that has begun to speak has to say so itself."""
    if is_begun:
        _want(database, turn, Wanted.CANCEL, "stopped")
    else:
        turns.cancel_waiting(database, turn, lane, "stopped", now)


def running_turns(database: Database, chat: int) -> tuple[int, ...]:
    return tuple(int(turn) for turn, _ in database.all(SQL["running"], chat=chat))


def forget_before(database: Database, session: str, event: int, now: float) -> tuple[int, ...]:
    database.run(SQL["forget"], session=session, event=event, now=now)
    lane = lanes.turn_lane(session)
    running = tuple(int(turn) for (turn,) in database.all(SQL["running_anew"], lane=lane))
    for turn in running:
        _want(database, turn, Wanted.CANCEL, "stopped")
    return running


def _want(database: Database, turn: int, wanted: Wanted, reason: str) -> None:
    database.run(SQL["want"], turn=turn, wanted=wanted, reason=reason)
