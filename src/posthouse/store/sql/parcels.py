"""What a relay keeps for houses."""

from __future__ import annotations

from collections.abc import Iterator

from posthouse.model.relay import LEASE_S, Leased, Parcel
from posthouse.store.parcels import Bounds, LeasedElsewhere, LeaseOver, NewParcel, Waiting
from posthouse.store.queries import load
from posthouse.store.sql.about import NOTHING, About
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/parcels.sql")

# The steps in ``store/points.py``.
KEEP = "parcel"
LEASE = "parcel-lease"
TAKE = "parcel-take"


class SqlParcels:
    """``Parcels`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    async def keep(self, parcel: NewParcel, now: float) -> bool:
        return await self._commit(KEEP, _of(parcel.bot), _keep, parcel, now)

    async def lease(
        self, bot: str, holder: str, bounds: Bounds, now: float, lease_s: float
    ) -> Leased:
        return await self._commit(LEASE, _of(bot), _lease, bot, holder, bounds, now, lease_s)

    async def take(self, bot: str, lease: int, ids: tuple[int, ...], now: float) -> int:
        return await self._commit(TAKE, _of(bot), _take, bot, lease, ids, now)

    async def waiting(self, now: float) -> tuple[Waiting, ...]:
        return await self._reading.ask(_waiting, now)

    async def prune(self, before: float, rows_max: int = 500) -> int:
        return await self._commit("prune", NOTHING, _prune, before, rows_max)


def _of(bot: str) -> About:
    """One write after another for each bot, so that numbers tell the order of arrival."""
    return (f"parcels of {bot}",)


def _keep(database: Database, parcel: NewParcel, now: float) -> bool:
    number = database.insert(
        SQL["keep"],
        bot=parcel.bot,
        key=parcel.key,
        goes_first=parcel.goes_first,
        payload=parcel.payload,
        now=now,
    )
    return number is not None


def _lease(
    database: Database, bot: str, holder: str, bounds: Bounds, now: float, lease_s: float
) -> Leased:
    row = database.one(SQL["held"], bot=bot)
    if row is not None and row[0] != holder and _is_held(row[2], now):
        raise LeasedElsewhere(zh="另一个驿站正在取这个机器人的消息，它的租约还没有到期。")
    number = 1 if row is None else int(row[1]) + 1
    database.run(
        SQL["hold"], bot=bot, holder=holder, number=number, until_at=now + lease_s, now=now
    )
    head = _head(database, bot, bounds)
    given = [database.one(SQL["give"], id=parcel, number=number) for parcel in head]
    parcels = (Parcel(id=row[0], payload=bytes(row[1]), came_at=row[2]) for row in given if row)
    return Leased(lease=number, lease_s=lease_s, parcels=tuple(parcels))


def _is_held(until_at: float, now: float) -> bool:
    """Whether a lease counts; one that ends too late was given by a clock that was ahead."""
    return now < until_at <= now + LEASE_S


def _head(database: Database, bot: str, bounds: Bounds) -> Iterator[int]:
    bytes_left = bounds.bytes_max
    for index, (number, size) in enumerate(
        database.all(SQL["head"], bot=bot, rows_max=bounds.parcels_max)
    ):
        bytes_left -= size
        if bytes_left < 0 and index:
            return
        yield number


def _take(database: Database, bot: str, lease: int, ids: tuple[int, ...], now: float) -> int:
    row = database.one(SQL["held"], bot=bot)
    if row is None or row[1] != lease:
        raise LeaseOver(zh="这些消息已重新交出，不知道在谁手里；请重新取。")
    return sum(
        database.count(SQL["take"], bot=bot, id=number, number=lease, now=now) for number in ids
    )


def _waiting(database: Database, now: float) -> tuple[Waiting, ...]:
    counted = {bot: (count, at) for bot, count, at in database.all(SQL["waiting"])}
    fetched = {
        bot: (number, until_at, at) for bot, number, until_at, at in database.all(SQL["leases"])
    }
    return tuple(
        _state(database, bot, counted.get(bot, (0, None)), fetched.get(bot), now)
        for bot in sorted({*counted, *fetched})
    )


def _state(
    database: Database,
    bot: str,
    counted: tuple[int, float | None],
    fetched: tuple[int, float, float] | None,
    now: float,
) -> Waiting:
    count, oldest_at = counted
    if fetched is None:
        return Waiting(bot=bot, waiting=count, oldest_at=oldest_at)
    number, until_at, fetched_at = fetched
    is_held = _is_held(until_at, now)
    row = database.one(SQL["leased"], bot=bot, number=number) if is_held and count else None
    return Waiting(
        bot=bot,
        waiting=count,
        leased=row[0] if row else 0,
        oldest_at=oldest_at,
        fetched_at=fetched_at,
        is_held=is_held,
    )


def _prune(database: Database, before: float, rows_max: int) -> int:
    return database.count(SQL["prune"], before=before, rows_max=rows_max)
