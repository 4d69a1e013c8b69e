"""Reading the book on SQLite, as people want to see it."""

from __future__ import annotations

from posthouse.model.event import Event, MessageEdited, MessageReceived, Undecodable
from posthouse.model.message import plain_text
from posthouse.model.turn import TurnState
from posthouse.store.queries import load
from posthouse.store.reader import DeliveryRow, EventRow, Road, TurnRow
from posthouse.store.sqlite import rows
from posthouse.store.sqlite.database import Database, Row

SQL = load("sqlite/reader.sql")


class SqliteReader:
    """``Reader`` on one SQLite database."""

    def __init__(self, reading: Database) -> None:
        self._reading = reading

    async def road(self, event: int) -> Road | None:
        return _road(self._reading, event)

    async def find_message(self, bot: str, message_id: str) -> tuple[int, ...]:
        found = self._reading.all(SQL["of_message"], bot=bot, message_id=message_id)
        return tuple(int(event) for (event,) in found)

    async def recent(self, chat: int, limit: int = 20) -> tuple[Road, ...]:
        found = self._reading.all(SQL["recent"], chat=chat, limit=limit)
        roads = (_road(self._reading, event) for (event,) in found)
        return tuple(road for road in roads if road is not None)

    async def troubled(self, limit: int = 100) -> tuple[DeliveryRow, ...]:
        return tuple(_delivery(row) for row in self._reading.all(SQL["troubled"], limit=limit))

    async def buried(self, limit: int = 100) -> tuple[TurnRow, ...]:
        found = self._reading.all(SQL["buried"], limit=limit)
        turns = (_turn(self._reading, turn) for (turn,) in found)
        return tuple(turn for turn in turns if turn is not None)


def _road(database: Database, number: int) -> Road | None:
    row = database.one(SQL["event"], event=number)
    if row is None:
        return None
    event = _event(row)
    turn = None if event.turn is None else _turn(database, event.turn)
    said = [] if turn is None else database.all(SQL["deliveries"], turn=turn.id)
    return Road(event=event, turn=turn, deliveries=tuple(_delivery(row) for row in said))


def _event(row: Row) -> EventRow:
    number, chat, kind, key, message_id, entrance, platform_at, accepted_at, state = row[:9]
    event = rows.event(row[14])
    return EventRow(
        id=number,
        chat=chat,
        kind=kind,
        key=key,
        message_id=message_id,
        sender_id=event.sender.id,
        sender_name=event.sender.name,
        text=_text(event),
        entrance=entrance,
        platform_at=platform_at,
        accepted_at=accepted_at,
        state=state,
        reason=row[9],
        turn=row[10],
    )


def _text(event: Event) -> str:
    if isinstance(event, MessageReceived | MessageEdited):
        return plain_text(event.parts)
    return event.raw if isinstance(event, Undecodable) else ""


def _turn(database: Database, number: int) -> TurnRow | None:
    row = database.one(SQL["turn"], turn=number)
    if row is None:
        return None
    found, lane, session, handler, state, reason, accepted_at, started_at = row[:8]
    finished_at, tries, is_running, notes = row[8:]
    return TurnRow(
        id=found,
        lane=lane,
        session=session,
        handler=handler,
        state=TurnState(state),
        reason=reason,
        accepted_at=accepted_at,
        started_at=started_at,
        finished_at=finished_at,
        tries=tries,
        is_running=bool(is_running),
        notes=rows.pairs(notes),
    )


def _delivery(row: Row) -> DeliveryRow:
    entry = rows.entry(row)
    return DeliveryRow(
        delivery=entry.delivery,
        text=rows.content(entry.content).text,
        settled_at=entry.settled_at,
    )
