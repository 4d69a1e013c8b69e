"""A file into a document: read, without what never leaves, masked."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from posthouse.knowledge.formats.catalogue import READERS_VERSION, format_of
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.masking import MASKING_VERSION, mask
from posthouse.knowledge.passage import Extract
from posthouse.knowledge.reading import Reading
from posthouse.knowledge.sources.place import Fetched, Item, Options
from posthouse.model.errors import OperatorMistake
from posthouse.store.documents import NewDocument, Source

BODY_BYTES_MAX = 64 * 1024**2

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
        except (Unreadable, OperatorMistake) as problem:
            return replace(document, problem=self._sentence(problem))
        kind = format_of(data, fetched.name).name
        return replace(document, title=extract.title, format=kind, body=body)

    def unread(self, source: Source, item: Item, problem: Unreadable) -> NewDocument:
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

    def _sentence(self, problem: Unreadable | OperatorMistake) -> str:
        return problem.sentence(self._language)


async def _extract(reading: Reading, fetched: Fetched, options: Options) -> Extract:
    if _PRIVATE_KEY.search(fetched.data):
        raise Unreadable("It holds a private key; it is left out.", zh="含有私钥，已略过。")
    extract = await reading.read(fetched.data, fetched.name, options.columns)
    return await asyncio.to_thread(masked, extract) if options.is_masked else extract


def _too_much() -> Unreadable:
    return Unreadable("There is too much text in it; split it.", zh="文字太多；请拆分文件。")


def masked(extract: Extract) -> Extract:
    """Mask everything that may be shown of a document."""
    return replace(
        extract,
        title=mask(extract.title),
        question=mask(extract.question),
        blocks=tuple(
            replace(
                block,
                text=mask(block.text),
                headings=tuple(map(mask, block.headings)),
                shown=mask(block.shown),
            )
            for block in extract.blocks
        ),
    )


def hash_of(data: bytes, options: Options) -> str:
    """Name a file by its bytes, and by how they are read."""
    how = (READERS_VERSION, MASKING_VERSION, sorted(options.columns.items()), options.is_masked)
    return sha256(msgspec.json.encode(how) + b"\0" + data).hexdigest()
