"""The library searches what the book says now, whatever has happened to its files."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.knowledge import library
from posthouse.knowledge.passage import Block, Extract
from posthouse.knowledge.shelf import file_name
from posthouse.model.errors import TryLater
from posthouse.store.documents import NewDocument
from posthouse.store.sqlite.store import open_memory_store
from tests.unit.knowledge.desk import BASE, Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = open_memory_store()
    made = Desk(store, tmp_path / "indexes")
    yield made
    await made.library.close()
    await store.close()


async def test_nothing_is_opened_before_the_first_question(desk: Desk) -> None:
    await desk.say("a.md", "飞书")
    assert not desk.folder.exists()
    await desk.paths("飞书")
    assert [path.name for path in desk.folder.glob("*.db")] == ["kb-handbook.db"]


async def test_an_edited_document_is_right_at_the_next_question(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    assert await desk.paths("会议室在三楼") == ["a.md"]
    await desk.say("a.md", "食堂关门了。")
    assert await desk.paths("会议室在三楼") == []
    assert await desk.paths("食堂关门") == ["a.md"]


async def test_a_removed_document_is_gone_at_the_next_question(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.say("b.md", "会议室在四楼。")
    assert set(await desk.paths("会议室")) == {"a.md", "b.md"}
    await desk.remove("a.md")
    assert await desk.paths("会议室") == ["b.md"]


async def test_a_file_that_was_deleted_or_damaged_is_made_anew(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.paths("会议室")
    for damage in (b"", b"no index" * 1000):
        await desk.library.close()
        (desk.folder / file_name(BASE)).write_bytes(damage)
        assert await desk.paths("会议室") == ["a.md"]


async def test_a_damaged_file_is_made_anew_for_all_who_ask_at_once(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.paths("会议室")
    await desk.library.close()
    (desk.folder / file_name(BASE)).write_bytes(b"no index" * 1000)
    answers = await asyncio.gather(*(desk.paths("会议室") for _ in range(8)))
    assert answers == [["a.md"]] * 8


async def test_a_file_that_is_damaged_while_it_is_open_is_made_anew(desk: Desk) -> None:
    for number in range(50):
        await desk.say(f"{number}.md", f"会议室 {number} 在三楼。" * 40)
    await desk.paths("会议室")
    with (desk.folder / file_name(BASE)).open("r+b") as file:
        file.write(b"\xff" * 200_000)
    with contextlib.suppress(FileNotFoundError):
        (desk.folder / f"{file_name(BASE)}-wal").write_bytes(b"")
    await desk.say("a.md", "食堂在一楼。")
    assert (await desk.paths("食堂在一楼"))[0] == "a.md"


async def test_a_full_disk_is_said_and_spoils_nothing(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.paths("会议室")
    shelf = desk.library._shelves[BASE]
    assert shelf._index is not None
    shelf._index._db.pragma("max_page_count", shelf._index._db.pragma("page_count"))
    await desk.say("b.md", "食堂在一楼。" * 20_000)
    with pytest.raises(TryLater, match="check the disk"):
        await desk.paths("食堂")
    assert shelf._made_anew == 0
    shelf._index._db.pragma("max_page_count", 1_000_000)
    assert (await desk.paths("食堂"))[0] == "b.md"
    assert await desk.paths("会议室在三楼") == ["a.md"]


async def test_questions_come_in_while_documents_change(desk: Desk) -> None:
    await desk.say("a.md", "会议室在 0 楼。")
    for number in range(1, 10):
        asked = [asyncio.create_task(desk.paths("会议室")) for _ in range(3)]
        asked[0].cancel()
        await desk.say("a.md", f"会议室在 {number} 楼。")
        assert await asyncio.gather(*asked[1:]) == [["a.md"]] * 2
    found = await desk.library.find((BASE,), "会议室")
    assert [hit.passage.text for hit in found.hits] == ["会议室在 9 楼。"]
    assert desk.library._shelves[BASE]._made_anew == 0


async def test_the_base_that_was_asked_longest_ago_is_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "SHELVES_MAX", 2)
    for base in ("one", "two", "three"):
        await desk.say("a.md", "会议室在三楼。", base=base)
        assert await desk.paths("会议室", base) == ["a.md"]
    assert list(desk.library._shelves) == ["two", "three"]
    assert await desk.paths("会议室", "one", "two", "three") == ["a.md"] * 3


async def test_what_is_prepared_needs_no_waiting(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.library.prepare(BASE)
    await desk.library.prepare("missing")
    index = desk.library._shelves[BASE]._index
    assert index is not None
    assert index.counts() == (1, 1)


async def test_a_book_that_was_restored_is_read_again(desk: Desk, tmp_path: Path) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.say("b.md", "食堂在一楼。")
    await desk.paths("会议室")
    await desk.library.close()
    older = open_memory_store()
    again = Desk(older, desk.folder)
    await again.say("c.md", "停车场在地下。")
    assert await again.paths("会议室") == []
    assert await again.paths("停车场") == ["c.md"]
    await again.library.close()
    await older.close()


async def test_several_bases_are_searched_together(desk: Desk) -> None:
    await desk.say("a.md", "打印机在二楼。", base="office")
    await desk.say("b.md", "The printer needs paper; 打印机缺纸时加纸。", base="it")
    assert set(await desk.paths("打印机", "office", "it", "missing")) == {"a.md", "b.md"}


async def test_a_base_that_is_gone_holds_nothing_and_leaves_no_file(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    await desk.paths("会议室")
    await desk.documents.remove_base(BASE)
    assert await desk.paths("会议室") == []
    assert list(desk.folder.glob("kb-*")) == []
    await desk.say("b.md", "食堂在一楼。")
    assert await desk.paths("会议室 食堂") == ["b.md"]


async def test_what_is_under_quarantine_is_told_to_nobody(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    found = await desk.library.find((BASE,), "会议室")
    await desk.documents.quarantine(BASE, found.hits[0].passage.key, "ann", 1.0)
    found = await desk.library.find((BASE,), "会议室")
    assert found.hits == ()
    assert found.trigram_top == ()


async def test_a_fixed_answer_is_said_to_its_question_only(desk: Desk) -> None:
    answer = Extract("上班", (Block("九点。"),), is_exact=True, question="几点上班？")
    await desk.write("上班", answer)
    said = (await desk.library.find((BASE,), "  几点上班")).exact
    assert said is not None
    assert said.text == "九点。"
    assert (await desk.library.find((BASE,), "几点下班")).exact is None


async def test_a_passage_is_found_by_its_key_until_it_says_something_else(desk: Desk) -> None:
    await desk.say("docs/a#b:c.md", "会议室在三楼。")
    passage = (await desk.library.find((BASE,), "会议室")).hits[0].passage
    assert await desk.library.passage(passage.key) == passage
    await desk.say("docs/a#b:c.md", "会议室在四楼。")
    assert await desk.library.passage(passage.key) is None
    assert await desk.library.passage("nonsense") is None


async def test_a_body_that_cannot_be_read_spoils_nothing_else(desk: Desk) -> None:
    await desk.say("a.md", "会议室在三楼。")
    source = (await desk.documents.sources(BASE))[0].id
    broken = NewDocument(
        base=BASE,
        source=source,
        path="b.md",
        title="b",
        hash="",
        format="md",
        size_bytes=3,
        body=b"{no",
    )
    await desk.documents.put((broken,), 2.0)
    assert await desk.paths("会议室") == ["a.md"]


@pytest.mark.parametrize("base", ["中文名字", "../../etc", "a/b", "x" * 300, "."])
async def test_a_base_may_have_any_name(desk: Desk, base: str) -> None:
    await desk.say("a.md", "会议室在三楼。", base=base)
    assert await desk.paths("会议室", base) == ["a.md"]
    assert [path.parent for path in desk.folder.rglob("*.db")] == [desk.folder]
