"""The held house: what would be sent, and what operators say about it."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    Delivery,
    Happening,
    NotSent,
    Sent,
    State,
    Taken,
    Unknown,
    WithdrawWanted,
)
from posthouse.store.holding import Decision, HeldDelivery, House
from posthouse.store.queries import load
from posthouse.store.sql import about, lanes, ledger, rows
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.rows import Entry

SQL = load("sqlite/holding.sql")

# What happens to a delivery of which an operator knows more than the book does. Whether the
# platform could tell is of no matter then, so the least able platform decides.
_PLATFORM = Capabilities()
_DROPPED: dict[State, tuple[Happening, ...]] = {
    State.QUEUED: (WithdrawWanted(),),
    State.SENDING: (Unknown("crashed"), WithdrawWanted(), NotSent("dropped_by_operator")),
    State.UNKNOWN: (WithdrawWanted(), NotSent("dropped_by_operator")),
}
_SENT: dict[State, tuple[Happening, ...]] = {
    State.QUEUED: (Taken(), Sent()),
    State.SENDING: (Sent(),),
    State.UNKNOWN: (Sent(),),
}


class SqlHolding:
    """``Holding`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    async def house(self) -> House:
        row = await self._reading.one(SQL["house"])
        assert row is not None
        return House(is_held=bool(row[0]), snapshot_at=row[1])

    async def held(self, limit: int = 1000) -> tuple[HeldDelivery, ...]:
        return tuple(
            HeldDelivery(
                id=number,
                bot=bot,
                chat=chat,
                chat_title=title,
                state=State(state),
                text=rows.content(content).text,
                queued_at=queued_at,
            )
            for number, bot, chat, title, state, content, queued_at in await self._reading.all(
                SQL["held"], limit=limit
            )
        )

    async def decide(
        self, decision: Decision, deliveries: tuple[int, ...] | None, now: float
    ) -> int:
        chosen = (
            (about.ask("of_undecided"),) if deliveries is None else about.deliveries(deliveries)
        )
        return await self._commit("decide", chosen, _decide, decision, deliveries, now)

    async def release(self) -> None:
        await self._commit("decide", about.NOTHING, _release)


def _decide(
    database: Database, decision: Decision, deliveries: tuple[int, ...] | None, now: float
) -> int:
    chosen = None if deliveries is None else rows.json(deliveries)
    undecided = [rows.entry(row) for row in database.all(SQL["chosen"], chosen=chosen)]
    for was in undecided:
        _decide_one(database, was, decision, now)
    if database.one(SQL["undecided"]) is None:
        _release(database)
    settled = {was.delivery.target for was in undecided}
    return sum(was.delivery.id not in settled for was in undecided)


def _decide_one(database: Database, was: Entry, decision: Decision, now: float) -> None:
    fresh = replace(was.delivery, queued_at=now, attempts=0)  # the days in the backup count not
    if decision is Decision.SEND:
        ledger.write(database, was, fresh, now)
        database.run(SQL["clear"], delivery=fresh.id)
    elif decision is Decision.DROP:
        _play(database, was, fresh, _DROPPED, "dropped_by_operator", now)
    else:
        _play(database, was, fresh, _SENT, "sent_by_operator", now)


def _play(
    database: Database,
    was: Entry,
    fresh: Delivery,
    happenings: dict[State, tuple[Happening, ...]],
    reason: str,
    now: float,
) -> None:
    """Let a delivery live through what the operator says has happened."""
    for happening in happenings[was.delivery.state]:
        entry = replace(was, delivery=fresh)
        fresh, _ = ledger.happen(database, entry, happening, _PLATFORM, now)
        was = entry
    ledger.write(database, replace(was, delivery=fresh), replace(fresh, reason=reason), now)
    lanes.row_lost(database, lanes.send_lane(fresh.chat), fresh.id, now)


def _release(database: Database) -> None:
    database.run(SQL["release"])
