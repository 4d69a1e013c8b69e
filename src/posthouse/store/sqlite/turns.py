"""Handing out turns, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.address import Chat, Person
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, Next, Step, Taken, advance
from posthouse.model.disposition import NewDelivery
from posthouse.model.errors import FenceLost
from posthouse.model.message import Content
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
from posthouse.store.sqlite import amends, lanes, ledger, outputs, rows
from posthouse.store.sqlite.database import Database, Row
from posthouse.store.sqlite.outputs import Author

SQL = load("sqlite/turns.sql")

REPORT = "recall_report"  # the handler that says how a recall went
STOPPING = "stopping"  # the reason of a retry that is nobody's fault
REPLACED_MAX = 20  # edits of one message that are followed back


class Held(Struct, frozen=True):
    """The turn that a claim holds."""

    turn: int
    lane: str
    chat: int
    handler: str
    person: str
    wanted: Wanted
    wanted_reason: str
    is_started: bool
    tries: int
    ready_at: float
    notes: str

    @property
    def is_control(self) -> bool:
        return is_control(self.lane)


def is_control(lane: str) -> bool:
    return lane.startswith(LaneKind.CONTROL)


# --- handing out ----------------------------------------------------------------------------


def claim(database: Database, gateway: Gateway, now: float, limit: int) -> tuple[ClaimedTurn, ...]:
    taken = _take(database, SQL["claim_control"], gateway, now, limit)
    if len(taken) < limit:
        taken += _take(database, SQL["claim"], gateway, now, limit - len(taken))
    turns = _turns(database, {row[2]: row[3] for row in taken})
    claimed = []
    for lane, fence, current, _, _ in taken:
        if current in turns:
            held = Claim(lane, fence, gateway.id, gateway.epoch)
            claimed.append(ClaimedTurn(held, turns[current], is_control(lane)))
        else:
            database.run(SQL["recount"], lane=lane, now=now)
    return tuple(claimed)


def next_at(database: Database) -> float | None:
    row = database.one(SQL["next_at"])
    return None if row is None else row[0]


def _take(database: Database, sql: str, gateway: Gateway, now: float, limit: int) -> list[Row]:
    taken = database.all(sql, gateway=gateway.id, epoch=gateway.epoch, now=now, limit=limit)
    taken.sort(key=lambda row: row[4])  # RETURNING knows no order
    return taken


def _turns(database: Database, tries: dict[int, int]) -> dict[int, Turn]:
    """Return turns by number, as they are handed out."""
    if not tries:
        return {}
    found = database.all(SQL["turns"], turns=rows.json(tuple(tries)))
    return {
        number: _turn(database, list(of_turn), tries[number])
        for number, of_turn in groupby(found, key=lambda row: row[0])
    }


def _turn(database: Database, found: list[Row], tries: int) -> Turn:
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


def hold(database: Database, claim: Claim, turn: int) -> Held:
    """Return what the claim holds.

    Raises:
        FenceLost: somebody else has the lane now.
    """
    row = lanes.held_row(database, SQL["held"], claim, turn=turn)
    if row is None:
        raise FenceLost
    chat, handler, person, wanted, wanted_reason, is_started, tries, ready_at, notes = row
    return Held(
        turn,
        claim.lane,
        chat,
        handler,
        person,
        Wanted(wanted),
        wanted_reason,
        bool(is_started),
        tries,
        ready_at,
        notes,
    )


def start(database: Database, claim: Claim, turn: int, now: float) -> bool:
    held = hold(database, claim, turn)
    if not held.is_started:
        database.run(SQL["start"], turn=turn, now=now)
    return not held.is_started


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
    return outputs.put(database, _author(database, held), deliveries, now)


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
    held = hold(database, claim, turn)
    if held.wanted is not Wanted.NOTHING:
        return Finished(_obey(database, held, result.if_cancelled, now))
    first = None
    if _leaves_something(result):
        may_send = is_first_sent and _may_send_at_once(database, held, claim, result, now)
        first = _put_result(
            database, held, result, capabilities, now, sender=claim if may_send else None
        )
    notes = result.notes and rows.json(rows.pairs(held.notes) + result.notes)
    _end(database, held, result.state, result.reason, now, notes=notes or held.notes)
    return Finished(Verdict.DONE, first)


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


def _obey(
    database: Database, held: Held, if_cancelled: tuple[NewDelivery, ...], now: float
) -> Verdict:
    """Do with a turn what a control turn has asked for; its outputs are refused."""
    if held.wanted is Wanted.RERUN:
        database.run(SQL["run_again"], turn=held.turn)
        lanes.turn_waits(database, held.lane, now, tries=0)
        return Verdict.RERUN
    if_cancelled = tuple(new for new in if_cancelled if ledger.is_shown(database, new.target))
    if if_cancelled:
        outputs.put(database, _author(database, held), if_cancelled, now)
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


def _author(database: Database, held: Held, chat: Chat | None = None) -> Author:
    bot = outputs.bot_of(database, held.chat) if chat is None else chat.bot
    return Author(held.chat, bot, held.person, is_report=held.handler == REPORT)


def _leaves_something(result: Result) -> bool:
    return bool(
        result.deliveries
        or result.amends
        or result.withdraw
        or result.questions
        or result.slot_body is not None
    )


def _put_result(
    database: Database,
    held: Held,
    result: Result,
    capabilities: Capabilities,
    now: float,
    *,
    sender: Claim | None,
) -> ClaimedDelivery | None:
    """Store what a turn leaves behind; ``sender`` sends the first delivery at once."""
    chat = _chat(database, held.chat)
    author = _author(database, held, chat)
    first = None
    if sender is not None:
        first = _put_sending(database, author, result.deliveries[0], capabilities, now)
    outputs.put(database, author, result.deliveries[0 if first is None else 1 :], now)
    for question in result.questions:
        outputs.ask(database, held.chat, question)
    amends.put(database, author, result.amends, now)
    for delivery in result.withdraw:
        _withdraw(database, held.chat, delivery, capabilities, now)
    is_slot_used = first is not None or not result.deliveries
    if result.slot_body is not None and is_slot_used:
        database.run(SQL["keep_slot"], turn=held.turn, body=result.slot_body)
    if sender is None or first is None:
        return None
    return _with_claim(database, first, sender, chat, result.deliveries[0].content)


def _chat(database: Database, chat: int) -> Chat:
    row = database.one(SQL["chat"], chat=chat)
    assert row is not None
    return rows.chat(row)


def _withdraw(
    database: Database, chat: int, delivery: int, capabilities: Capabilities, now: float
) -> None:
    was = ledger.entry(database, delivery)
    if was is not None and was.delivery.chat == chat:
        ledger.take_back(database, was, capabilities, now)


# --- the first delivery, sent at once -------------------------------------------------------


def _may_send_at_once(
    database: Database, held: Held, claim: Claim, result: Result, now: float
) -> bool:
    if not result.deliveries or not result.deliveries[0].body:
        return False
    row = database.one(
        SQL["may_send_at_once"],
        chat=held.chat,
        own=int(held.is_control),
        gateway=claim.gateway,
        epoch=claim.epoch,
        now=now,
    )
    return row is not None


def _put_sending(
    database: Database,
    author: Author,
    new: NewDelivery,
    capabilities: Capabilities,
    now: float,
) -> Delivery | None:
    """Put a delivery that is ``sending`` from the start; None when it had been put before."""
    queued = outputs.fresh(author, new, now)
    delivery, _ = advance(queued, Taken(), capabilities, now)
    number = outputs.insert(database, author, new, delivery, now)
    return None if number is None else replace(delivery, id=number)


def _with_claim(
    database: Database, delivery: Delivery, sender: Claim, chat: Chat, content: Content
) -> ClaimedDelivery:
    lane = lanes.send_lane(chat.id)
    row = database.one(
        SQL["take_send_lane"],
        lane=lane,
        chat=chat.id,
        bot=chat.bot,
        delivery=delivery.id,
        gateway=sender.gateway,
        epoch=sender.epoch,
    )
    assert row is not None
    return ClaimedDelivery(
        claim=Claim(lane, row[0], sender.gateway, sender.epoch),
        delivery=delivery,
        next=Next(Step.WRITE),
        chat=chat,
        content=content,
        target_ids=ledger.target_ids(database, delivery),
    )
