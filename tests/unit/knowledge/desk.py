"""A book with knowledge bases, and the library that searches it."""

from pathlib import Path

import msgspec

from posthouse.knowledge.library import Library
from posthouse.knowledge.passage import Block, Extract
from posthouse.store.documents import Document, Documents, NewDocument, SourceKind
from posthouse.store.sqlite.store import SqliteStore

BASE = "handbook"


class Desk:
    def __init__(self, store: SqliteStore, folder: Path) -> None:
        self.documents: Documents = store.documents
        self.folder = folder
        self.library = Library(self.documents, folder)

    async def write(self, path: str, extract: Extract, base: str = BASE) -> None:
        await self.documents.add_base(base, 1.0)
        source = await self.documents.add_source(base, SourceKind.UPLOAD, "", "{}", 1.0)
        body = msgspec.json.encode(extract)
        document = NewDocument(
            base=base,
            source=source,
            path=path,
            title=extract.title,
            hash=str(hash(body)),
            format="md",
            size_bytes=len(body),
            body=body,
        )
        await self.documents.put((document,), 1.0)

    async def say(self, path: str, text: str, *headings: str, base: str = BASE) -> None:
        await self.write(path, Extract(path, (Block(text, headings),)), base)

    async def remove(self, path: str) -> None:
        gone = [document.id for document in await self.all() if document.path == path]
        await self.documents.remove(BASE, tuple(gone), 2.0)

    async def all(self) -> tuple[Document, ...]:
        return await self.documents.documents(BASE)

    async def paths(self, query: str, *bases: str) -> list[str]:
        found = await self.library.find(bases or (BASE,), query)
        return [hit.passage.path for hit in found.hits]
