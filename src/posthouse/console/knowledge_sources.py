"""知识 · 来源: where documents come from: adding, reading, uploading, removing with a count."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.door import declined_by
from posthouse.console.house import Surroundings
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.knowledge.formats.catalogue import BYTES_MAX
from posthouse.knowledge.sources.catalogue import BY_HAND, is_base_name
from posthouse.knowledge.sources.place import PAGES_MAX, Options
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import OperatorRole
from posthouse.settings.language import Said
from posthouse.store.documents import Base, Source, SourceKind

FILES_MAX = 20  # of one upload
COUNTED_MAX = 100_000
PLACE_CHARS_MAX = 1000
OPERATOR, ADMIN = OperatorRole.OPERATOR, OperatorRole.ADMIN
WRONG_NAME = Said(
    "知识库的名字由 1 到 64 个字母、数字和 . _ - 组成。",
    "A base's name is 1 to 64 letters, digits and . _ -",
)
NO_FILES = Said(
    f"请选择 1 到 {FILES_MAX} 个文件，每个不超过 {BYTES_MAX // 1024**2} MB。",
    f"Choose 1 to {FILES_MAX} files of at most {BYTES_MAX // 1024**2} MB each.",
)


class Sources:
    """Changes what a base is made of."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._documents = around.books.documents
        self._room = around.room
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("POST", "/knowledge/bases", self._add_base, ADMIN),
            Entry("GET", "/knowledge/bases/{base}/remove", self._ask_remove_base, ADMIN),
            Entry("POST", "/knowledge/bases/{base}/remove", self._remove_base, ADMIN),
            Entry("POST", "/knowledge/bases/{base}/sources", self._add, ADMIN),
            Entry("POST", "/knowledge/bases/{base}/files", self._upload, ADMIN, takes_files=True),
            Entry("POST", "/knowledge/sources/{source}/sync", self._sync, OPERATOR),
            Entry("GET", "/knowledge/sources/{source}/remove", self._ask_remove, ADMIN),
            Entry("POST", "/knowledge/sources/{source}/remove", self._remove, ADMIN),
            Entry("POST", "/knowledge/documents/{document}/remove", self._forget, OPERATOR),
        )

    # --- bases --------------------------------------------------------------------------

    async def _add_base(self, ask: Ask) -> Response:
        name = ask.form.get("name", "").strip()
        if not is_base_name(name):
            raise Declined("not_understood", WRONG_NAME)
        await self._documents.add_base(name, self._around.clock())
        await self._audit(ask, "base.add", name, {})
        return go(f"bases/{name}?done=saved")

    async def _ask_remove_base(self, ask: Ask) -> Response:
        base = await self._base(ask)
        return self._confirm(ask, base.name, base.name, base.documents)

    async def _remove_base(self, ask: Ask) -> Response:
        base = await self._base(ask)
        await self._room.remove_base(base.name)
        await self._audit(ask, "base.remove", base.name, {"documents": base.documents})
        return go("../../../knowledge?done=removed")

    async def _base(self, ask: Ask) -> Base:
        base = await self._documents.base(ask.request.path_params["base"])
        if base is None:
            raise Declined("not_found")
        return base

    # --- sources ------------------------------------------------------------------------

    async def _add(self, ask: Ask) -> Response:
        base = await self._base(ask)
        wanted = ask.form.get("place", "").strip()
        if not wanted or len(wanted) > PLACE_CHARS_MAX:
            raise Declined("not_understood")
        pages = number_of(ask.form.get("pages", "1").strip()) or 0
        if not 1 <= pages <= PAGES_MAX:
            raise Declined("not_understood")
        try:
            source = await self._room.add(base.name, wanted, Options(pages_max=pages))
        except OperatorMistake as problem:
            raise declined_by(problem, "not_understood") from None
        details = {"kind": source.kind, "place": source.place}
        await self._audit(ask, "source.add", base.name, details)
        return go(f"../{base.name}?done=reading")

    async def _sync(self, ask: Ask) -> Response:
        source = await self._source(ask)
        if source.kind in BY_HAND:
            raise Declined("not_understood")
        self._room.begin(source)
        return go(f"../../bases/{source.base}?done=reading")

    async def _ask_remove(self, ask: Ask) -> Response:
        source = await self._source(ask)
        found = await self._documents.documents(source.base, source.id, limit=COUNTED_MAX)
        return self._confirm(ask, source.base, source.place or source.kind, len(found))

    async def _remove(self, ask: Ask) -> Response:
        source = await self._source(ask)
        await self._room.remove(source)
        details = {"kind": source.kind, "place": source.place}
        await self._audit(ask, "source.remove", source.base, details)
        return go(f"../../bases/{source.base}?done=removed")

    async def _source(self, ask: Ask) -> Source:
        number = ask.number("source")
        for source in await self._documents.sources():
            if source.id == number:
                return source
        raise Declined("not_found")

    # --- files --------------------------------------------------------------------------

    async def _upload(self, ask: Ask) -> Response:
        base = await self._base(ask)
        try:
            async with ask.request.form(max_files=FILES_MAX, max_fields=1) as form:
                files = [each for each in form.getlist("files") if isinstance(each, UploadFile)]
                names = await self._take(base.name, [each for each in files if each.filename])
        except HTTPException:
            raise Declined("not_understood", NO_FILES) from None
        await self._audit(ask, "upload", base.name, {"files": names[:FILES_MAX]})
        return go(f"../{base.name}?done=uploaded")

    async def _take(self, base: str, files: Sequence[UploadFile]) -> list[str]:
        sizes = [each.size or 0 for each in files]
        if not files or max(sizes) > BYTES_MAX:
            raise Declined("not_understood", NO_FILES)
        names = [(each.filename or "").replace("\\", "/").rpartition("/")[2] for each in files]
        for name, file in zip(names, files, strict=True):
            await self._room.ingest.upload(base, name, await file.read())
        return names

    async def _forget(self, ask: Ask) -> Response:
        """Remove a document that was handed in or written here; others come from their places."""
        found = await self._documents.document(ask.number("document"))
        if found is None:
            raise Declined("not_found")
        document, _ = found
        sources = {each.id: each.kind for each in await self._documents.sources(document.base)}
        kind = sources.get(document.source)
        if kind not in BY_HAND:
            raise Declined("not_understood")
        if kind is SourceKind.UPLOAD and not ask.visitor.may(ADMIN):
            raise Declined("not_allowed")
        await self._documents.remove(document.base, (document.id,), self._around.clock())
        await self._audit(ask, "document.remove", document.base, {"path": document.path[:200]})
        return go(f"../../bases/{document.base}?done=removed")

    # --- in words -----------------------------------------------------------------------

    def _confirm(self, ask: Ask, base: str, name: str, count: int) -> Response:
        return self._pages.show(
            ask, "knowledge_remove.html", tab="bases", base=base, name=name, count=count
        )

    async def _audit(self, ask: Ask, action: str, base: str, details: Mapping[str, object]) -> None:
        await self._around.books.access.audit(
            ask.visitor.author, action, f"base:{base}", json.dumps(details), self._around.clock()
        )
