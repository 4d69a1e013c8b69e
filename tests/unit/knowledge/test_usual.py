"""Which bases answer a question, and that each catches up once before it does."""

from collections.abc import Sequence

import pytest

from posthouse.knowledge.ingest import Ingest
from posthouse.knowledge.sources.built_in import BASE as BUILT_IN
from posthouse.knowledge.usual import bases_for
from posthouse.store.sqlite.store import open_memory_store


class Catching:
    """Lets bases catch up with nothing, unless one is to hold something by then."""

    def __init__(self, ingest: Ingest, fills: str) -> None:
        self._ingest = ingest
        self._fills = fills
        self.asked: list[str] = []

    async def freshen(self, bases: Sequence[str]) -> None:
        self.asked += bases
        if self._fills in bases:
            await self._ingest.answer(self._fills, "How?", "So.")


@pytest.mark.parametrize(
    ("filled", "fills", "named", "answering", "asked"),
    [
        ((), "", (), (BUILT_IN,), ["empty", BUILT_IN]),
        (("b", "a"), "", (), ("a", "b"), ["a", "b", "empty"]),
        ((BUILT_IN,), "", (), (BUILT_IN,), ["empty", BUILT_IN]),
        ((BUILT_IN, "a"), "", (), ("a",), ["a", "empty"]),
        (("a",), "empty", (), ("a", "empty"), ["a", "empty"]),
        (("a", "b"), "", ("b",), ("b",), ["b"]),
        (("a",), "", (BUILT_IN, "empty"), (BUILT_IN, "empty"), [BUILT_IN, "empty"]),
    ],
)
async def test_bases_that_hold_something_answer_else_the_documentation(
    filled: tuple[str, ...],
    fills: str,
    named: tuple[str, ...],
    answering: tuple[str, ...],
    asked: list[str],
) -> None:
    store = open_memory_store()
    ingest = Ingest(store.documents, lambda: 1.0)
    await store.documents.add_base("empty", 1.0)
    for base in filled:
        await ingest.answer(base, "How?", "So.")
    catching = Catching(ingest, fills)
    assert await bases_for(store.documents, catching.freshen, named) == answering
    assert catching.asked == asked
    await store.close()
