"""The searchable side of one knowledge base: a file beside the book, made from its documents.

Nothing here is asynchronous, and one thread at a time may use it. What is in the file can be made
anew, so a file that cannot be used is thrown away without regret.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from math import log
from pathlib import Path
from typing import Any, Final

import apsw
from msgspec import Struct, json

from posthouse.knowledge.chunks import Chunk
from posthouse.knowledge.passage import Found, Hit, Passage
from posthouse.knowledge.words import fingerprint, normalise, smooth, tokens, trigrams
from posthouse.store.queries import parse

SQL = parse(files("posthouse.knowledge").joinpath("index.sql").read_text("utf-8"))

FORMAT: Final = 1  # of the file and of the words in it: a file of another format is made anew
QUERY_CHARACTERS_MAX: Final = 512
TERMS_MAX: Final = 48  # the rarest of a question
TOP: Final = 30  # hits that are looked at, and raw scores that are kept
ABOUT_WEIGHT: Final = 2.0
RRF_K: Final = 60
BUSY_MS: Final = 5000


class Learned(Struct, frozen=True):
    """A document as it is now; without chunks nothing of it is found."""

    document_id: int
    chunks: tuple[Chunk, ...] = ()
    exact: str = ""  # the question that it answers word for word
    is_gone: bool = False


class Unusable(Exception):
    """The file is damaged, of another format or base: remove it and read all documents again."""


class Index:
    """Search in one base."""

    def __init__(self, connection: apsw.Connection, base: str) -> None:
        self._db = connection
        self._base = base

    @classmethod
    def open(cls, path: Path, base: str) -> Index:
        """Open the index in a file; one that is missing begins empty.

        Raises:
            Unusable: there is a file, but not one to work with.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                return cls._prepared(connection, base)
            except BaseException:
                connection.close()
                raise
        except apsw.Error as problem:
            raise Unusable(f"{path}: {problem}") from problem

    @classmethod
    def in_memory(cls, base: str) -> Index:
        """Make an index that is gone when it is closed."""
        return cls._prepared(apsw.Connection(":memory:"), base)

    @classmethod
    def _prepared(cls, connection: apsw.Connection, base: str) -> Index:
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        connection.pragma("temp_store", "memory")
        version = connection.pragma("user_version")
        if version == 0:
            with connection:
                connection.execute(SQL["schema"])
                connection.execute(SQL["begin_state"], {"base": base})
                connection.pragma("user_version", FORMAT)
        elif version != FORMAT:
            raise Unusable(f"format {version} instead of {FORMAT}")
        index = cls(connection, base)
        if connection.execute(SQL["state"]).get[0] != base:
            raise Unusable("the index of another base")
        return index

    def close(self) -> None:
        self._db.close()

    @property
    def revision(self) -> int:
        """Up to where it has read its base."""
        return int(self._db.execute(SQL["state"]).get[1])

    def counts(self) -> tuple[int, int]:
        """Return the numbers of documents and of passages."""
        documents, passages = self._db.execute(SQL["count"]).get
        return documents, passages

    # --- learning ---------------------------------------------------------------------------

    def learn(self, documents: Iterable[Learned], revision: int) -> None:
        """Take documents as they are now, all of them or none, and note the revision."""
        with self._db:
            for document in documents:
                self._forget(document.document_id)
                if not document.is_gone:
                    self._add(document)
            self._db.execute(SQL["read_up_to"], {"revision": revision})

    def _forget(self, document_id: int) -> None:
        rows: list[Any] = self._db.execute(SQL["chunks_of"], {"document": document_id}).fetchall()
        for number, about, passage in rows:
            text = json.decode(passage, type=Passage).text
            self._db.execute(SQL["remove_bigrams"], {"id": number, **_bigram_columns(about, text)})
            self._db.execute(SQL["remove_trigrams"], {"id": number, **_trigram_column(about, text)})
        self._db.execute(SQL["remove_chunks"], {"document": document_id})
        self._db.execute(SQL["remove_document"], {"id": document_id})

    def _add(self, document: Learned) -> None:
        exact = fingerprint(document.exact)
        self._db.execute(SQL["add_document"], {"id": document.document_id, "exact": exact})
        for chunk in document.chunks:
            passage = chunk.passage
            (number,) = self._db.execute(
                SQL["add_chunk"],
                {
                    "document": document.document_id,
                    "path": passage.path,
                    "hash": passage.hash,
                    "about": chunk.about,
                    "passage": json.encode(passage).decode(),
                },
            ).fetchall()[0]
            columns = _bigram_columns(chunk.about, passage.text)
            self._db.execute(SQL["add_bigrams"], {"id": number, **columns})
            column = _trigram_column(chunk.about, passage.text)
            self._db.execute(SQL["add_trigrams"], {"id": number, **column})

    # --- finding ----------------------------------------------------------------------------

    def search(self, query: str, limit: int = 8, without: frozenset[str] = frozenset()) -> Found:
        """Return the best passages, and what a gate wants to know about the search.

        Args:
            query: anything that people write; never raises for its sake.
            limit: the most hits.
            without: keys of passages that nobody is to be told.
        """
        normal = normalise(query[:QUERY_CHARACTERS_MAX])
        words = dict.fromkeys(tokens(normal))
        counts = {word: self._count("bigram_count", word) for word in words}
        found = [word for word in words if counts[word]]
        _, total = self.counts()
        weights = {word: _weight(counts[word], total) for word in words}
        spare = TOP + len(without)
        by_words = self._best("find_bigrams", _rarest(found, counts), spare)
        threes = dict.fromkeys(trigrams(smooth(normal)))
        three_counts = {three: self._count("trigram_count", three) for three in threes}
        seen_threes = [three for three in threes if three_counts[three]]
        by_threes = self._best("find_trigrams", _rarest(seen_threes, three_counts), spare)
        fused = _fuse(by_words, by_threes)
        hits: list[Hit] = []
        for number in sorted(fused, key=lambda number: -fused[number]):
            passage = self._passage(number)
            if passage.key not in without:
                hits.append(
                    Hit(
                        passage,
                        fused[number],
                        by_words.get(number, 0.0),
                        by_threes.get(number, 0.0),
                    )
                )
            if len(hits) == limit:
                break
        mass = sum(weights.values())
        return Found(
            query=query,
            hits=tuple(hits),
            bigram_top=tuple(sorted(by_words.values(), reverse=True)[:TOP]),
            trigram_top=tuple(sorted(by_threes.values(), reverse=True)[:TOP]),
            coverage=_coverage(hits[0].passage, weights) if hits else 0.0,
            known=sum(weights[word] for word in found) / mass if mass else 0.0,
            words=tuple(counts.items()),
            passages=total,
            exact=self.exact(query, without),
        )

    def exact(self, question: str, without: frozenset[str] = frozenset()) -> Passage | None:
        """Return the fixed answer to just this question; the newest when there are several."""
        wanted = {"question": fingerprint(question), "limit": len(without) + 1}
        for (passage,) in self._db.execute(SQL["exact"], wanted):
            answer = json.decode(passage, type=Passage)
            if answer.key not in without:
                return answer
        return None

    def passage(self, path: str, text_hash: str) -> Passage | None:
        """Return a passage as long as a document has it."""
        wanted = {"path": path, "hash": text_hash}
        found = self._db.execute(SQL["passage_by_hash"], wanted).get
        return None if found is None else json.decode(found, type=Passage)

    def _passage(self, number: int) -> Passage:
        return json.decode(self._db.execute(SQL["passage"], {"id": number}).get, type=Passage)

    def _count(self, query: str, term: str) -> int:
        return self._db.execute(SQL[query], {"term": term}).get or 0

    def _best(self, query: str, terms: Sequence[str], limit: int) -> dict[int, float]:
        if not terms:
            return {}
        wanted = " OR ".join(f'"{term}"' for term in terms)
        bindings: dict[str, apsw.SQLiteValue] = {"wanted": wanted, "limit": limit}
        if query == "find_bigrams":
            bindings["about"] = ABOUT_WEIGHT
        rows: list[Any] = self._db.execute(SQL[query], bindings).fetchall()
        return dict(rows)


def _bigram_columns(about: str, text: str) -> dict[str, str]:
    return {
        "about": " ".join(tokens(normalise(about))),
        "body": " ".join(tokens(normalise(text))),
    }


def _trigram_column(about: str, text: str) -> dict[str, str]:
    return {"body": smooth(normalise(f"{about}\n{text}"))}


def _rarest(terms: Sequence[str], counts: dict[str, int]) -> list[str]:
    return sorted(terms, key=lambda term: counts[term])[:TERMS_MAX]


def _weight(count: int, total: int) -> float:
    return log(1 + (total - count + 0.5) / (count + 0.5)) if total else 1.0


def _fuse(*rankings: dict[int, float]) -> dict[int, float]:
    fused: dict[int, float] = {}
    for ranking in rankings:
        ordered = sorted(ranking, key=lambda number: -ranking[number])
        for place, number in enumerate(ordered):
            fused[number] = fused.get(number, 0.0) + 1 / (RRF_K + place + 1)
    return fused


def _coverage(passage: Passage, weights: dict[str, float]) -> float:
    held = set(tokens(normalise("\n".join((passage.title, *passage.headings, passage.text)))))
    mass = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in held) / mass if mass else 0.0


def remove(path: Path) -> None:
    """Throw an index away, with what SQLite has put beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()
