"""知识: the bases, what is in them, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.faq import entry
from posthouse.console.house import Surroundings
from posthouse.console.pages import Pages
from posthouse.console.problems import Declined
from posthouse.knowledge.chunks import chunks
from posthouse.knowledge.passage import Extract, Hit, Passage
from posthouse.knowledge.sources.catalogue import BY_HAND
from posthouse.knowledge.sources.place import PAGES_MAX
from posthouse.model.permission import OperatorRole
from posthouse.store.documents import Base, Document, Source, SourceKind

DOCUMENTS_SHOWN = 200
DOCUMENTS_READ = 1000
PASSAGES_SHOWN = 200
OPERATOR, ADMIN = OperatorRole.OPERATOR, OperatorRole.ADMIN

_extracts = msgspec.json.Decoder(Extract)


class Line(Struct, frozen=True, kw_only=True):
    """A base in the list."""

    base: Base
    sources: int
    problem: str  # of one of its sources


class Knowledge:
    """The shelves."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._documents = around.books.documents
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/knowledge", self._bases),
            Entry("GET", "/knowledge/bases/{base}", self._base),
            Entry("GET", "/knowledge/documents/{document}", self._document),
        )

    async def _bases(self, ask: Ask) -> Response:
        sources = await self._documents.sources()
        return self._pages.show(
            ask,
            "knowledge_bases.html",
            tab="bases",
            lines=[_line(base, sources) for base in await self._documents.bases()],
            can_act=ask.visitor.may(OPERATOR),
            can_change=ask.visitor.may(ADMIN),
        )

    async def _base(self, ask: Ask) -> Response:
        base = await self._known(ask.request.path_params["base"])
        after, number = ask.request.query_params.get("after", ""), ask.query("source")
        sources = await self._documents.sources(base.name)
        chosen = next((each for each in sources if str(each.id) == number), None)
        found = await self._documents.documents(
            base.name, chosen.id if chosen else 0, after if chosen else "", DOCUMENTS_READ
        )
        return self._pages.show(
            ask,
            "knowledge_base.html",
            tab="bases",
            base=base,
            sources=sources,
            progress={
                source.id: progress
                for source in sources
                if (progress := self._around.room.looking(source.id).progress) is not None
            },
            wanted=ask.query("q"),
            found=await self._search(base.name, ask.query("q")),
            by_hand=BY_HAND,
            pages_max=PAGES_MAX,
            chosen=chosen,
            unreadable=[each for each in found if each.problem][:DOCUMENTS_SHOWN],
            documents=found[:DOCUMENTS_SHOWN],
            is_more=len(found) > DOCUMENTS_SHOWN,
            can_act=ask.visitor.may(OPERATOR),
            can_change=ask.visitor.may(ADMIN),
        )

    async def _search(self, base: str, wanted: str) -> Sequence[Hit]:
        if not wanted:
            return ()
        await self._around.room.freshen((base,))
        return (await self._around.room.find((base,), wanted)).hits

    async def _known(self, name: str) -> Base:
        base = await self._documents.base(name)
        if base is None:
            raise Declined("not_found")
        return base

    async def _document(self, ask: Ask) -> Response:
        found = await self._documents.document(ask.number("document"))
        if found is None:
            raise Declined("not_found")
        document, body = found
        passages = passages_of(document, body)
        return self._pages.show(
            ask,
            "knowledge_document.html",
            tab="bases",
            document=document,
            faq=entry(document, body),
            passages=passages[:PASSAGES_SHOWN],
            count=len(passages),
            quarantined=await self._documents.quarantined(document.base),
            can_act=ask.visitor.may(OPERATOR),
            can_remove=await self._can_remove(ask, document),
        )

    async def _can_remove(self, ask: Ask, document: Document) -> bool:
        sources = await self._documents.sources(document.base)
        kind = next((each.kind for each in sources if each.id == document.source), None)
        needed = OPERATOR if kind is SourceKind.FAQ else ADMIN
        return kind in BY_HAND and ask.visitor.may(needed)


def passages_of(document: Document, body: bytes) -> list[Passage]:
    """Cut a document as the index does."""
    if not body:
        return []
    cut = chunks(_extracts.decode(body), document.base, document.id, document.path)
    return [chunk.passage for chunk in cut]


def _line(base: Base, sources: Sequence[Source]) -> Line:
    own = [source for source in sources if source.base == base.name]
    problem = next((source.problem for source in own if source.problem), "")
    return Line(base=base, sources=len(own), problem=problem)
