"""Everything after a mark, by row numbers: clocks jump, numbers do not.

Rows that were not over when the mark was made are remembered in it and asked after by number, so
nothing on the road has to be written for those who follow it.
"""

from __future__ import annotations

from posthouse.store.queries import load
from posthouse.store.reader import Change, ChangeKind, Feed, Followed, Mark
from posthouse.store.sql import rows
from posthouse.store.sql.database import Database

SQL = load("sqlite/feed.sql")

OPEN_MAX = 5000  # rows of one kind that a mark remembers; of more, the newest


TURNS = (ChangeKind.TURN, "new_turns", "open_turns")
DELIVERIES = (ChangeKind.DELIVERY, "new_deliveries", "open_deliveries")
AMENDS = (ChangeKind.DELIVERY, "new_amends", "open_amends")


def read(database: Database, after: Mark | None, limit: int) -> Feed:
    if after is None:
        return Feed(changes=(), mark=_now(database), is_more=False)
    newest = _newest(database)
    events = database.all(SQL["new_events"], after=after.event, upto=newest[0], limit=limit)
    changes = [Change(ChangeKind.EVENT, *row) for row in events]
    turns = _follow(database, TURNS, after.turns, newest[1], limit, changes)
    deliveries = _follow(database, DELIVERIES, after.deliveries, newest[2], limit, changes)
    amends = _follow(database, AMENDS, after.amends, newest[3], limit, changes)
    mark = Mark(events[-1][0] if events else after.event, turns, deliveries, amends)
    return Feed(changes=tuple(changes), mark=mark, is_more=_is_behind(mark, newest))


def _now(database: Database) -> Mark:
    newest = _newest(database)
    opened: dict[str, list[int]] = {"turn": [], "delivery": [], "amend": []}
    for kind, number in database.all(SQL["open_now"], limit=3 * OPEN_MAX):
        opened[kind].append(number)
    return Mark(
        newest[0],
        Followed(newest[1], _remembered(opened["turn"])),
        Followed(newest[2], _remembered(opened["delivery"])),
        Followed(newest[3], _remembered(opened["amend"])),
    )


def _follow(
    database: Database,
    rows_of: tuple[ChangeKind, str, str],
    after: Followed,
    upto: int,
    limit: int,
    changes: list[Change],
) -> Followed:
    """Add to ``changes`` what is over now; returns how far this came and what is still open."""
    kind, new, opened = rows_of
    fresh = database.all(SQL[new], after=after.number, upto=upto, limit=limit)
    waited = database.all(SQL[opened], numbers=rows.json(after.open)) if after.open else []
    still: list[int] = []
    for number, about, chat, state, is_open in (*waited, *fresh):
        if is_open:
            still.append(number)
        else:
            changes.append(Change(kind, about, chat, state))
    return Followed(fresh[-1][0] if fresh else after.number, _remembered(still))


def _remembered(numbers: list[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers)[-OPEN_MAX:])


def _newest(database: Database) -> tuple[int, ...]:
    row = database.one(SQL["newest"])
    assert row is not None
    return tuple(row)


def _is_behind(mark: Mark, newest: tuple[int, ...]) -> bool:
    read_to = (mark.event, mark.turns.number, mark.deliveries.number, mark.amends.number)
    return any(read < newest for read, newest in zip(read_to, newest, strict=True))
