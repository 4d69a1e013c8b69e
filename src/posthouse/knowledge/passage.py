"""The words of knowledge: what a document is made of, what is found, how sure one may be."""

from __future__ import annotations

from msgspec import Struct


class Block(Struct, frozen=True, omit_defaults=True):
    """A paragraph, table, list or piece of code of a document, with its place in it."""

    text: str  # what may be searched, quoted and handed to a model
    headings: tuple[str, ...] = ()  # outermost first
    page: int = 0  # counted from 1; 0 where there are no pages
    line: int = 0  # counted from 1; 0 where there are no lines
    shown: str = ""  # shown beside a quotation, never searched nor handed to a model
    kind: str = "text"  # text, code, table, row


class Extract(Struct, frozen=True, omit_defaults=True):
    """What was read from a document; it is stored as JSON in ``Document.body``."""

    title: str
    blocks: tuple[Block, ...]
    is_exact: bool = False  # a fixed answer: said word for word to its question
    question: str = ""  # the question that a fixed answer or a ticket answers


class Passage(Struct, frozen=True, omit_defaults=True):
    """A piece of a document, small enough to be quoted."""

    base: str
    document_id: int
    path: str
    title: str
    text: str
    headings: tuple[str, ...] = ()
    page: int = 0
    line: int = 0
    shown: str = ""
    hash: str = ""  # of its text
    address: str = ""  # where people can open it: a link, or a path within its source

    @property
    def key(self) -> str:
        """Name it for as long as its words stay as they are."""
        return f"{self.base}:{self.path}#{self.hash}"


class Hit(Struct, frozen=True):
    """A passage that was found, on the one scale of scores: the larger the better."""

    passage: Passage
    score: float
    bigram: float = 0.0  # BM25 over pairs of characters and words
    trigram: float = 0.0  # BM25 over triples of characters, 0 where it was no candidate


class Found(Struct, frozen=True):
    """What a search has brought, and what a gate wants to know about it."""

    query: str
    hits: tuple[Hit, ...]
    bigram_top: tuple[float, ...] = ()  # the best raw scores, descending
    trigram_top: tuple[float, ...] = ()
    coverage: float = 0.0  # share of the query's weight that the best passage holds
    known: float = 0.0  # share of the query's weight that the base has ever seen
    words: tuple[tuple[str, int], ...] = ()  # of the query, with the passages that hold each
    passages: int = 0  # how many were searched
    exact: Passage | None = None  # a fixed answer to just this question
