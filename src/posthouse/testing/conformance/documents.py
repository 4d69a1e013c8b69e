"""What every store must do with knowledge: bases, sources, documents, what changed, quarantine.

Each check gets fresh, empty ``Books``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.errors import Refused
from posthouse.store.access import Access
from posthouse.store.documents import PATH_BYTES_MAX, Documents, NewDocument, SourceKind
from posthouse.testing.conformance.checks import holds, raises, same

NOW = 1_750_000_000.0
PASSAGE = "help:guide.md#1f"


@dataclass(frozen=True)
class Books:
    """What the checks look at."""

    documents: Documents
    access: Access


async def _source(documents: Documents, place: str = "/docs", base: str = "help") -> int:
    await documents.add_base(base, NOW)
    return await documents.add_source(base, SourceKind.FOLDER, place, "{}", NOW)


def _new(source: int, path: str, body: bytes = b"words", *, base: str = "help") -> NewDocument:
    return NewDocument(
        base=base,
        source=source,
        path=path,
        title=path.title(),
        hash=f"hash of {body!r}",
        format="md",
        size_bytes=len(body),
        body=body,
    )


async def _revision(documents: Documents, base: str = "help") -> int:
    found = await documents.base(base)
    return -1 if found is None else found.revision


# --- bases and sources -----------------------------------------------------------------------


async def a_base_knows_what_is_in_it(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    await documents.put((_new(source, "a.md"), _new(source, "b.md", b"more words")), NOW + 1)
    found = await documents.base("help")
    holds(found is not None and found.changed_at == NOW + 1, "when it changed")
    same(found and (found.documents, found.size_bytes), (2, 15), "how much there is")
    await documents.add_base("help", NOW + 2)
    await documents.add_base("faq", NOW + 2)
    same(await documents.base("help"), found, "after it was made again")
    await documents.put((_new(source, "a.md", b"longer words"),), NOW + 3)
    (_, last) = await documents.documents("help")
    await documents.remove("help", (last.id,), NOW + 4)
    found = await documents.base("help")
    same(found and (found.documents, found.size_bytes), (1, 12), "after a change and a removal")
    same([base.name for base in await documents.bases()], ["faq", "help"], "all of them")
    same((await documents.bases())[1], found, "one that was made again")
    same(await documents.base("nothing"), None, "one that is not there")


async def a_source_is_entered_once(books: Books) -> None:
    documents = books.documents
    first = await _source(documents)
    again = await documents.add_source("help", SourceKind.FOLDER, "/docs", '{"a":1}', NOW + 5)
    other = await documents.add_source("help", SourceKind.URL, "/docs", "{}", NOW)
    same(again, first, "the same place")
    same([each.id for each in await documents.sources("help")], [first, other], "the sources")
    found = (await documents.sources())[0]
    same((found.options, found.added_at), ('{"a":1}', NOW), "its options, and when it was new")
    await documents.checked(first, "no such folder", NOW + 9)
    found = (await documents.sources("help"))[0]
    same((found.checked_at, found.problem), (NOW + 9, "no such folder"), "how it was found")
    await raises(
        Refused, documents.add_source("nothing", SourceKind.URL, "x", "{}", NOW), "no such base"
    )


async def a_source_goes_with_its_documents(books: Books) -> None:
    documents = books.documents
    gone, stays = await _source(documents), await _source(documents, "/more")
    await documents.put((_new(gone, "a.md"), _new(stays, "a.md")), NOW)
    before = await _revision(documents)
    await documents.remove_source(gone, NOW + 1)
    same([each.source for each in await documents.documents("help")], [stays], "what is left")
    (removed,) = await documents.changes("help", before)
    holds(removed.document is None, "an index learns it")
    await raises(Refused, documents.put((_new(gone, "b.md"),), NOW), "a document too late")
    await documents.remove_source(gone, NOW + 2)


async def a_base_goes_with_all_that_is_in_it(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    await documents.put((_new(source, "a.md"),), NOW)
    before = await _revision(documents)
    await documents.remove_base("help")
    same((await documents.bases(), await documents.sources()), ((), ()), "what is left")
    same(await documents.documents("help"), (), "its documents")
    holds([each.document for each in await documents.changes("help", before)] == [None], "changes")
    await raises(Refused, documents.put((_new(source, "b.md"),), NOW), "a document too late")


async def a_base_that_is_made_anew_is_no_older(books: Books) -> None:
    """An index beside the book may still have what was in the first one."""
    documents = books.documents
    source = await _source(documents)
    await documents.put((_new(source, "a.md"), _new(source, "b.md")), NOW)
    before = await _revision(documents)
    await documents.remove_base("help")
    source = await _source(documents)
    await documents.put((_new(source, "c.md"),), NOW)
    changed = await documents.changes("help", before)
    same([each.document and each.document.path for each in changed], [None, None, "c.md"], "all")


# --- documents -------------------------------------------------------------------------------


async def a_document_is_kept_as_it_was_read(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    body = bytes(range(256))
    await documents.put((_new(source, "指南/a.md", body),), NOW)
    (listed,) = await documents.documents("help")
    same((listed.path, listed.title, listed.changed_at), ("指南/a.md", "指南/A.Md", NOW), "it")
    same(await documents.document(listed.id), (listed, body), "it, with its body")
    same(await documents.document(listed.id + 1), None, "another number")


async def a_document_is_replaced_in_its_place(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    await documents.put((_new(source, "a.md"),), NOW)
    (before,) = await documents.documents("help")
    await documents.put((_new(source, "a.md", b"other words"),), NOW + 1)
    (after,) = await documents.documents("help")
    same(after.id, before.id, "its number")
    holds(after.revision > before.revision and after.hash != before.hash, "it is another now")
    found = await documents.document(after.id)
    same(found and found[1], b"other words", "its body")


async def documents_come_in_order_page_by_page(books: Books) -> None:
    documents = books.documents
    first, second = await _source(documents), await _source(documents, "/more")
    paths = ("B", "a", "b", "ä", "中")
    await documents.put(tuple(_new(second, path) for path in reversed(paths)), NOW)
    await documents.put((_new(first, "z"),), NOW)
    listed = [each.path for each in await documents.documents("help")]
    same(listed, ["z", *paths], "all, by source and path, in the order of their letters' bytes")
    page = await documents.documents("help", second, limit=2)
    same([each.path for each in page], ["B", "a"], "the first page")
    page = await documents.documents("help", second, after="a", limit=2)
    same([each.path for each in page], ["b", "ä"], "the second")


async def too_long_a_path_is_refused_with_all_that_came_with_it(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    before = await _revision(documents)
    both = (_new(source, "a.md"), _new(source, "长" * (PATH_BYTES_MAX // 3 + 1)))
    await raises(Refused, documents.put(both, NOW), "too long a path")
    same(await documents.documents("help"), (), "what was entered")
    same(await _revision(documents), before, "the revision")
    await documents.put((_new(source, "长" * (PATH_BYTES_MAX // 3)),), NOW)
    same(len(await documents.documents("help")), 1, "one that just fits")


# --- what changed ----------------------------------------------------------------------------


async def every_change_is_learnt_once(books: Books) -> None:
    documents = books.documents
    source = await _source(documents)
    await documents.put(tuple(_new(source, f"{number}.md") for number in range(5)), NOW)
    first, *_, last = await documents.documents("help")
    await documents.remove("help", (last.id, last.id + 99), NOW)
    await documents.put((_new(source, "0.md", b"newer"),), NOW)
    seen: list[tuple[int, bytes]] = []
    after = 0
    while page := await documents.changes("help", after, limit=2):
        holds(len(page) <= 2, "a page is no longer than wanted")
        seen += [(each.document_id, each.body) for each in page]
        after = page[-1].revision
    numbers = [number for number, _ in seen]
    same(len(numbers), len({*numbers}), "a document comes once")
    same(seen[-1], (first.id, b"newer"), "the newest change comes last")
    holds((last.id, b"") in seen, "what was removed comes without a body")
    same(after, await _revision(documents), "the base's revision is that of its last change")


async def bases_change_apart(books: Books) -> None:
    documents = books.documents
    source, other = await _source(documents), await _source(documents, base="faq")
    await documents.put((_new(source, "a.md"),), NOW)
    same((await _revision(documents), await _revision(documents, "faq")), (1, 0), "revisions")
    (document,) = await documents.documents("help")
    await documents.remove("faq", (document.id,), NOW)
    same(len(await documents.documents("help")), 1, "what another base may not remove")
    mixed = (_new(other, "a.md", base="faq"), _new(source, "b.md"))
    await raises(ValueError, documents.put(mixed, NOW), "documents of two bases")


# --- quarantine ------------------------------------------------------------------------------


async def a_passage_in_quarantine_outlives_its_base(books: Books) -> None:
    """Whoever removes a base and adds it again does not mean to tell everybody again."""
    documents = books.documents
    await _source(documents)
    await documents.quarantine("help", PASSAGE, "operator:ann", NOW)
    same(await documents.quarantined("help"), frozenset({PASSAGE}), "what nobody is told")
    same(await documents.quarantined("faq"), frozenset(), "of another base")
    await documents.remove_base("help")
    same(await documents.quarantined("help"), frozenset({PASSAGE}), "still")
    await documents.release("help", PASSAGE, "operator:ann", NOW)
    same(await documents.quarantined("help"), frozenset(), "after its release")


async def quarantine_is_audited_once(books: Books) -> None:
    documents = books.documents
    for _ in range(2):
        await documents.quarantine("help", PASSAGE, "operator:ann", NOW)
    for _ in range(2):
        await documents.release("help", PASSAGE, "operator:bob", NOW + 1)
    lines = await books.access.audit_lines()
    same(
        [(line.author, line.action, line.subject, line.at) for line in lines],
        [
            ("operator:bob", "release", f"passage:{PASSAGE}", NOW + 1),
            ("operator:ann", "quarantine", f"passage:{PASSAGE}", NOW),
        ],
        "the audit",
    )
