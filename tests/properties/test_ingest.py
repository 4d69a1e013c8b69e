"""Whatever happens to a folder, after a look the book says what the folder says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.knowledge.ingest import Ingest
from posthouse.knowledge.passage import Extract
from posthouse.store.documents import Documents, Source, SourceKind
from posthouse.store.sqlite.store import open_memory_store

NAMES = ("a.md", "b.txt", "sub/c.md", "sub/d.md")
TEXTS = st.sampled_from(["one", "two", "call 13812345678", "", "\0\1\2" * 50])  # some unreadable

# Each look is preceded by some changes; None takes a file away.
CHANGES = st.dictionaries(st.sampled_from(NAMES), st.none() | TEXTS, max_size=3)


def change(folder: Path, wanted: Mapping[str, str | None]) -> None:
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)


async def told(documents: Documents) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in await documents.documents("docs"):
        whole = await documents.document(document.id)
        assert whole is not None
        assert bool(whole[1]) != bool(document.problem)  # read as a whole, or a reason
        blocks = msgspec.json.decode(whole[1], type=Extract).blocks if whole[1] else ()
        found[document.path] = "".join(block.text for block in blocks)
    return found


def expected(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    said = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {
        name: "" if "\0" in text else text.replace("13812345678", "[phone]")
        for name, text in said.items()
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CHANGES, st.booleans()), min_size=1, max_size=6))
def test_the_book_says_what_the_folder_says(
    looks: list[tuple[dict[str, str | None], bool]],
) -> None:
    async def live(folder: Path) -> None:
        store = open_memory_store()
        await store.documents.add_base("docs", 1.0)
        number = await store.documents.add_source("docs", SourceKind.FOLDER, str(folder), "{}", 1.0)
        source = Source(id=number, base="docs", kind=SourceKind.FOLDER, place=str(folder))
        ingest = Ingest(store.documents, lambda: 1.0, "en")
        for wanted, is_new_process in looks:
            change(folder, wanted)
            if is_new_process:
                ingest = Ingest(store.documents, lambda: 1.0, "en")
            await ingest.sync(source)
            assert await told(store.documents) == expected(folder)
            assert (await ingest.sync(source)).same == len(expected(folder))
        await store.close()

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(live(Path(name)))
