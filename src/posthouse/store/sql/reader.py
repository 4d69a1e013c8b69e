"""Reading the book, as people want to see it."""

from __future__ import annotations

from posthouse.model.address import ChatKind
from posthouse.model.event import Event, MessageEdited, MessageReceived, Undecodable
from posthouse.model.message import Audio, File, Image, Video, plain_text
from posthouse.model.turn import TurnState
from posthouse.store.queries import load
from posthouse.store.reader import (
    HEARD_MAX,
    OURS_MAX,
    AmendRow,
    Below,
    ChatPage,
    DeliveryRow,
    EventRow,
    Feed,
    Heard,
    HeardChat,
    Mark,
    Matches,
    Road,
    Span,
    Spoken,
    TurnRow,
)
from posthouse.store.sql import activity, feed, rows
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/reader.sql")

SAID_MAX = 400  # deliveries of one page of a chat
AMENDS_MAX = 1000
EVENTS_OF_TURN_MAX = 50
CANDIDATES_MAX = 500  # rows that a search looks at closer


class SqlReader:
    """``Reader`` on a SQL database."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def road(self, event: int) -> Road | None:
        return await self._reading.ask(_road, event)

    async def find_message(self, bot: str, message_id: str) -> tuple[int, ...]:
        found = await self._reading.all(SQL["of_message"], bot=bot, message_id=message_id)
        return tuple(int(event) for (event,) in found)

    async def is_held(self) -> bool:
        row = await self._reading.one(SQL["is_held"])
        return row is not None and bool(row[0])

    async def is_ours(self, chat: int, message_id: str) -> bool:
        found = await self._reading.one(
            SQL["is_ours"], chat=chat, message_id=message_id, limit=OURS_MAX
        )
        return found is not None

    async def whose(self, chat: int, message_id: str) -> Spoken | None:
        row = await self._reading.one(
            SQL["whose"], chat=chat, message_id=message_id, limit=OURS_MAX
        )
        return None if row is None else Spoken(*row)

    async def heard_lately(
        self, bot: str, since_at: float, limit: int = 50
    ) -> tuple[HeardChat, ...]:
        found = await self._reading.all(
            SQL["heard_lately"], bot=bot, since_at=since_at, limit=limit, depth=HEARD_MAX
        )
        return tuple(HeardChat(platform_id, ChatKind(kind), at) for platform_id, kind, at in found)

    async def recent(self, chat: int, limit: int = 20) -> tuple[Road, ...]:
        return await self._reading.ask(_recent, chat, limit)

    async def troubled(self, limit: int = 100) -> tuple[DeliveryRow, ...]:
        return tuple(
            _delivery(row) for row in await self._reading.all(SQL["troubled"], limit=limit)
        )

    async def buried(self, limit: int = 100) -> tuple[TurnRow, ...]:
        return await self._reading.ask(_buried, limit)

    async def page(self, chat: int, before: int | None = None, limit: int = 40) -> ChatPage:
        return await self._reading.ask(_page, chat, before, limit)

    async def last_heard(self, chats: tuple[int, ...]) -> dict[int, EventRow]:
        return await self._reading.ask(_last_heard, chats)

    async def delivery(self, delivery: int) -> DeliveryRow | None:
        row = await self._reading.one(SQL["delivery"], delivery=delivery)
        return None if row is None else _delivery(row)

    async def turn(self, turn: int) -> tuple[TurnRow, tuple[EventRow, ...]] | None:
        return await self._reading.ask(_with_events, turn)

    async def amends(self, deliveries: tuple[int, ...]) -> tuple[AmendRow, ...]:
        numbers = rows.json(deliveries)
        found = await self._reading.all(SQL["amends"], deliveries=numbers, limit=AMENDS_MAX)
        return tuple(map(_amend, found))

    async def said_since(
        self, chat: int, since_at: float, limit: int = 1000
    ) -> tuple[DeliveryRow, ...]:
        found = await self._reading.all(
            SQL["said_since"], chat=chat, since_at=since_at, limit=limit
        )
        return tuple(map(_delivery, found))

    async def unanswered(self, rows_looked_at: int = 2000, limit: int = 20) -> tuple[Heard, ...]:
        return await self._reading.ask(_unanswered, rows_looked_at, limit)

    async def search(
        self,
        text: str,
        rows_looked_at: int = 20_000,
        limit: int = 50,
        below: Below | None = None,
    ) -> Matches:
        return await self._reading.ask(_search, text, rows_looked_at, limit, below)

    async def activity(self, until_at: float, span_s: float, spans: int) -> tuple[Span, ...]:
        return await self._reading.ask(activity.spans, until_at, span_s, spans)

    async def feed(self, after: Mark | None, limit: int = 500) -> Feed:
        return await self._reading.ask(feed.read, after, limit)


def _recent(database: Database, chat: int, limit: int) -> tuple[Road, ...]:
    found = database.all(SQL["recent"], chat=chat, limit=limit)
    roads = (_road(database, event) for (event,) in found)
    return tuple(road for road in roads if road is not None)


def _buried(database: Database, limit: int) -> tuple[TurnRow, ...]:
    turns = (_turn(database, turn) for (turn,) in database.all(SQL["buried"], limit=limit))
    return tuple(turn for turn in turns if turn is not None)


def _last_heard(database: Database, chats: tuple[int, ...]) -> dict[int, EventRow]:
    found = (database.one(SQL["last_heard"], chat=chat) for chat in chats)
    events = (_event(row) for row in found if row is not None)
    return {event.chat: event for event in events}


def _with_events(database: Database, turn: int) -> tuple[TurnRow, tuple[EventRow, ...]] | None:
    row = _turn(database, turn)
    if row is None:
        return None
    found = database.all(SQL["events_of_turn"], turn=turn, limit=EVENTS_OF_TURN_MAX)
    return row, tuple(map(_event, found))


def _unanswered(database: Database, looked_at: int, limit: int) -> tuple[Heard, ...]:
    found = database.all(SQL["unanswered"], looked_at=looked_at, limit=limit)
    return tuple(_heard(database, row) for row in found)


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
        files=_files(event),
    )


def _text(event: Event) -> str:
    if isinstance(event, MessageReceived | MessageEdited):
        return plain_text(event.parts)
    return event.raw if isinstance(event, Undecodable) else ""


def _files(event: Event) -> tuple[str, ...]:
    if not isinstance(event, MessageReceived | MessageEdited):
        return ()
    media = [part.media for part in event.parts if isinstance(part, Image | File | Audio | Video)]
    return tuple(medium.name or medium.mime or medium.ref for medium in media)


def _heard(database: Database, row: Row) -> Heard:
    event = _event(row)
    return Heard(event, None if event.turn is None else _turn(database, event.turn))


def _turn(database: Database, number: int) -> TurnRow | None:
    row = database.one(SQL["turn"], turn=number)
    if row is None:
        return None
    found, lane, session, handler, state, reason, accepted_at, started_at = row[:8]
    finished_at, tries, is_running, notes, chat = row[8:]
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
        chat=chat,
    )


def _delivery(row: Row) -> DeliveryRow:
    entry = rows.entry(row)
    content = rows.content(entry.content)
    media = content.media
    return DeliveryRow(
        delivery=entry.delivery,
        text=content.text,
        settled_at=entry.settled_at,
        put_at=entry.put_at,
        person=entry.person,
        file="" if media is None else media.name or media.mime or media.ref,
    )


def _amend(row: Row) -> AmendRow:
    number, delivery, kind, state, reason, put_at, settled_at = row
    return AmendRow(
        id=number,
        delivery=delivery,
        kind=kind,
        state=state,
        reason=reason,
        put_at=put_at,
        settled_at=settled_at,
    )


# --- a stretch of a chat --------------------------------------------------------------------


def _page(database: Database, chat: int, before: int | None, limit: int) -> ChatPage:
    found = database.all(SQL["page"], chat=chat, before=before, limit=limit + 1)
    heard = tuple(_heard(database, row) for row in reversed(found[:limit]))
    is_more = len(found) > limit
    until = None if before is None else database.one(SQL["accepted_at"], event=before)
    said = database.all(
        SQL["said_between"],
        chat=chat,
        since_at=heard[0].event.accepted_at if is_more else float("-inf"),
        until_at=float("inf") if until is None else until[0],
        limit=SAID_MAX,
    )
    return ChatPage(heard=heard, said=tuple(map(_delivery, reversed(said))), is_more=is_more)


# --- search ---------------------------------------------------------------------------------


def _search(
    database: Database, text: str, looked_at: int, limit: int, below: Below | None
) -> Matches:
    """Let the database find candidates by the letters of their records; look closer at these."""
    if below is None:
        below = Below(*(int(end) for end in database.one(SQL["ends"]) or (0, 0)))
    wanted = text.casefold()

    def has_words(event: EventRow) -> bool:
        return wanted in "\n".join((event.text, event.sender_name, *event.files)).casefold()

    def says_words(row: DeliveryRow) -> bool:
        return wanted in f"{row.text}\n{row.file}".casefold()

    def candidates(query: str, end: int) -> list[Row]:
        stretch = {"below": end, "looked_at": looked_at, "limit": CANDIDATES_MAX}
        return database.all(SQL[query], pattern=_pattern(text), **stretch)

    heard = list(map(_event, candidates("search_events", below.event)))
    said = list(map(_delivery, candidates("search_deliveries", below.delivery)))
    events = list(filter(has_words, heard))[:limit]
    deliveries = list(filter(says_words, said))[:limit]

    def rest(end: int, seen: list[int], found: list[int]) -> int:
        """Return below which number nothing was looked at, or shown."""
        if len(found) == limit:
            return found[-1]
        return seen[-1] if len(seen) == CANDIDATES_MAX else max(end - looked_at, 1)

    rest_of = Below(
        rest(below.event, [each.id for each in heard], [each.id for each in events]),
        rest(
            below.delivery,
            [each.delivery.id for each in said],
            [each.delivery.id for each in deliveries],
        ),
    )
    return Matches(
        events=tuple(events),
        deliveries=tuple(deliveries),
        rows_looked_at=looked_at,
        further=rest_of if max(rest_of.event, rest_of.delivery) > 1 else None,
    )


def _pattern(text: str) -> str:
    """Write words as they stand inside JSON, for LIKE: neither has a letter of its own there."""
    inside = rows.json(text)[1:-1]
    escaped = "".join(f"^{letter}" if letter in "^%_" else letter for letter in inside)
    return f"%{escaped}%"
