"""Vectors and ranks help where there are any; a search goes on without them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from posthouse.bootstrap import build_reading_room
from posthouse.knowledge.library import Library
from posthouse.knowledge.meanings import REST_S, Meanings
from posthouse.knowledge.vectors import Vectors
from posthouse.model.errors import TryLater
from posthouse.settings.settings import EndpointSettings, Settings
from posthouse.store.sqlite.store import open_memory_store
from posthouse.world import World
from tests.unit.knowledge.desk import BASE, Desk

SICK, HOLIDAY, ELSE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
MEANINGS = {"病": SICK, "ill": SICK, "假期": HOLIDAY, "vacation": HOLIDAY}


class Words:
    """An embedder that knows a few words."""

    name = "words"

    def __init__(self) -> None:
        self.is_broken = self.is_closed = False
        self.calls = 0
        self.more: tuple[float, ...] = ()  # numbers of each vector
        self.refused = "\0"  # texts that hold it have none

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        self.calls += 1
        if self.is_broken:
            raise TryLater("no model")
        return tuple(() if self.refused in text else self._vector(text) for text in texts)

    def _vector(self, text: str) -> tuple[float, ...]:
        known = (vector for word, vector in MEANINGS.items() if word in text)
        return next(known, ELSE) + self.more

    async def close(self) -> None:
        self.is_closed = True


class Backwards:
    """A reranker that likes the last one best."""

    def __init__(self) -> None:
        self.is_broken = self.is_closed = False
        self.calls = 0

    async def rank(self, query: str, texts: tuple[str, ...]) -> tuple[float, ...]:
        self.calls += 1
        if self.is_broken:
            raise TryLater("no model")
        return tuple(float(place) for place in range(len(texts)))

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = open_memory_store()
    made = Desk(store, tmp_path)
    await made.say("a.md", "生病请先告诉组长。")
    await made.say("b.md", "假期按年计算。")
    yield made
    await made.library.close()
    await store.close()


async def settled(library: Library) -> None:
    """Wait until the model has seen all passages."""
    task = library._shelves[BASE]._embedding
    assert task is not None
    await task


async def test_what_says_the_same_in_other_words_is_found(desk: Desk) -> None:
    desk.library = Library(desk.documents, desk.folder, Words())
    assert await desk.paths("I feel ill") == []
    await settled(desk.library)
    assert (await desk.paths("I feel ill"))[0] == "a.md"
    assert (await desk.paths("vacation"))[0] == "b.md"


async def test_a_changed_document_has_no_vector_of_its_old_words(desk: Desk) -> None:
    desk.library = Library(desk.documents, desk.folder, Words())
    await desk.paths("ill")
    await settled(desk.library)
    await desk.say("a.md", "假期要申请。")
    await desk.paths("ill")
    await settled(desk.library)
    assert await desk.paths("ill") == []


async def test_a_model_that_fails_is_left_alone_and_words_are_searched(desk: Desk) -> None:
    embedder, reranker = Words(), Backwards()
    embedder.is_broken = reranker.is_broken = True
    desk.library = Library(desk.documents, desk.folder, embedder, reranker)
    await desk.say("c.md", "假期表在公告栏。")
    for _ in range(3):
        assert set(await desk.paths("假期")) == {"b.md", "c.md"}
    assert (embedder.calls, reranker.calls) == (1, 1)
    await desk.library.close()
    assert (embedder.is_closed, reranker.is_closed) == (True, True)


async def test_a_reranker_changes_the_order_and_never_the_scale(desk: Desk) -> None:
    await desk.say("c.md", "假期表在公告栏，假期很多。")
    plain = (await desk.library.find((BASE,), "假期")).hits
    await desk.library.close()
    desk.library = Library(desk.documents, desk.folder, reranker=Backwards())
    ranked = (await desk.library.find((BASE,), "假期")).hits
    assert [hit.passage for hit in ranked] == [hit.passage for hit in reversed(plain)]
    assert [hit.score for hit in ranked] == [hit.score for hit in plain]


async def test_vectors_of_another_size_are_not_compared(desk: Desk) -> None:
    desk.library = Library(desk.documents, desk.folder, Words())
    await desk.paths("ill")
    await settled(desk.library)
    shelf = desk.library._shelves[BASE]
    known = await desk.documents.base(BASE)
    assert known is not None

    def nearest(vectors: Vectors) -> tuple[dict[str, float], dict[str, float]]:
        return (
            vectors.nearest("words", (1.0, 0.0), 5),
            vectors.nearest("another", (1.0, 0.0, 0.0), 5),
        )

    assert await shelf.ask(lambda index: nearest(index.vectors), known) == ({}, {})


async def test_what_words_have_found_is_compared_though_it_is_far(desk: Desk) -> None:
    desk.library = Library(desk.documents, desk.folder, Words())
    await desk.say("c.md", "vacation, vacation, vacation: 病 is something else.")
    await desk.say("d.md", "vacation is paid.")
    await desk.paths("vacation")
    await settled(desk.library)
    assert (await desk.paths("vacation"))[0] == "d.md"


async def test_a_model_that_was_exchanged_behind_its_name_sees_everything_anew(desk: Desk) -> None:
    embedder = Words()
    desk.library = Library(desk.documents, desk.folder, embedder)
    await desk.paths("ill")
    await settled(desk.library)
    embedder.more = (0.0,)
    assert await desk.paths("ill") == []
    await settled(desk.library)
    assert (await desk.paths("ill"))[0] == "a.md"


class Fickle(Words):
    """A model whose vectors of passages have another size than those of questions."""

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        self.more = (0.0,) if len(texts) > 1 else ()
        return await super().embed(texts)


async def test_vectors_of_changing_sizes_are_not_asked_for_without_end(desk: Desk) -> None:
    embedder = Fickle()
    desk.library = Library(desk.documents, desk.folder, embedder)
    assert await desk.paths("假期") == ["b.md"]
    await settled(desk.library)
    assert embedder.calls == 2


async def test_a_passage_that_a_model_refuses_is_asked_for_once(desk: Desk) -> None:
    embedder = Words()
    embedder.refused = "病"
    desk.library = Library(desk.documents, desk.folder, embedder)
    await desk.paths("vacation")
    await settled(desk.library)
    assert (await desk.paths("vacation")) == ["b.md"]
    await settled(desk.library)
    assert embedder.calls == 3  # two questions, and all passages at once
    assert (await desk.paths("生病"))[0] == "a.md"  # a question without a meaning, by its words


async def test_vectors_for_which_the_disk_has_no_room_do_no_harm(desk: Desk) -> None:
    desk.library = Library(desk.documents, desk.folder, Words())
    await desk.paths("假期")
    index = desk.library._shelves[BASE]._index
    assert index is not None
    index._db.pragma("query_only", 1)
    await settled(desk.library)
    assert await desk.paths("假期") == ["b.md"]
    await desk.library.close()


async def test_each_time_a_model_fails_is_told_once() -> None:
    embedder = Words()
    now = 0.0
    meanings = Meanings(embedder, lambda: now)
    with structlog.testing.capture_logs() as told:
        for is_broken in (True, True, False, True):
            embedder.is_broken = is_broken
            await meanings.of("ill")
            now += REST_S
    assert [each["event"] for each in told] == ["embedder_failed"] * 2


async def test_helpers_that_the_settings_name_are_asked(tmp_path: Path) -> None:
    endpoint = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="bge")
    settings = Settings(data=tmp_path, embedding=endpoint, reranking=endpoint)
    store = open_memory_store()
    library = build_reading_room(settings, store, World())._library
    assert isinstance(library, Library)
    assert library._meanings is not None
    assert library._meanings.model == "bge"
    assert library._reranker is not None
    await library.close()
    await store.close()
