"""Handing out turns, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.address import Chat, Person
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Taken, advance
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import FenceLost
from posthouse.model.turn import LaneKind, StoredEvent, Turn, TurnState
from posthouse.store.journal import (
    Claim,
    ClaimedDelivery,
    ClaimedTurn,
    Finished,
    Gateway,
    Once,
    OnceState,
    Result,
    Verdict,
    Wanted,
)
from posthouse.store.queries import load
from posthouse.store.sql import amends, lanes, ledger, outputs, rows
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.outputs import Author

SQL = load("sqlite/turns.sql")

REPORT = "recall_report"  # the handler that says how a recall went
STOPPING = "stopping"  # the reason of a retry that is nobody's fault
BUSY = -1  # what the query says instead of the fence of a send lane that is not idle
REPLACED_MAX = 20  # edits of one message that are followed back


class Held(Struct, frozen=True):
    """The turn that a claim holds."""

    claim: Claim
    turn: int
    chat: Chat
    handler: str
    person: str
    wanted: Wanted
    wanted_reason: str
    is_started: bool
    tries: int
    ready_at: float
    notes: str
    send_fence: int | None  # of the idle send lane, if a first delivery may take it at once
    waiting: int  # turns of the lane, this one included

    @property
    def lane(self) -> str:
        return self.claim.lane

    @property
    def author(self) -> Author:
        is_report = self.handler == REPORT
        return Author(self.chat.id, self.chat.bot, self.person, is_report)


def is_control(lane: str) -> bool:
    return lane.startswith(LaneKind.CONTROL)


# --- handing out ----------------------------------------------------------------------------


def claim(database: Database, gateway: Gateway, now: float, limit: int) -> tuple[ClaimedTurn, ...]:
    taken = lanes.take(database, SQL["claim_control"], gateway, now, limit)
    if len(taken) < limit:
        taken += lanes.take(database, SQL["claim"], gateway, now, limit - len(taken))
    turns = _turns(database, {row[2]: (row[3], row[5]) for row in taken})
    claimed = []
    for lane, fence, current, *_ in taken:
        if current in turns:
            held = Claim(lane, fence, gateway.id, gateway.epoch)
            claimed.append(ClaimedTurn(held, turns[current], is_control(lane)))
        else:
            database.run(SQL["recount"], lane=lane, now=now)
    return tuple(claimed)


def claim_fresh(
    database: Database, gateway: Gateway, now: float, lane: str, turn: int
) -> Claim | None:
    """Claim a lane for the one turn that waits in it; None where ``claim`` would not, either."""
    row = database.one(
        SQL["claim_fresh"],
        lane=lane,
        turn=turn,
        gateway=gateway.id,
        epoch=gateway.epoch,
        now=now,
    )
    return None if row is None else Claim(lane, row[0], gateway.id, gateway.epoch)


def next_at(database: Database) -> float | None:
    row = database.one(SQL["next_at"])
    return None if row is None else row[0]


def _turns(database: Database, counts: dict[int, tuple[int, int]]) -> dict[int, Turn]:
    """Return turns by number, as they are handed out with their tries and crashes."""
    if not counts:
        return {}
    found = database.all(SQL["turns"], turns=rows.json(tuple(counts)))
    return {
        number: _turn(database, list(of_turn), *counts[number])
        for number, of_turn in groupby(found, key=lambda row: row[0])
    }


def _turn(database: Database, found: list[Row], tries: int, crashes: int) -> Turn:
    number, session, handler, is_started, replaces, answer, accepted_at, has_spoken = found[0][:8]
    events = _events(row[8:12] for row in found)
    if replaces is not None:
        events = _events_before(database, replaces, events) + events
    return Turn(
        id=number,
        chat=rows.chat(found[0][12:]),
        session=session,
        handler=handler,
        person=events[-1].event.sender if events else Person(id=""),
        events=events,
        attempt=tries,
        crashes=crashes,
        is_started=bool(is_started),
        has_spoken=bool(has_spoken),
        replaces=replaces,
        answer=rows.answer(answer),
        accepted_at=accepted_at,
    )


def _events(found: Iterable[Row]) -> tuple[StoredEvent, ...]:
    return tuple(
        StoredEvent(number, rows.event(body), accepted_at, bool(has_slot))
        for number, body, accepted_at, has_slot in found
        if number is not None
    )


def _events_before(
    database: Database, replaced: int | None, events: tuple[StoredEvent, ...]
) -> tuple[StoredEvent, ...]:
    """Return what the replaced turns had beside the message that was edited, oldest first.

    "Picture, then question" stays together when the question is edited.
    """
    edited = {getattr(stored.event, "message_id", "") for stored in events}
    before: tuple[StoredEvent, ...] = ()
    for _ in range(REPLACED_MAX):
        if replaced is None:
            break
        found = database.all(SQL["replaced"], turn=replaced)
        replaced = found[0][0] if found else None
        kept = tuple(
            stored
            for stored in _events(row[1:] for row in found)
            if getattr(stored.event, "message_id", "") not in edited
        )
        edited |= {getattr(stored.event, "message_id", "") for stored in kept}
        before = kept + before
    return before


# --- while it runs --------------------------------------------------------------------------


def hold(
    database: Database, claim: Claim, turn: int, now: float = 0.0, *, has_first: bool = False
) -> Held:
    """Return what the claim holds; with ``has_first``, also whether that may leave at once.

    Raises:
        FenceLost: somebody else has the lane now.
    """
    row = lanes.held_row(database, SQL["held"], claim, turn=turn, now=now, has_first=has_first)
    if row is None:
        raise FenceLost
    handler, person, wanted, wanted_reason, is_started, tries, ready_at, notes = row[:8]
    fence, waiting = row[8:10]
    return Held(
        claim,
        turn,
        rows.chat(row[10:]),
        handler,
        person,
        Wanted(wanted) if wanted else Wanted.NOTHING,
        wanted_reason,
        bool(is_started),
        tries,
        ready_at,
        notes,
        None if fence == BUSY else fence,
        waiting,
    )


def start(database: Database, claim: Claim, turn: int, now: float) -> bool:
    begun = database.count(
        SQL["start"],
        turn=turn,
        now=now,
        lane=claim.lane,
        fence=claim.fence,
        gateway=claim.gateway,
        epoch=claim.epoch,
    )
    if not begun:
        hold(database, claim, turn)  # raises where that is why
    return bool(begun)


def put(
    database: Database,
    claim: Claim,
    turn: int,
    deliveries: tuple[NewDelivery, ...],
    now: float,
) -> tuple[int, ...]:
    held = hold(database, claim, turn)
    if held.wanted is not Wanted.NOTHING:
        return ()
    return outputs.put(database, held.author, deliveries, now)


def wanted(database: Database, turn: int) -> Wanted:
    row = database.one(SQL["wanted"], turn=turn)
    return Wanted.NOTHING if row is None else Wanted(row[0])


def once_begin(database: Database, claim: Claim, turn: int, name: str) -> Once:
    hold(database, claim, turn)
    row = database.one(SQL["once"], turn=turn, name=name)
    if row is None:
        database.run(SQL["once_begin"], turn=turn, name=name)
        return Once(OnceState.NEW)
    return Once(OnceState.BEGUN) if row[0] is None else Once(OnceState.DONE, row[0])


def once_end(database: Database, claim: Claim, turn: int, name: str, result: str) -> None:
    hold(database, claim, turn)
    database.run(SQL["once_end"], turn=turn, name=name, result=result)


# --- how it ends ----------------------------------------------------------------------------


def finish(  # noqa: PLR0913 - the protocol's own
    database: Database,
    claim: Claim,
    turn: int,
    result: Result,
    capabilities: Capabilities,
    now: float,
    *,
    is_first_sent: bool,
) -> Finished:
    has_first = is_first_sent and bool(result.deliveries and result.deliveries[0].body)
    held = hold(database, claim, turn, now, has_first=has_first)
    if held.wanted is not Wanted.NOTHING:
        return Finished(_obey(database, held, result.if_cancelled, now))
    first = _put_first(database, held, result, capabilities, now)
    _put_rest(database, held, result, capabilities, now, is_first_out=first is not None)
    notes = rows.json(rows.pairs(held.notes) + result.notes) if result.notes else held.notes
    _end(database, held, result.state, result.reason, now, notes=notes)
    return Finished(Verdict.DONE, first, is_more=held.waiting > 1)


def retry(database: Database, claim: Claim, turn: int, at: float, reason: str) -> Verdict:
    held = hold(database, claim, turn)
    if held.wanted is not Wanted.NOTHING:
        return _obey(database, held, (), held.ready_at)
    tries = held.tries - 1 if reason == STOPPING else held.tries
    database.run(SQL["failed_once"], turn=turn, reason=reason, tries=tries)
    lanes.turn_waits(database, held.lane, at, tries)
    return Verdict.DONE


def revive(database: Database, turn: int, now: float) -> bool:
    row = database.one(SQL["revive"], turn=turn, now=now)
    if row is None:
        return False
    lane, chat = row
    kind = LaneKind.CONTROL if is_control(lane) else LaneKind.TURN
    lanes.gain_turn(database, kind, lane, chat, now)
    return True


def cancel_waiting(database: Database, turn: int, lane: str, reason: str, now: float) -> None:
    """End a turn that nobody runs."""
    database.run(SQL["cancel_waiting"], turn=turn, reason=reason, now=now)
    lanes.turn_lost(database, lane, turn, now)


def run_again(database: Database, turn: int, lane: str, now: float) -> None:
    """Give a turn back to the head of its lane, to start from the beginning."""
    database.run(SQL["run_again"], turn=turn)
    lanes.turn_waits(database, lane, now, tries=0)


def _obey(
    database: Database, held: Held, if_cancelled: tuple[NewDelivery, ...], now: float
) -> Verdict:
    """Do with a turn what a control turn has asked for; its outputs are refused."""
    if held.wanted is Wanted.RERUN:
        run_again(database, held.turn, held.lane, now)
        return Verdict.RERUN
    if_cancelled = tuple(new for new in if_cancelled if ledger.is_shown(database, new.target))
    if if_cancelled:
        outputs.put(database, held.author, if_cancelled, now)
    _end(database, held, TurnState.CANCELLED, held.wanted_reason, now, notes=held.notes)
    return Verdict.CANCELLED


def _end(
    database: Database, held: Held, state: TurnState, reason: str, now: float, *, notes: str
) -> None:
    database.run(
        SQL["finish"],
        turn=held.turn,
        state=state,
        reason=reason,
        tries=held.tries,
        notes=notes,
        now=now,
    )
    lanes.turn_goes_on(database, held.lane, now)


def _put_rest(
    database: Database,
    held: Held,
    result: Result,
    capabilities: Capabilities,
    now: float,
    *,
    is_first_out: bool,
) -> None:
    """Store what a turn leaves behind, except a first delivery that is on its way already."""
    if rest := result.deliveries[is_first_out:]:
        outputs.put(database, held.author, rest, now)
    for question in result.questions:
        outputs.ask(database, held.chat.id, question)
    amends.put(database, held.author, result.amends, now)
    for delivery in result.withdraw:
        _withdraw(database, held.chat.id, delivery, capabilities, now)
    is_slot_used = is_first_out or not result.deliveries
    if result.slot_body is not None and is_slot_used:
        database.run(SQL["keep_slot"], turn=held.turn, body=result.slot_body)


def _withdraw(
    database: Database, chat: int, delivery: int, capabilities: Capabilities, now: float
) -> None:
    was = ledger.entry(database, delivery)
    if was is not None and was.delivery.chat == chat:
        ledger.take_back(database, was, capabilities, now)


def _put_first(
    database: Database, held: Held, result: Result, capabilities: Capabilities, now: float
) -> ClaimedDelivery | None:
    """Put the first delivery as ``sending`` and hold its lane, if that may be."""
    if held.send_fence is None:
        return None
    new, author = result.deliveries[0], held.author
    delivery, step = advance(outputs.fresh(author, new, now), Taken(), capabilities, now)
    number = outputs.insert(database, author, new, delivery, now)
    if number is None:  # it had been put before
        return None
    delivery = replace(delivery, id=number)
    return ClaimedDelivery(
        claim=_take_send_lane(database, held, number, held.send_fence + 1),
        delivery=delivery,
        next=step,
        chat=held.chat,
        content=new.content,
        target_ids=ledger.target_ids(database, delivery),
    )


def _take_send_lane(database: Database, held: Held, delivery: int, fence: int) -> Claim:
    lane, claim = lanes.send_lane(held.chat.id), held.claim
    database.run(
        SQL["take_send_lane"],
        lane=lane,
        chat=held.chat.id,
        bot=held.chat.bot,
        delivery=delivery,
        gateway=claim.gateway,
        epoch=claim.epoch,
        fence=fence,
    )
    return Claim(lane, fence, claim.gateway, claim.epoch)
