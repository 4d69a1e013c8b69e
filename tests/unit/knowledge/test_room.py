"""What the settings declare is what the house reads, and what they name no more is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from posthouse.knowledge.library import Library
from posthouse.knowledge.room import ReadingRoom
from posthouse.knowledge.sources.catalogue import enter
from posthouse.knowledge.sources.grounds import ANYWHERE, Grounds
from posthouse.knowledge.sources.place import Options
from posthouse.model.errors import OperatorMistake
from posthouse.settings.settings import KnowledgeSettings
from posthouse.store.documents import Documents, SourceKind
from posthouse.store.sqlite.store import open_memory_store

NOW = 1_700_000_000.0


class Rests:
    """A sleep that tells when it was begun, and ends when a test says so."""

    def __init__(self) -> None:
        self.begun = asyncio.Semaphore(0)
        self._go_on = asyncio.Semaphore(0)

    async def __call__(self, _seconds: float) -> None:
        self.begun.release()
        await self._go_on.acquire()


@pytest.fixture
async def documents() -> AsyncIterator[Documents]:
    store = open_memory_store()
    yield store.documents
    await store.close()


def room_of(
    documents: Documents,
    folder: Path,
    rests: Rests,
    declared: Mapping[str, KnowledgeSettings],
    grounds: Grounds = ANYWHERE,
) -> ReadingRoom:
    library = Library(documents, folder)
    return ReadingRoom(documents, library, lambda: NOW, rests, "en", declared, grounds=grounds)


async def found(room: ReadingRoom, base: str, query: str) -> list[str]:
    await room.freshen((base,))
    return [hit.passage.text for hit in (await room.find((base,), query)).hits]


async def test_declared_sources_are_read_and_follow_the_settings(
    documents: Documents, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"The colour of {name} is known.")
    rests = Rests()
    declared = {"hr": KnowledgeSettings(sources=(str(tmp_path / "one"),))}
    room = room_of(documents, tmp_path / "index", rests, declared)
    await room.open()
    await rests.begun.acquire()
    assert await found(room, "hr", "colour") == ["The colour of one is known."]
    by_hand = await room.add("hr", str(tmp_path / "two"), Options())
    await room.settle({})
    assert [source.id for source in await documents.sources()] == [by_hand.id]
    await room.settle({"it": KnowledgeSettings(sources=(str(tmp_path / "one"), "/none"))})
    assert await found(room, "it", "colour") == ["The colour of one is known."]
    assert await found(room, "hr", "colour") == ["The colour of two is known."]
    await room.close()


async def test_a_declared_folder_that_is_missing_for_a_while_keeps_what_was_read(
    documents: Documents, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / "a.md").write_text("Kept on paper.")
    declared = {"hr": KnowledgeSettings(sources=(str(share),))}
    rests = Rests()
    room = room_of(documents, tmp_path / "index", rests, declared)
    await room.open()
    await rests.begun.acquire()
    share.rename(tmp_path / "away")
    await room.settle(declared)
    assert await found(room, "hr", "paper") == ["Kept on paper."]
    await room.close()


async def test_a_source_that_is_removed_while_it_is_read_leaves_nothing(
    documents: Documents, tmp_path: Path
) -> None:
    for number in range(300):
        (tmp_path / f"{number}.md").write_text(f"page {number}")
    room = room_of(documents, tmp_path / "index", Rests(), {})
    source = await room.add("hr", str(tmp_path), Options())
    await room.remove(source)
    assert await documents.sources() == ()
    assert await documents.documents("hr") == ()
    assert room.looking(source.id).progress is None
    await room.close()


async def test_a_site_that_is_removed_while_it_is_read_is_left_alone(
    documents: Documents, tmp_path: Path
) -> None:
    begun = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path != "/robots.txt":
            begun.set()
            await asyncio.Event().wait()
        return web.Response(status=404)

    application = web.Application()
    application.router.add_get("/{rest:.*}", answer)
    async with TestServer(application) as server:
        options = Options(is_private=True, pages_max=9)
        address = str(server.make_url("/"))
        source = await enter(documents, "hr", SourceKind.URL, address, NOW, options)
        room = room_of(documents, tmp_path / "index", Rests(), {})
        await room.open()
        await begun.wait()
        assert source.id in room.ingest.progress
        await room.remove(source)
        assert room.ingest.progress == {}
        await room.close()


async def test_the_houses_own_data_are_no_source(documents: Documents, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "media").mkdir(parents=True)
    (data / "media" / "note.md").write_text("Of somebody.")
    (tmp_path / "a.md").write_text("Of everybody.")
    (tmp_path / "link").symlink_to(data)
    room = room_of(documents, data, Rests(), {}, Grounds(data))
    for place in (data, data / "media", data / "media" / "note.md", tmp_path / "link"):
        with pytest.raises(OperatorMistake, match="folder of their own"):
            await room.add("hr", str(place), Options())
    await room.settle({"it": KnowledgeSettings(sources=(str(data / "media"),))})
    assert await documents.sources() == ()
    await room.add("hr", str(tmp_path), Options())
    assert await found(room, "hr", "somebody everybody") == ["Of everybody."]
    await room.close()


async def test_folders_outside_of_the_roots_are_no_sources(
    documents: Documents, tmp_path: Path
) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"The colour of {name} is known.")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "closed")
    grounds = Grounds(None, (tmp_path / "open",))
    room = room_of(documents, tmp_path / "index", Rests(), {}, grounds)
    for place in ("closed", "open/link", "open/../closed/a.md"):
        with pytest.raises(OperatorMistake, match="source_roots"):
            await room.add("hr", str(tmp_path / place), Options())
    await room.add("hr", str(tmp_path / "open" / "a.md"), Options())
    await room.settle({"it": KnowledgeSettings(sources=(str(tmp_path / "closed"),))})
    assert [source.base for source in await documents.sources()] == ["hr", "it"]
    await room.close()


async def test_a_base_goes_with_all_its_sources(documents: Documents, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Kept on paper.")
    room = room_of(documents, tmp_path / "index", Rests(), {})
    source = await room.add("hr", str(tmp_path), Options())
    await room.ingest.answer("hr", "How?", "So.")
    await room.ingest.answer("it", "How?", "So.")
    assert source.id in {each.id for each in await room.remove_base("hr")}
    assert [base.name for base in await documents.bases()] == ["it"]
    assert [each.base for each in await documents.sources()] == ["it"]
    assert room.looking(source.id).progress is None
    await room.close()
