"""Writing arrivals into the book: known before, joining a turn, a turn of its own, or neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.disposition import Claimant, Disposition, Notice
from posthouse.model.event import Event, MessageEdited, MessageReceived, recall_key
from posthouse.model.message import plain_text
from posthouse.model.turn import (
    Answer,
    EventState,
    LaneKind,
    OnEdit,
    StoredEvent,
    Turn,
    TurnState,
)
from posthouse.store.journal import (
    BURST_EVENTS_MAX,
    BURST_MAX_S,
    Arrival,
    ClaimedTurn,
    Gateway,
    Receipt,
)
from posthouse.store.queries import load
from posthouse.store.sql import lanes, outputs, rows, turns
from posthouse.store.sql.database import Database
from posthouse.store.sql.outputs import Author, NewKey

SQL = load("sqlite/accept.sql")

AWAY = "away"  # the handler that says one line about everything that came too late
AWAY_EVENTS_MAX = 500


class Fate(Struct, frozen=True):
    """What becomes of an event."""

    state: EventState
    reason: str = ""
    turn: int | None = None
    is_part: bool = False  # the turn is given it
    notice: Notice | None = None  # beside the disposition's own
    is_alone: bool = False  # the turn is new, and this is all there is to it
    answer: Answer | None = None  # that the turn is given


class Written(Struct, frozen=True):
    """An event in the book, and what was decided about it."""

    receipt: Receipt
    fate: Fate
    chat: Sequence[Any]  # its columns


class Queue(Struct, frozen=True):
    """The queue that an event would join: how long it is, and whether people know it is full."""

    length: int
    is_told: bool


Accepted = tuple[tuple[Receipt, ...], tuple[ClaimedTurn, ...]]


def accept(
    database: Database,
    arrivals: tuple[Arrival, ...],
    now: float,
    new_key: NewKey,
    gateway: Gateway | None,
    room: int,
) -> Accepted:
    """Write arrivals, and then hand out what stands first in its lane."""
    written = [_accept_one(database, arrival, now, new_key) for arrival in arrivals]
    events = Counter(each.receipt.turn for each in written)  # a burst may have filled at once
    claimed: dict[int, ClaimedTurn] = {}
    for arrival, each in zip(arrivals, written, strict=True):
        if gateway is None or len(claimed) == room:
            break
        if each.fate.is_alone and events[each.receipt.turn] == 1:
            turn = _hand_out(database, each, arrival, gateway, now)
            claimed |= {} if turn is None else {each.receipt.event: turn}
    receipts = (
        replace(each.receipt, is_taken=True) if each.receipt.event in claimed else each.receipt
        for each in written
    )
    return tuple(receipts), tuple(claimed.values())


def _hand_out(
    database: Database, written: Written, arrival: Arrival, gateway: Gateway, now: float
) -> ClaimedTurn | None:
    """Claim a turn that was put just now, if nothing stands before it; None otherwise."""
    number = written.receipt.turn
    assert number is not None
    lane = _lane(arrival)
    claim = turns.claim_fresh(database, gateway, now, lane, number)
    if claim is None:
        return None
    event = StoredEvent(written.receipt.event, arrival.event, now, arrival.has_slot)
    turn = Turn(
        id=number,
        chat=rows.chat(written.chat),
        session=arrival.disposition.session,
        handler=arrival.disposition.handler,
        person=arrival.event.sender,
        events=(event,),
        attempt=1,
        answer=written.fate.answer,
        accepted_at=now,
    )
    return ClaimedTurn(claim, turn, turns.is_control(lane))


def _accept_one(database: Database, arrival: Arrival, now: float, new_key: NewKey) -> Written:
    event = arrival.event
    found = database.one(
        SQL["look"],
        bot=event.place.bot,
        key=event.key,
        recall=_recall_key(event),
        lane=_lane(arrival),
        chat=arrival.chat,
    )
    if found is None:
        raise LookupError(f"chat {arrival.chat} is not in the book")
    first, is_taken_back, length, is_told, *chat = found
    if first is not None:
        repeated = _repeated(database, first)
        return Written(repeated, Fate(repeated.state), chat)
    if is_taken_back:  # its recall was faster
        fate = Fate(EventState.RECALLED, "recalled_early")
    else:
        fate = _decide(database, arrival, Queue(length, bool(is_told)), now)
    number = _enter(database, arrival, fate, now)
    _put_notices(database, arrival, fate, now, new_key)
    receipt = Receipt(
        event=number, is_new=True, state=fate.state, reason=fate.reason, turn=fate.turn
    )
    return Written(receipt, fate, chat)


def _recall_key(event: Event) -> str:
    if isinstance(event, MessageReceived):
        return recall_key(event.place.platform_id, event.message_id)
    return ""


def _repeated(database: Database, first: int) -> Receipt:
    row = database.one(SQL["first"], event=first)
    if row is None:  # pruned; its key is remembered longer
        return Receipt(event=first, is_new=False, state=EventState.IGNORED)
    state, reason, turn, slot_body, is_over = row
    return Receipt(
        event=first,
        is_new=False,
        state=EventState(state),
        reason=reason,
        turn=turn,
        slot_body=slot_body,
        is_over=bool(is_over),
    )


def _enter(database: Database, arrival: Arrival, fate: Fate, now: float) -> int:
    event = arrival.event
    number = database.insert(
        SQL["enter"],
        chat=arrival.chat,
        kind=str(event.__struct_config__.tag),
        key=event.key,
        message_id=getattr(event, "message_id", ""),
        entrance=arrival.entrance,
        platform_at=event.at,
        now=now,
        state=fate.state,
        reason=fate.reason,
        turn=fate.turn,
        is_part=fate.is_part,
        has_slot=arrival.has_slot,
        body=rows.json(event),
    )
    assert number is not None
    database.run(SQL["remember"], bot=event.place.bot, key=event.key, event=number, now=now)
    if arrival.disposition.claimant is not None and fate.is_part:
        question = arrival.disposition.claimant.question
        database.run(SQL["answer"], event=number, question=question)
    return number


def _put_notices(
    database: Database, arrival: Arrival, fate: Fate, now: float, new_key: NewKey
) -> None:
    own = None if fate.state is EventState.RECALLED else arrival.disposition.notice
    for notice in (own, fate.notice):
        if notice is not None:
            bot = outputs.bot_of(database, arrival.chat)
            author = Author(arrival.chat, bot, person=arrival.event.sender.id)
            outputs.put_notice(database, author, notice, now, new_key)


# --- where it goes --------------------------------------------------------------------------


def _decide(database: Database, arrival: Arrival, queue: Queue, now: float) -> Fate:
    event, disposition = arrival.event, arrival.disposition
    if disposition.claimant is not None:
        return _answer(database, arrival, queue, disposition.claimant, now)
    if isinstance(event, MessageEdited):
        fate = _edit(database, arrival, queue, event, now)
        if fate is not None:
            return fate
    if disposition.state is EventState.ROUTED or _is_away(disposition):
        return _to_turn(database, arrival, queue, now)
    return Fate(disposition.state, disposition.reason)


def _is_away(disposition: Disposition) -> bool:
    return disposition.state is EventState.LATE and disposition.handler == AWAY


def _answer(
    database: Database, arrival: Arrival, queue: Queue, claimant: Claimant, now: float
) -> Fate:
    """Give the answer of a question to a turn, if it comes first and in time."""
    row = database.one(SQL["question"], question=claimant.question)
    if row is None:
        return _refused(claimant, "question_unknown")
    state, expires_at, answered_by = row
    if answered_by is not None:
        return _refused(claimant, "question_taken")
    if now >= expires_at:
        return _refused(claimant, "question_late")
    answer = Answer(
        question=claimant.question,
        state=state,
        choice=claimant.choice,
        text="" if claimant.choice is not None else _typed(arrival.event),
    )
    return _to_turn(database, arrival, queue, now, answer=answer)


def _refused(claimant: Claimant, reason: str) -> Fate:
    return Fate(EventState.IGNORED, reason, notice=claimant.refused)


def _typed(event: Event) -> str:
    return plain_text(event.parts) if isinstance(event, MessageReceived | MessageEdited) else ""


def _to_turn(
    database: Database,
    arrival: Arrival,
    queue: Queue,
    now: float,
    *,
    answer: Answer | None = None,
    replaces: int | None = None,
) -> Fate:
    """Join the last turn of the lane, start one, or refuse; answers and edits never join."""
    disposition = arrival.disposition
    state, reason = disposition.state, disposition.reason
    if queue.length and answer is None and replaces is None:
        joined = _join(database, arrival, now)
        if joined is not None:
            return Fate(state, reason, joined, is_part=True)
    if queue.length >= disposition.queue_max:
        return _overloaded(database, arrival, queue)
    if queue.is_told and queue.length <= disposition.queue_max // 2:
        database.run(SQL["overload"], lane=_lane(arrival), is_overloaded=False)
    turn = _put_turn(database, arrival, now, answer, replaces)
    return Fate(state, reason, turn, is_part=True, is_alone=replaces is None, answer=answer)


def _lane(arrival: Arrival) -> str:
    if _lane_kind(arrival) is LaneKind.CONTROL:
        return lanes.control_lane(arrival.chat)
    return lanes.turn_lane(arrival.disposition.session)


def _lane_kind(arrival: Arrival) -> LaneKind:
    return LaneKind.CONTROL if _is_away(arrival.disposition) else arrival.disposition.lane_kind


def _overloaded(database: Database, arrival: Arrival, queue: Queue) -> Fate:
    if queue.is_told:
        return Fate(EventState.REFUSED, "overload")
    database.run(SQL["overload"], lane=_lane(arrival), is_overloaded=True)
    return Fate(EventState.REFUSED, "overload", notice=arrival.disposition.overload)


def _join(database: Database, arrival: Arrival, now: float) -> int | None:
    """Join the waiting last turn of the lane; None when its window is closed."""
    lane = _lane(arrival)
    row = database.one(SQL["last_turn"], lane=lane)
    if row is None:
        return None
    turn, handler, open_until_at, accepted_at, event_count = row
    if handler != arrival.disposition.handler or now >= open_until_at:
        return None
    events_max = AWAY_EVENTS_MAX if _is_away(arrival.disposition) else BURST_EVENTS_MAX
    until_at = min(now + arrival.disposition.burst_s, accepted_at + BURST_MAX_S)
    if event_count + 1 >= events_max:
        until_at = now  # full: no reason to wait for more
    person = arrival.event.sender.id
    database.run(SQL["join"], turn=turn, burst_until_at=until_at, person=person)
    lanes.burst_grew(database, lane, until_at)
    return int(turn)


def _put_turn(
    database: Database,
    arrival: Arrival,
    now: float,
    answer: Answer | None,
    replaces: int | None,
) -> int:
    disposition, lane = arrival.disposition, _lane(arrival)
    until_at = now + min(disposition.burst_s, BURST_MAX_S)
    turn = database.insert(
        SQL["put_turn"],
        lane=lane,
        chat=arrival.chat,
        session=disposition.session,
        handler=disposition.handler,
        person=arrival.event.sender.id,
        on_edit=disposition.on_edit,
        now=now,
        burst_until_at=until_at,
        replaces=replaces,
        answer=None if answer is None else rows.json(answer),
    )
    assert turn is not None
    lanes.gain_turn(database, _lane_kind(arrival), lane, arrival.chat, until_at)
    return turn


# --- edits ----------------------------------------------------------------------------------


def _edit(
    database: Database, arrival: Arrival, queue: Queue, event: MessageEdited, now: float
) -> Fate | None:
    """Say what becomes of an edit; None when it is to be treated like a new message."""
    disposition = arrival.disposition
    is_routed = disposition.state is EventState.ROUTED
    row = database.one(SQL["edited"], chat=arrival.chat, message_id=event.message_id)
    if row is None:
        return None if is_routed else _edit_of_nothing(database, arrival, event)
    number, body, turn, state, on_edit, lane, is_running = row
    reruns = (disposition.on_edit if is_routed else on_edit) == OnEdit.RERUN
    if state == TurnState.WAITING and (reruns or not is_running):
        _replace_words(database, number, body, event)
        if is_running:
            database.run(SQL["want_rerun"], turn=turn)
        else:
            lanes.turn_changed(database, lane)
        return Fate(EventState.ROUTED, "edited", turn)
    if not reruns:
        return Fate(EventState.IGNORED, "edit_ignored")
    if not is_routed:
        return Fate(disposition.state, disposition.reason)
    return _to_turn(database, arrival, queue, now, replaces=turn)


def _edit_of_nothing(database: Database, arrival: Arrival, event: MessageEdited) -> Fate:
    disposition = arrival.disposition
    is_known = database.one(SQL["is_known_message"], chat=arrival.chat, message_id=event.message_id)
    if disposition.state is EventState.IGNORED and not is_known:
        return Fate(EventState.IGNORED, "edited_early")
    return Fate(disposition.state, disposition.reason)


def _replace_words(database: Database, number: int, body: str, event: MessageEdited) -> None:
    stored = rows.event(body)
    assert isinstance(stored, MessageReceived | MessageEdited)  # the query asks for no others
    database.run(
        SQL["replace_words"], event=number, body=rows.json(replace(stored, parts=event.parts))
    )
