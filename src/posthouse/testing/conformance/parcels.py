"""What every store must do for a relay: keep, give to one house at a time, forget when told."""

from __future__ import annotations

from posthouse.model.relay import LEASE_S, Leased
from posthouse.store.parcels import (
    Bounds,
    LeasedElsewhere,
    LeaseOver,
    NewParcel,
    Parcels,
    Waiting,
)
from posthouse.testing.conformance.checks import holds, raises, same

BOT = "support"
HOUSE = "one house"
OTHER = "another house"
NOW = 1_750_000_000.0
ALL = Bounds(parcels_max=100, bytes_max=1_000_000)


async def _keep(parcels: Parcels, *words: str, bot: str = BOT, goes_first: bool = False) -> None:
    for word in words:
        parcel = NewParcel(bot=bot, key=f"m:{word}", payload=word.encode(), goes_first=goes_first)
        holds(await parcels.keep(parcel, NOW), "a new payload is new")


async def _lease(
    parcels: Parcels, holder: str = HOUSE, bounds: Bounds = ALL, now: float = NOW, bot: str = BOT
) -> Leased:
    return await parcels.lease(bot, holder, bounds, now, LEASE_S)


def _words(leased: Leased) -> list[str]:
    return [parcel.payload.decode() for parcel in leased.parcels]


def _ids(leased: Leased) -> tuple[int, ...]:
    return tuple(parcel.id for parcel in leased.parcels)


async def _taken(parcels: Parcels) -> None:
    leased = await _lease(parcels)
    same(
        await parcels.take(BOT, leased.lease, _ids(leased), NOW), len(leased.parcels), "what it has"
    )


async def what_is_kept_comes_out_in_order(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2", "3")
    same(_words(await _lease(parcels)), ["1", "2", "3"], "what is given")


async def orders_come_out_first(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2", "3")
    await _keep(parcels, "take it back", goes_first=True)
    await _keep(parcels, "4")
    same(_words(await _lease(parcels)), ["take it back", "1", "2", "3", "4"], "what is given")


async def nothing_is_destroyed_by_reading(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2")
    await _lease(parcels)
    same(_words(await _lease(parcels)), ["1", "2"], "what the same house is given again")


async def what_a_house_has_is_given_to_nobody(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2")
    leased = await _lease(parcels)
    same(await parcels.take(BOT, leased.lease, _ids(leased)[:1], NOW), 1, "what it has")
    same(_words(await _lease(parcels)), ["2"], "what is left")
    await _taken(parcels)
    same(_words(await _lease(parcels)), [], "what is left")


async def a_repeat_is_known_before_and_after_it_was_fetched(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    repeat = NewParcel(bot=BOT, key="m:1", payload=b"1")
    holds(not await parcels.keep(repeat, NOW), "a repeat is known while it waits")
    await _taken(parcels)
    holds(not await parcels.keep(repeat, NOW), "a repeat is known after it was fetched")
    same(_words(await _lease(parcels)), [], "what is given")


async def two_bots_have_queues_of_their_own(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    await _keep(parcels, "1", bot="other")
    same(_words(await _lease(parcels)), ["1"], "what one bot has")
    same(_words(await _lease(parcels, OTHER, bot="other")), ["1"], "what the other has")


async def while_one_house_fetches_no_other_can(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    await _lease(parcels)
    await raises(LeasedElsewhere, _lease(parcels, OTHER), "another house asks")
    just_before = NOW + LEASE_S - 1.0
    await raises(LeasedElsewhere, _lease(parcels, OTHER, now=just_before), "it asks again")


async def after_its_time_another_house_gets_the_same(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2")
    await _lease(parcels)
    same(_words(await _lease(parcels, OTHER, now=NOW + LEASE_S)), ["1", "2"], "what is given")


async def an_older_lease_takes_nothing(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    old = await _lease(parcels)
    await _lease(parcels, OTHER, now=NOW + LEASE_S)
    await raises(
        LeaseOver, parcels.take(BOT, old.lease, _ids(old), NOW + LEASE_S), "it says it has them"
    )
    again = await _lease(parcels, OTHER, now=NOW + LEASE_S)
    same(_words(again), ["1"], "what is still there")


async def a_lease_that_nobody_followed_still_takes(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    leased = await _lease(parcels)
    late = NOW + 10 * LEASE_S
    same(await parcels.take(BOT, leased.lease, _ids(leased), late), 1, "what it has")


async def what_was_not_given_is_not_taken(parcels: Parcels) -> None:
    await _keep(parcels, "1", "2")
    few = await _lease(parcels, bounds=Bounds(parcels_max=1, bytes_max=100))
    everything = (*_ids(few), _ids(few)[0] + 1)
    same(await parcels.take(BOT, few.lease, everything, NOW), 1, "what it has")
    same(await parcels.take(BOT, few.lease, everything, NOW), 0, "what it has the second time")
    same(_words(await _lease(parcels)), ["2"], "what is left")


async def a_clock_that_was_set_back_leaves_no_lease_behind(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    await _lease(parcels, now=NOW + 3600.0)
    same(_words(await _lease(parcels, OTHER)), ["1"], "what another house is given")


async def a_lease_carries_no_more_than_it_may(parcels: Parcels) -> None:
    await _keep(parcels, "aaaa", "bbbb", "cccc")
    few = await _lease(parcels, bounds=Bounds(parcels_max=2, bytes_max=100))
    same(_words(few), ["aaaa", "bbbb"], "two at most")
    light = await _lease(parcels, bounds=Bounds(parcels_max=9, bytes_max=9))
    same(_words(light), ["aaaa", "bbbb"], "nine bytes at most")
    least = await _lease(parcels, bounds=Bounds(parcels_max=9, bytes_max=1))
    same(_words(least), ["aaaa"], "the first, however long")


async def it_tells_what_waits_and_who_fetches(parcels: Parcels) -> None:
    same(await parcels.waiting(NOW), (), "of a new relay")
    await _keep(parcels, "1", "2")
    same(
        await parcels.waiting(NOW),
        (Waiting(bot=BOT, waiting=2, oldest_at=NOW),),
        "before anybody asks",
    )
    leased = await _lease(parcels, bounds=Bounds(parcels_max=1, bytes_max=100))
    fetching = Waiting(bot=BOT, waiting=2, leased=1, oldest_at=NOW, fetched_at=NOW, is_held=True)
    same(await parcels.waiting(NOW), (fetching,), "while a house has one")
    await parcels.take(BOT, leased.lease, _ids(leased), NOW)
    await _taken(parcels)
    over = Waiting(bot=BOT, fetched_at=NOW)
    same(await parcels.waiting(NOW + LEASE_S), (over,), "when all is fetched")


async def old_keys_are_forgotten_and_nothing_that_waits(parcels: Parcels) -> None:
    await _keep(parcels, "1")
    await _taken(parcels)
    await _keep(parcels, "2")
    same(await parcels.prune(NOW), 0, "of this moment")
    same(await parcels.prune(NOW + 1.0), 1, "what is old and fetched")
    same(_words(await _lease(parcels)), ["2"], "what waits")
