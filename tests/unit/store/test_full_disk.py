"""A full disk: nothing is acknowledged that is not written, and all goes on when there is space."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.model.errors import StorageFull
from posthouse.store.sqlite.store import SqliteStore
from tests.unit.store.book import NOW, PLACE, arrival, opened, say

DISK_BYTES = 2 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root on Linux")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def until_full(store: SqliteStore) -> int:
    """Accept long messages until the disk is full; returns how many were acknowledged."""
    chat = await store.chats.resolve(PLACE, NOW)
    for number in range(DISK_BYTES):
        try:
            await store.journal.accept((arrival(chat, f"{number}", "x" * 20_000),), NOW)
        except StorageFull:
            return number
    raise AssertionError("the disk never became full")


async def test_what_was_acknowledged_is_there_and_the_house_goes_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (DISK_BYTES // 4))
    async with opened(small_disk / "book.db") as store:
        acknowledged = await until_full(store)
        assert acknowledged > 5
        with pytest.raises(StorageFull):
            await say(store, "still full", "x" * 20_000)
        chat = await store.chats.resolve(PLACE, NOW)
        assert len(await store.reader.recent(chat.id, 1000)) == acknowledged
        ballast.unlink()
        assert (await say(store, "space again", "x" * 20_000)).is_new
    async with opened(small_disk / "book.db") as store:
        assert len(await store.reader.recent(chat.id, 1000)) == acknowledged + 1
        assert await store.upkeep.check() == ()


async def test_a_backup_that_does_not_fit_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    async with opened(tmp_path / "book.db") as store:
        chat = await store.chats.resolve(PLACE, NOW)
        for number in range(DISK_BYTES // 20_000 + 10):
            await store.journal.accept((arrival(chat, f"{number}", "x" * 20_000),), NOW)
        with pytest.raises(StorageFull):
            await store.upkeep.backup(small_disk / "copy")
        assert not any(small_disk.iterdir())  # noqa: ASYNC240 - a tmpfs
        assert (await say(store, "more")).is_new
