"""What the house does for its book: finding damage, removing what is old, copying while it runs."""

import asyncio
from pathlib import Path

import pytest

from posthouse.model.delivery import Sent
from posthouse.store.journal import Budget, Gateway
from posthouse.store.parcels import Bounds, NewParcel
from posthouse.store.sqlite import file
from posthouse.store.sqlite.store import SqliteStore
from posthouse.store.upkeep import Pruned, Retention
from tests.unit.store.book import CAN, NOW, PLACE, answer, arrival, enter, opened, say

DAY_S = 86400.0
KEEP = Retention()


async def busy(path: Path) -> None:
    """Leave a book behind with something in every kind of lane."""
    async with opened(path) as store:
        gateway = await enter(store)
        await say(store, "1")
        await answer(store, gateway, "one", "two")
        await say(store, "2")
        await say(store, "3")


DAMAGE = {
    "a turn counter": (
        "UPDATE lanes SET waiting = waiting + 1 WHERE kind = 't'",
        "lane t:1:m:ann counts 3 waiting, there are 2",
    ),
    "a delivery counter": (
        "UPDATE lanes SET waiting = 1 WHERE kind = 's'",
        "lane s:1 counts 1 waiting, there are 2",
    ),
    "a lane that never wakes": (
        "UPDATE lanes SET ready_at = NULL WHERE kind = 's'",
        "lane s:1 has 2 waiting, and when it is ready says otherwise",
    ),
    "a turn without a lane": (
        "DELETE FROM lanes WHERE kind = 't'",
        "turn 2 waits, but its lane t:1:m:ann does not exist",
    ),
    "a delivery without a lane": (
        "DELETE FROM lanes WHERE kind = 's'",
        "delivery 1 is open, but chat 1 has no send lane",
    ),
    "a lane with somebody else's work": (
        "UPDATE lanes SET current = 1 WHERE kind = 't'",
        "lane t:1:m:ann works on turn 1, which is not its to do",
    ),
    "two messages on their way": (
        "UPDATE deliveries SET state = 'unknown'",
        "chat 1 has 2 deliveries on their way at once",
    ),
    "a recall that waits for nothing": (
        "INSERT INTO recalls (chat, turn, at, pending) VALUES (1, 99, 0.0, 1)",
        "recall 1 waits for 1 outcomes, there are 0",
    ),
    "a base that counts what is not there": (
        "INSERT INTO bases (name, revision, changed_at, documents) VALUES ('help', 1, 0.0, 1)",
        "base help counts 1 documents, there are 0",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_check_finds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    await busy(path)
    sql, sentence = DAMAGE[name]
    database = file.open_writing(path)
    database.run(sql)
    database.connection.close()
    async with opened(path) as store:
        assert sentence in await store.upkeep.check()


async def test_a_check_finds_nothing_in_a_book_in_order(tmp_path: Path) -> None:
    await busy(tmp_path / "book.db")
    async with opened(tmp_path / "book.db") as store:
        assert await store.upkeep.check() == ()


async def test_a_check_finds_broken_pages(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    async with opened(path) as store:
        chat = await store.chats.resolve(PLACE, NOW)
        await store.journal.accept(tuple(arrival(chat, f"{n}", "x" * 500) for n in range(500)), NOW)
    whole = bytearray(path.read_bytes())
    for start in range(len(whole) // 2, len(whole) - 4096, 40_960):
        whole[start : start + 64] = b"\xff" * 64
    path.write_bytes(bytes(whole))
    async with opened(path) as store:
        assert await store.upkeep.check() != ()


# --- old rows ---------------------------------------------------------------------------------


async def test_pruning_gives_room_back_to_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    async with opened(path) as store:
        await fill(store, 300)
    full = path.stat().st_size
    async with opened(path) as store:
        removed = await prune_all(store, NOW + 100 * DAY_S)
        assert (removed.events, removed.turns, removed.deliveries) == (299, 299, 299)
        assert await store.upkeep.check() == ()
    assert path.stat().st_size < full / 2


async def test_a_round_of_pruning_is_bounded(tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db") as store:
        await fill(store, 30)
        pruned = await store.upkeep.prune(KEEP, NOW + 100 * DAY_S, rows_max=10)
        assert pruned == Pruned(events=10, turns=10, deliveries=10, keys=10, is_done=False)


async def test_no_number_is_given_twice_after_pruning(tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db") as store:
        await fill(store, 3)
        await prune_all(store, NOW + 100 * DAY_S)
        receipt = await say(store, "new")
    assert (receipt.event, receipt.turn) == (4, 4)


async def test_keys_are_remembered_for_a_week_at_least(tmp_path: Path) -> None:
    hasty = Retention(messages_s=DAY_S, seen_s=DAY_S)
    async with opened(tmp_path / "book.db") as store:
        await fill(store, 2)
        await prune_all(store, NOW + 6 * DAY_S, hasty)
        assert not (await say(store, "0")).is_new
        await prune_all(store, NOW + 8 * DAY_S, hasty)
        assert (await say(store, "0")).is_new


async def fill(store: SqliteStore, count: int) -> None:
    """Let messages be answered and their answers arrive."""
    gateway = await enter(store)
    for number in range(count):
        await say(store, f"{number}", "x" * 2000)
        (delivery,) = await answer(store, gateway, "y" * 2000)
        await arrive(store, gateway, delivery)


async def arrive(store: SqliteStore, gateway: Gateway, delivery: int) -> None:
    (claimed,) = await store.journal.claim_sends(gateway, NOW, (Budget("bot", 1, CAN),))
    assert claimed.delivery.id == delivery
    await store.journal.settle(claimed.claim, delivery, Sent((f"p{delivery}",)), CAN, NOW, NOW)


async def prune_all(store: SqliteStore, now: float, retention: Retention = KEEP) -> Pruned:
    total = Pruned(0, 0, 0, 0, is_done=False)
    while not total.is_done:
        pruned = await store.upkeep.prune(retention, now, rows_max=50)
        total = Pruned(
            total.events + pruned.events,
            total.turns + pruned.turns,
            total.deliveries + pruned.deliveries,
            total.keys + pruned.keys,
            pruned.is_done,
        )
    return total


# --- while it runs ----------------------------------------------------------------------------


async def test_a_backup_under_way_holds_nobody_up(tmp_path: Path) -> None:
    """Every copy is whole, whatever is being written meanwhile."""
    async with opened(tmp_path / "book.db") as store:
        gateway = await enter(store)
        is_over = asyncio.Event()

        async def work() -> int:
            number = 0
            while not is_over.is_set():
                await say(store, f"{number}")
                await answer(store, gateway, "one")
                number += 1
            return number

        working = asyncio.create_task(work())
        for number in range(3):
            await store.upkeep.backup(tmp_path / f"copy{number}")
        is_over.set()
        assert await working
    for number in range(3):
        async with opened(tmp_path / f"copy{number}") as copy:
            assert await copy.upkeep.check() == ()


async def test_the_size_counts_what_is_in_the_log_and_a_log_that_has_grown(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    async with opened(path) as store:
        before = await store.upkeep.size_bytes()
        await say(store, "1", "x" * 100_000)
        size = await store.upkeep.size_bytes()
        assert before + 90_000 < size < before + 200_000
        log = path.with_name("book.db-wal")
        with log.open("r+b") as grown:
            grown.truncate(file.LOG_BYTES_KEPT + 1000)
        assert await store.upkeep.size_bytes() == size + 1000


async def test_room_inside_the_file_is_room(tmp_path: Path) -> None:
    """A relay that was full once takes messages again when a house has fetched them."""
    store = SqliteStore.open(tmp_path / "relay.db")
    bounds = Bounds(parcels_max=100, bytes_max=100_000_000)
    for number in range(20):
        parcel = NewParcel(bot="help", key=str(number), payload=b"x" * 100_000)
        await store.parcels.keep(parcel, NOW)
    full = await store.upkeep.size_bytes()
    leased = await store.parcels.lease("help", "house", bounds, NOW, 60.0)
    ids = tuple(each.id for each in leased.parcels)
    assert await store.parcels.take("help", leased.lease, ids, NOW) == 20
    assert await store.upkeep.size_bytes() < full / 2
    await store.close()
