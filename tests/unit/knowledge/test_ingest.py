"""What the book has is what the sources say: new, changed, gone, and wrong."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from posthouse.knowledge.formats.request import Request
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.ingest import Ingest, Report
from posthouse.knowledge.keeping import Keeping
from posthouse.knowledge.passage import Extract
from posthouse.knowledge.reading import Reading
from posthouse.knowledge.sources.place import Options
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import Documents, Source, SourceKind
from posthouse.store.sqlite.store import open_memory_store
from tests.unit.knowledge import files

NOW = 1_700_000_000.0
BASE = "docs"


@pytest.fixture
async def documents() -> AsyncIterator[Documents]:
    store = open_memory_store()
    await store.documents.add_base(BASE, NOW)
    yield store.documents
    await store.close()


@pytest.fixture
def ingest(documents: Documents) -> Ingest:
    return Ingest(documents, lambda: NOW, "en")


AS_USUAL = Options()


async def folder_of(documents: Documents, path: Path, options: Options = AS_USUAL) -> Source:
    told = msgspec.json.encode(options).decode()
    number = await documents.add_source(BASE, SourceKind.FOLDER, str(path), told, NOW)
    return next(source for source in await documents.sources(BASE) if source.id == number)


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, report.same


async def texts(documents: Documents) -> dict[str, str]:
    """What the book says of each document."""
    found: dict[str, str] = {}
    for document in await documents.documents(BASE):
        whole = await documents.document(document.id)
        assert whole is not None
        extract = msgspec.json.decode(whole[1], type=Extract) if whole[1] else Extract("", ())
        found[document.path] = "\n".join(block.text for block in extract.blocks)
    return found


async def test_only_what_has_changed_is_written(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(f"# {name}\n\nfirst")
    source = await folder_of(documents, tmp_path)
    assert counts(await ingest.sync(source)) == (3, 0, 0, 0)
    assert counts(await ingest.sync(source)) == (0, 0, 0, 3)
    revision = (await documents.bases())[0].revision
    (tmp_path / "a.md").write_text("# a.md\n\nsecond")
    (tmp_path / "b.md").unlink()
    (tmp_path / "d.md").write_text("new")
    assert counts(await ingest.sync(source)) == (1, 1, 1, 1)
    assert await texts(documents) == {"a.md": "second", "c.md": "first", "d.md": "new"}
    (changes, _, _) = await documents.changes(BASE, revision)
    assert changes.document is not None
    assert (await documents.sources(BASE))[0].checked_at == NOW


async def test_a_new_process_compares_by_what_is_in_the_files(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("same")
    source = await folder_of(documents, tmp_path)
    await ingest.sync(source)
    os.utime(tmp_path / "a.md", (1, 1))
    assert counts(await Ingest(documents, lambda: NOW).sync(source)) == (0, 0, 0, 1)


async def test_what_is_wrong_with_a_file_is_written_down_and_the_rest_is_read(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "locked.pdf").write_bytes(files.encrypted_pdf())
    (tmp_path / "key.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\nabc")
    source = await folder_of(documents, tmp_path)
    report = await ingest.sync(source)
    assert set(report.problems) == {"locked.pdf", "key.txt"}
    assert "password" in report.problems["locked.pdf"]
    assert await texts(documents) == {"good.md": "good", "locked.pdf": "", "key.txt": ""}
    by_path = {each.path: each for each in await documents.documents(BASE)}
    assert by_path["key.txt"].problem == report.problems["key.txt"]
    again = await ingest.sync(source)
    assert (again.same, again.problems) == (3, report.problems)
    (tmp_path / "locked.pdf").write_bytes(files.pdf(["Open now."]))
    mended = await ingest.sync(source)
    assert set(mended.problems) == {"key.txt"}
    assert (await texts(documents))["locked.pdf"] == "Open now."


async def test_a_folder_that_is_gone_leaves_what_was_read(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    place = tmp_path / "share"
    place.mkdir()
    (place / "a.md").write_text("kept")
    source = await folder_of(documents, place)
    await ingest.sync(source)
    place.rename(tmp_path / "away")
    report = await ingest.sync(source)
    assert "does not exist" in report.problem
    assert (await documents.sources(BASE))[0].problem == report.problem
    assert await texts(documents) == {"a.md": "kept"}


async def test_nothing_personal_is_stored(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("# Call 13812345678\n\nor 13912345678\n")
    (tmp_path / "t.csv").write_text("问题,答案,备注\n怎么退款,打 13712345678,机密\n")
    source = await folder_of(documents, tmp_path)
    await ingest.sync(source)
    seen = f"{await documents.documents(BASE)} {await texts(documents)}"
    assert "[phone]" in seen
    assert "[电话]" in seen
    assert not any(secret in seen for secret in ("1381234", "1391234", "1371234", "机密"))


async def test_other_options_read_everything_again(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("13812345678")
    await ingest.sync(await folder_of(documents, tmp_path))
    bare = await folder_of(documents, tmp_path, Options(is_masked=False))
    assert counts(await Ingest(documents, lambda: NOW).sync(bare)) == (0, 1, 0, 0)
    assert await texts(documents) == {"a.md": "13812345678"}


async def test_two_syncs_of_a_source_go_one_after_the_other(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    for number in range(200):
        (tmp_path / f"{number}.md").write_text(f"page {number}")
    source = await folder_of(documents, tmp_path)
    first, second = await asyncio.gather(ingest.sync(source), ingest.sync(source))
    assert (first.added, second.added, second.same) == (200, 0, 200)
    assert ingest.progress == {}


async def test_an_upload_replaces_one_of_the_same_name(
    documents: Documents, ingest: Ingest
) -> None:
    await ingest.upload("hr", "rules.md", b"old")
    await ingest.upload("hr", "rules.md", b"new")
    broken = await ingest.upload("hr", "photo.png", b"\x89PNG\r\n\x1a\n\0\0")
    assert "not read" in broken.problem
    titles = [(each.path, each.problem) for each in await documents.documents("hr")]
    assert titles == [("photo.png", broken.problem), ("rules.md", "")]


async def test_a_fixed_answer_is_a_document(documents: Documents, ingest: Ingest) -> None:
    await ingest.answer(BASE, "  怎么 报销？ ", "找财务。")
    await ingest.answer(BASE, "怎么 报销？", "用报销系统。")
    ((entry, body),) = [
        found
        for each in await documents.documents(BASE)
        if (found := await documents.document(each.id))
    ]
    extract = msgspec.json.decode(body, type=Extract)
    assert (entry.path, entry.format) == ("怎么 报销？", "faq")
    assert (extract.is_exact, extract.question) == (True, "怎么 报销？")
    assert extract.blocks[0].text == "用报销系统。"
    with pytest.raises(OperatorMistake):
        await ingest.answer(BASE, " ", "nothing")


# ── the process that reads wild files ────────────────────────────────────────────────────────


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read() -> None:
    async with Reading(read_within_s=0.001) as reading:  # no process starts so quickly
        with pytest.raises(Unreadable, match="longer than"):
            await reading.read(files.docx(), Request("slow.docx"))
        reading._within_s = 30.0
        assert (await reading.read(files.docx(), Request("a.docx"))).title == "Travel"


async def test_a_large_text_is_read_apart_like_a_small_one() -> None:
    async with Reading() as reading:
        (small,) = (await reading.read(b"call 13812345678", Request("a.txt"))).blocks
        at_first = reading._process
        large = (await reading.read(b"call 13812345678\n\n" * 20_000, Request("a.txt"))).blocks
        assert (at_first is None, reading._process is None) == (True, False)
    assert small.text == large[0].text == "call [phone]"
    assert len(large) == 20_000


async def test_a_reader_that_dies_takes_nobody_along() -> None:
    async with Reading() as reading:
        await reading.read(files.docx(), Request("a.docx"))
        assert reading._process is not None
        reading._process.kill()
        with pytest.raises(Unreadable, match="broke"):
            await reading.read(files.docx(), Request("a.docx"))
        assert (await reading.read(files.docx(), Request("a.docx"))).title == "Travel"


# ── keeping up ───────────────────────────────────────────────────────────────────────────────


async def never(_seconds: float) -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def keeping(documents: Documents, ingest: Ingest) -> AsyncIterator[Keeping]:
    keeping = Keeping(documents, ingest, lambda: NOW, never, lambda _base: 60.0)
    yield keeping
    await keeping.close()


async def test_what_was_edited_counts_for_the_next_question(
    documents: Documents, keeping: Keeping, tmp_path: Path
) -> None:
    await folder_of(documents, tmp_path)
    for said in ("one", "two", "six"):  # of the same length, at the same moment
        (tmp_path / "a.md").write_text(said)
        keeping._rest_until.clear()  # as if a moment had gone by
        await keeping.freshen((BASE,))
        assert await texts(documents) == {"a.md": said}
    (tmp_path / "a.md").unlink()
    keeping._rest_until.clear()
    await keeping.freshen((BASE,))
    assert await texts(documents) == {}


async def test_the_documentation_of_the_house_is_there_when_it_is_asked_for(
    documents: Documents, keeping: Keeping
) -> None:
    await keeping.freshen((BASE,))
    assert [base.name for base in await documents.bases()] == [BASE]
    await keeping.freshen(("posthouse",))
    paths = {each.path for each in await documents.documents("posthouse")}
    assert {"README.md", "README.zh-CN.md", "docs/how-to/feishu.md"} <= paths


async def test_sources_are_looked_through_when_they_are_due(
    documents: Documents, ingest: Ingest, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("one")
    await folder_of(documents, tmp_path)
    await documents.add_source(BASE, SourceKind.FOLDER, str(tmp_path / "none"), "{}", NOW)
    clock, looked = [NOW], asyncio.Semaphore(0)
    go = asyncio.Semaphore(0)

    async def sleep(_seconds: float) -> None:
        looked.release()
        await go.acquire()

    later = Ingest(documents, lambda: clock[0])
    keeping = Keeping(documents, later, lambda: clock[0], sleep, lambda _base: 60.0)
    running = asyncio.create_task(keeping.run())
    await looked.acquire()
    assert await texts(documents) == {"a.md": "one"}
    for passed_s, expected in ((59.0, "one"), (60.0, "two")):
        (tmp_path / "a.md").write_text("two")
        clock[0] = NOW + passed_s
        go.release()
        await looked.acquire()
        assert await texts(documents) == {"a.md": expected}
    running.cancel()
