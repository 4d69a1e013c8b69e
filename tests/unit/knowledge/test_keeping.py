"""Keeping up with sources beside each other."""

import asyncio
from pathlib import Path

from posthouse.knowledge.ingest import Ingest
from posthouse.knowledge.keeping import SITE_EVERY_S_MIN, Keeping
from posthouse.knowledge.sources.catalogue import enter, place_of
from posthouse.knowledge.sources.place import Fetched, Item, Options, Place
from posthouse.store.documents import Source, SourceKind
from posthouse.store.sqlite.store import open_memory_store


class Slow:
    """A site that never answers."""

    def __init__(self) -> None:
        self.times = 0
        self.asked = asyncio.Semaphore(0)

    async def items(self) -> tuple[Item, ...]:
        self.times += 1
        self.asked.release()
        await asyncio.Event().wait()
        return ()

    async def fetch(self, item: Item) -> Fetched:
        raise AssertionError(item)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.rounds = asyncio.Semaphore(0)
        self.go_on = asyncio.Semaphore(0)

    async def sleep(self, _seconds: float) -> None:
        self.rounds.release()
        await self.go_on.acquire()

    async def round_of(self, seconds: float) -> None:
        self.now += seconds
        self.go_on.release()
        await self.rounds.acquire()


async def test_a_site_is_read_beside_the_others_and_rarely(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Kept on paper.")
    store, slow, clock = open_memory_store(), Slow(), Clock()
    documents = store.documents

    def place(source: Source) -> Place:
        return slow if source.kind is SourceKind.URL else place_of(source)

    ingest = Ingest(documents, lambda: clock.now, "en", place)
    options, address = Options(pages_max=9), "https://a.cn/docs/"
    site = await enter(documents, "web", SourceKind.URL, address, clock.now, options)
    await enter(documents, "web", SourceKind.FOLDER, str(tmp_path), clock.now)
    await documents.checked(site.id, "", clock.now - SITE_EVERY_S_MIN + 60.0)
    keeping = Keeping(documents, ingest, lambda: clock.now, clock.sleep, lambda _: 60.0)
    running = asyncio.create_task(keeping.run())
    await clock.rounds.acquire()
    assert [each.path for each in await documents.documents("web")] == ["a.md"]
    assert slow.times == 0
    (tmp_path / "b.md").write_text("Kept on stone.")
    await clock.round_of(60.0)
    await slow.asked.acquire()
    assert [each.path for each in await documents.documents("web")] == ["a.md", "b.md"]
    await clock.round_of(60.0)
    assert slow.times == 1  # it is still at it
    await keeping.forget(site.id)
    await clock.round_of(60.0)
    await slow.asked.acquire()
    assert slow.times == 2
    await keeping.close()
    running.cancel()
    await store.close()
