"""Looking back: what a session said, and what a turn answered. Read, never written."""

from __future__ import annotations

from collections.abc import Iterator

from posthouse.model.delivery import Delivery
from posthouse.model.event import MessageEdited, MessageReceived
from posthouse.model.message import plain_text
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.database import Database

SQL = load("sqlite/history.sql")

TURNS_MAX = 200  # looked at for one history
NO_EVENT = 2**62  # none has a larger number

Line = tuple[str, str]


def answers(database: Database, turn: int) -> tuple[Delivery, ...]:
    return tuple(rows.delivery(row) for row in database.all(SQL["answers"], turn=turn))


def history(
    database: Database, session: str, characters_max: int, since_at: float
) -> tuple[Line, ...]:
    """Return the newest lines since then that fit; the oldest of them is first."""
    lines: list[Line] = []
    room = characters_max
    for line in _newest_first(database, session, since_at):
        room -= len(line[1])
        if room < 0:
            break
        lines.append(line)
    return tuple(reversed(lines))


def _newest_first(database: Database, session: str, since_at: float) -> Iterator[Line]:
    row = database.one(SQL["forgotten"], session=session)
    forget_at, forget_event = row if row is not None else (float("-inf"), 0)
    if since_at > forget_at:
        forget_at, forget_event = since_at, NO_EVENT
    for (turn,) in database.all(SQL["turns"], session=session, limit=TURNS_MAX):
        said = database.all(SQL["said"], turn=turn, forget_at=forget_at, forget_event=forget_event)
        if said:  # an answer without its question tells nothing
            yield from (("bot", text) for text in reversed(_answered(database, turn)) if text)
            yield from (("person", text) for text in reversed(_said(said)) if text)


def _answered(database: Database, turn: int) -> list[str]:
    found = database.all(SQL["answered"], turn=turn)
    return [rows.content(content).text for (content,) in found]


def _said(found: list[tuple[str]]) -> list[str]:
    events = [rows.event(body) for (body,) in found]
    return [
        plain_text(event.parts)
        for event in events
        if isinstance(event, MessageReceived | MessageEdited)
    ]
