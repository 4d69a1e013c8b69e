"""Who works here, and until when. Only the gateway's row expires; lanes follow it."""

from __future__ import annotations

from posthouse.store.journal import Gateway, Wanted
from posthouse.store.queries import load
from posthouse.store.sqlite import turns
from posthouse.store.sqlite.database import Database

SQL = load("sqlite/gateways.sql")


def enter(database: Database, name: str, now: float, lease_s: float) -> Gateway:
    row = database.one(SQL["enter"], name=name, until_at=now + lease_s)
    assert row is not None
    gateway = Gateway(id=row[0], epoch=row[1], name=name)
    _free(database, gateway.id, now)
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
    overdue = database.all(SQL["overdue"], now=now)
    return sum(_free(database, gateway, now) for (gateway,) in overdue)


def _free(database: Database, gateway: int, now: float) -> int:
    """Free the lanes of a gateway that is gone; returns how many.

    What control turns had asked of its turns is done here, since nobody else is left to obey.
    """
    asked = database.all(SQL["asked"], gateway=gateway)
    count = database.count(SQL["free"], gateway=gateway, now=now)
    for turn, lane, wanted, reason in asked:
        if wanted == Wanted.CANCEL:
            turns.cancel_waiting(database, turn, lane, reason, now)
        else:
            turns.run_again(database, turn, lane, now)
    return count
