"""Moving a whole book from one database to another: every row of every table, and proof of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

import msgspec
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.store.sql.database import Row

ROWS_AT_ONCE = 500

# Every table, and the columns by which its rows stand in one order on every database.
TABLES: dict[str, str] = {
    "house": "id",
    "gateways": "id",
    "holders": "bot",
    "chats": "id",
    "chat_aliases": "bot, platform_id",
    "chat_tags": "tag, chat",
    "sessions": "session",
    "seen": "bot, key",
    "events": "id",
    "turns": "id",
    "lanes": "lane",
    "deliveries": "id",
    "amends": "id",
    "questions": "number",
    "once": "turn, name",
    "recalls": "id",
    "web_people": "bot, id",
    "web_rooms": "id",
    "web_members": "place",
    "web_messages": "room, number",
    "web_errands": "id",
    "web_uploads": "room, person, ref",
    "web_files": "ref, room, number",
    "grants": "id",
    "people": "bot, person, name",
    "chat_operators": "bot, person",
    "strangers": "bot, person, handler, reason",
    "operators": "id",
    "operator_sessions": "id",
    "tokens": "id",
    "codes": "purpose",
    "audit": "id",
    "pushes": "id",
    "parcels": "id",
    "parcel_leases": "bot",
    "bases": "name",
    "sources": "id",
    "documents": "id",
    "documents_removed": "base, revision",
    "quarantined": "base, passage",
    "asked": "turn",
    "asked_bases": "base, turn",
    "asked_passages": "passage, turn",
    "labels": "id",
    "spending": "turn, call",
    "trial_spending": "id",
    "rules": "handler, bot, chat, person",
    "handoffs": "handler, chat, person",
    "gates": "id",
}


class Source(Protocol):
    """A book to be read whole, as it was at one moment."""

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        ...

    def rows(self, table: str) -> Iterable[Row]:
        """Return the rows of a table in order."""
        ...

    def last_numbers(self) -> dict[str, int]:
        """Return, by table, the last number that was given to a row which may be gone since."""
        ...


class Target(Source, Protocol):
    """A book to be written; what is put is seen by its own ``rows``, by others once it is whole."""

    def is_empty(self) -> bool:
        """Whether nothing was ever written there."""
        ...

    def put(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows to a table."""
        ...

    def go_on_after(self, table: str, number: int) -> None:
        """Give the next row of a numbered table a greater number than this and any it has."""
        ...


class Moved(Struct, frozen=True):
    """What one table was found to hold, on both sides."""

    table: str
    rows: int
    digest: str


def move(source: Source, target: Target, advance: Callable[[int], None]) -> tuple[Moved, ...]:
    """Copy everything and compare it; the caller makes the target durable, or throws it away.

    Args:
        source: the book.
        target: an empty one with the same schema.
        advance: told how many more rows have been copied.

    Raises:
        OperatorMistake: the target is not empty.
        ValueError: what arrived is not what left.
    """
    if not target.is_empty():
        raise OperatorMistake(
            "the target holds messages already: copy into an empty database, so nothing is mixed",
            zh="目标数据库里已有内容：请复制到一个空数据库，以免混在一起",
        )
    for table in TABLES:
        for some in _batches(source.rows(table)):
            target.put(table, map(_storable, some))
            advance(len(some))
    given = source.last_numbers()
    for table in TABLES:
        target.go_on_after(table, given.get(table, 0))
    return tuple(_compared(source, target, table) for table in TABLES)


def total(source: Source) -> int:
    """Return how many rows there are to copy."""
    return sum(map(source.count, TABLES))


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, ROWS_AT_ONCE)):
        yield some


def _compared(source: Source, target: Target, table: str) -> Moved:
    left, arrived = (_summed(table, side.rows(table)) for side in (source, target))
    if left != arrived:
        raise ValueError(f"{table}: {left.rows} rows left and {arrived.rows} arrived, not the same")
    return arrived


def _summed(table: str, rows: Iterable[Row]) -> Moved:
    """Digest rows as any database gives them: truth values are numbers, text lacks the letter 0."""
    digest, count = hashlib.sha256(), 0
    for row in rows:
        plain = [int(value) if isinstance(value, bool) else value for value in _storable(row)]
        digest.update(msgspec.json.encode(plain))
        count += 1
    return Moved(table, count, digest.hexdigest())


def _storable(row: Row) -> Row:
    """Replace what not every database can keep."""
    return tuple(
        value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for value in row
    )
