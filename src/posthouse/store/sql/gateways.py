"""Who works here, and until when. Only the gateway's row expires; lanes follow it."""

from __future__ import annotations

from posthouse.store.journal import Gateway
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.database import Database

SQL = load("sqlite/gateways.sql")


def enter(database: Database, name: str, now: float, lease_s: float) -> Gateway:
    row = database.one(SQL["enter"], name=name, now=now, until_at=now + lease_s)
    assert row is not None
    gateway = Gateway(id=row[0], epoch=row[1], name=name)
    database.run(SQL["doubt_anew"], gateway=gateway.id, now=now)
    database.run(SQL["free_own"], gateway=gateway.id, now=now)
    return gateway


def renew(database: Database, gateway: Gateway, now: float, lease_s: float) -> bool:
    row = database.one(
        SQL["renew"],
        gateway=gateway.id,
        epoch=gateway.epoch,
        until_at=now + lease_s,
        now=now,
    )
    return row is not None


def free(database: Database, now: float) -> int:
    return database.count(SQL["free_overdue"], now=now)


def hold(database: Database, gateway: Gateway, bots: tuple[str, ...], now: float) -> frozenset[str]:
    who = {"gateway": gateway.id, "epoch": gateway.epoch}
    database.run(SQL["hold_no_others"], bots=rows.json(bots), **who)
    for bot in bots:
        database.run(SQL["hold"], bot=bot, now=now, **who)
    return frozenset(bot for (bot,) in database.all(SQL["held"], now=now, **who))


def bound_waits(database: Database, now: float, wait_s: float) -> None:
    database.run(SQL["bound_bursts"], latest_at=now + wait_s)
    database.run(SQL["bound_lanes"], latest_at=now + wait_s)
    database.run(SQL["bound_paces"], now=now)
