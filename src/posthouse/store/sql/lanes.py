"""Lanes by name, and what happens to one when something is added, handed back or taken away."""

from __future__ import annotations

from posthouse.model.turn import LaneKind
from posthouse.store.journal import Claim, Gateway
from posthouse.store.queries import load
from posthouse.store.sql.database import Database, Row

SQL = load("sqlite/lanes.sql")


def turn_lane(session: str) -> str:
    return f"t:{session}"


def control_lane(chat: int) -> str:
    return f"c:{chat}"


def send_lane(chat: int) -> str:
    return f"s:{chat}"


def amend_lane(chat: int) -> str:
    return f"a:{chat}"


def gain_turn(database: Database, kind: LaneKind, lane: str, chat: int, ready_at: float) -> None:
    database.run(SQL["gain"], lane=lane, kind=kind, chat=chat, bot="", ready_at=ready_at, count=1)


def gain_send(database: Database, chat: int, bot: str, now: float, count: int = 1) -> None:
    lane, kind = send_lane(chat), LaneKind.SEND
    database.run(SQL["gain"], lane=lane, kind=kind, chat=chat, bot=bot, ready_at=now, count=count)


def gain_amend(database: Database, chat: int, bot: str, now: float, count: int = 1) -> None:
    lane, kind = amend_lane(chat), LaneKind.AMEND
    database.run(SQL["gain"], lane=lane, kind=kind, chat=chat, bot=bot, ready_at=now, count=count)


def turn_goes_on(database: Database, lane: str, now: float) -> None:
    database.run(SQL["turn_goes_on"], lane=lane, now=now)


def turn_waits(database: Database, lane: str, at: float, tries: int) -> None:
    database.run(SQL["turn_waits"], lane=lane, at=at, tries=tries)


def turn_lost(database: Database, lane: str, turn: int, now: float) -> None:
    database.run(SQL["turn_lost"], lane=lane, turn=turn, now=now)


def turn_changed(database: Database, lane: str) -> None:
    database.run(SQL["turn_changed"], lane=lane)


def burst_grew(database: Database, lane: str, ready_at: float) -> None:
    database.run(SQL["burst_grew"], lane=lane, ready_at=ready_at)


def row_goes_on(database: Database, lane: str, now: float, not_before_at: float) -> None:
    database.run(SQL["row_goes_on"], lane=lane, now=now, not_before_at=not_before_at)


def row_waits(database: Database, lane: str, at: float, not_before_at: float) -> None:
    database.run(SQL["row_waits"], lane=lane, at=at, not_before_at=not_before_at)


def row_lost(database: Database, lane: str, row: int, now: float) -> None:
    database.run(SQL["row_lost"], lane=lane, row=row, now=now)


def let_go(database: Database, lane: str, now: float) -> None:
    database.run(SQL["let_go"], lane=lane, now=now)


def take(
    database: Database, sql: str, gateway: Gateway, now: float, limit: int, **values: str
) -> list[Row]:
    """Claim lanes: each (lane, fence, current, tries, ready_at, …), the longest waiting first."""
    taken = database.all(
        sql, gateway=gateway.id, epoch=gateway.epoch, now=now, limit=limit, **values
    )
    taken.sort(key=_by_age)  # RETURNING knows no order
    return taken


def _by_age(taken: Row) -> tuple[float, int]:
    return taken[4], taken[2] or 0


def held_row(database: Database, sql: str, claim: Claim, **values: float) -> Row | None:
    """Return what a claim holds; None when the lane is no longer the claim's."""
    return database.one(
        sql,
        lane=claim.lane,
        fence=claim.fence,
        gateway=claim.gateway,
        epoch=claim.epoch,
        **values,
    )
