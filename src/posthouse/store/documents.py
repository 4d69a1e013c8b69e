"""What the house knows: knowledge bases, where their documents come from, and what is in them.

Indexes are files beside the book, built from what is kept here: several gateways share documents,
and each searches its own index. ``revision`` tells an index what it has missed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

PATH_BYTES_MAX = 2000  # of a document's path


class SourceKind(StrEnum):
    """Where documents come from."""

    FOLDER = "folder"  # a directory or one file on this machine
    GIT = "git"  # a checkout on this machine
    URL = "url"  # a page
    UPLOAD = "upload"  # handed in at the console
    FAQ = "faq"  # questions with their answers, written by operators
    BUILT_IN = "built_in"  # the house's own documentation


class Base(Struct, frozen=True, kw_only=True):
    """A knowledge base; ``revision`` grows with every change of its documents."""

    name: str
    revision: int = 0
    documents: int = 0
    size_bytes: int = 0
    changed_at: float = 0.0


class Source(Struct, frozen=True, kw_only=True):
    """A place whose documents a base keeps up with."""

    id: int
    base: str
    kind: SourceKind
    place: str  # a path, an address, a name
    options: str = "{}"  # JSON: which columns may leave, which files are wanted
    added_at: float = 0.0
    checked_at: float = 0.0
    problem: str = ""  # why it could not be read the last time


class NewDocument(Struct, frozen=True, kw_only=True):
    """A document as it was read; it replaces the one of the same base, source and path."""

    base: str
    source: int
    path: str  # unique within its source
    title: str
    hash: str  # of the bytes it was read from, and of how they were read
    format: str  # "md", "pdf", "faq", …
    size_bytes: int
    body: bytes = b""  # what was read, already masked; opaque to the store
    problem: str = ""  # why nothing could be read; the body is empty then


class Document(Struct, frozen=True, kw_only=True):
    """A document of the book, without its body."""

    id: int
    base: str
    source: int
    path: str
    title: str
    hash: str
    format: str
    size_bytes: int
    problem: str = ""
    changed_at: float = 0.0
    revision: int = 0  # of the base, when it was put


class Change(Struct, frozen=True, kw_only=True):
    """What an index has to learn; without a document it forgets the one of that number."""

    document_id: int
    revision: int
    document: Document | None = None
    body: bytes = b""


class Documents(Protocol):
    """The knowledge of the house."""

    async def bases(self) -> tuple[Base, ...]:
        """Return all knowledge bases, by name."""
        ...

    async def base(self, name: str) -> Base | None:
        """Return one; None when there is no such base."""
        ...

    async def add_base(self, name: str, now: float) -> None:
        """Make a base; nothing happens when there is one of that name."""
        ...

    async def remove_base(self, name: str) -> None:
        """Forget a base with all its sources and documents; what is in quarantine stays there."""
        ...

    async def add_source(
        self, base: str, kind: SourceKind, place: str, options: str, now: float
    ) -> int:
        """Enter a source; one of the same base, kind and place gets the new options.

        Raises:
            Refused: there is no such base.
        """
        ...

    async def sources(self, base: str = "") -> tuple[Source, ...]:
        """Return the sources of a base, or of all."""
        ...

    async def checked(self, source: int, problem: str, now: float) -> None:
        """Write down that a source was looked through, and what was wrong with it as a whole."""
        ...

    async def remove_source(self, source: int, now: float) -> None:
        """Forget a source with its documents."""
        ...

    async def put(self, documents: tuple[NewDocument, ...], now: float) -> None:
        """Enter documents of one base in one transaction; its revision grows with each.

        Raises:
            Refused: the base or a source is gone, or a path is too long.
        """
        ...

    async def remove(self, base: str, ids: tuple[int, ...], now: float) -> None:
        """Forget documents; indexes learn it by ``changes``."""
        ...

    async def documents(
        self, base: str, source: int = 0, after: str = "", limit: int = 1000
    ) -> tuple[Document, ...]:
        """Return documents of a base (of one source), by source and path, behind path ``after``.

        To go on page by page, name the source: paths are unique within one.
        """
        ...

    async def document(self, document_id: int) -> tuple[Document, bytes] | None:
        """Return a document with its body."""
        ...

    async def changes(self, base: str, after: int, limit: int = 200) -> tuple[Change, ...]:
        """Return what changed behind revision ``after``, oldest first, the removed as well.

        A document that changed often comes once, as it is now.
        """
        ...

    async def quarantine(self, base: str, passage: str, author: str, now: float) -> None:
        """Let nobody be told this passage any more (``knowledge.passage.Passage.key``)."""
        ...

    async def release(self, base: str, passage: str, author: str, now: float) -> None:
        """Let a passage be told again."""
        ...

    async def quarantined(self, base: str) -> frozenset[str]:
        """Return the keys of the passages that nobody is to be told."""
        ...
