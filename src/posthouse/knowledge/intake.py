"""A file into a document: read, without what never leaves, masked."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from posthouse.knowledge.formats.catalogue import READERS_VERSION, format_of
from posthouse.knowledge.formats.request import Request
from posthouse.knowledge.formats.shape import TITLE_CHARACTERS_MAX
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.masking import MASKING_VERSION
from posthouse.knowledge.passage import Extract
from posthouse.knowledge.reading import Reading
from posthouse.knowledge.sources.place import Fetched, Item, Options
from posthouse.model.errors import PosthouseError
from posthouse.store.documents import NewDocument, Source

BODY_BYTES_MAX = 16 * 1024**2  # a book has two; more would hold up what is written beside it

_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY")


class Intake:
    """Makes documents.

    Args:
        language: of the problems that are written down: ``zh`` or ``en``.
    """

    def __init__(self, language: str) -> None:
        self._language = language

    async def read(
        self, reading: Reading, source: Source, item: Item, fetched: Fetched, options: Options
    ) -> NewDocument:
        """Make a document of what was fetched; its ``problem`` says why nothing could be read."""
        data = fetched.data
        document = NewDocument(
            base=source.base,
            source=source.id,
            path=item.path,
            title=item.path.rpartition("/")[2] or item.path,
            hash=hash_of(data, options),
            format="",
            size_bytes=len(data),
        )
        try:
            extract = await _extract(reading, fetched, options)
            body = msgspec.json.encode(extract)
            if len(body) > BODY_BYTES_MAX:
                return replace(document, problem=self._sentence(_too_much()))
        except Unreadable as problem:
            return replace(document, problem=self._sentence(problem))
        kind = format_of(data, fetched.name).name
        title = extract.title[:TITLE_CHARACTERS_MAX] or document.title
        return replace(document, title=title, format=kind, body=body)

    def unread(self, source: Source, item: Item, problem: PosthouseError) -> NewDocument:
        """Make a document of something whose bytes nobody has seen."""
        said = self._sentence(problem)
        return NewDocument(
            base=source.base,
            source=source.id,
            path=item.path,
            title=item.path.rpartition("/")[2] or item.path,
            hash=sha256(said.encode()).hexdigest(),
            format="",
            size_bytes=0,
            problem=said,
        )

    def _sentence(self, problem: PosthouseError) -> str:
        return problem.sentence(self._language)


async def _extract(reading: Reading, fetched: Fetched, options: Options) -> Extract:
    if _PRIVATE_KEY.search(fetched.data):
        raise Unreadable("It holds a private key; it is left out.", zh="含有私钥，已略过。")
    request = Request(fetched.name, options.columns, options.is_masked)
    return await reading.read(fetched.data, request)


def _too_much() -> Unreadable:
    return Unreadable("There is too much text in it; split it.", zh="文字太多；请拆分文件。")


def hash_of(data: bytes, options: Options) -> str:
    """Name a file by its bytes, and by how they are read."""
    how = (READERS_VERSION, MASKING_VERSION, sorted(options.columns.items()), options.is_masked)
    return sha256(msgspec.json.encode(how) + b"\0" + data).hexdigest()
