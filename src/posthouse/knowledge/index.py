"""The searchable side of one knowledge base: a file beside the book, made from its documents.

Nothing here is asynchronous, and one thread at a time may use it. What is in the file can be made
anew, so a file that cannot be used is thrown away without regret.

A search weighs the rarest words first, until ``WORK_MAX`` is reached: what is left out stands in
most passages and tells next to nothing. ``Found.bigram_top`` and ``Found.trigram_top`` are BM25
over all passages, summed over the words that were weighed: short messages are weighed whole; of
long ones in large bases the commonest triples are missing from the sums, for all passages alike.
In 14,861 passages that costs the top trigram score .004 of an AUC of .897.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import apsw
from msgspec import Struct, json
from msgspec.structs import replace

from posthouse.knowledge.chunks import Chunk
from posthouse.knowledge.passage import Found, Hit, Passage
from posthouse.knowledge.ranking import (
    OPENING_CHARACTERS,
    Candidate,
    Ranked,
    heaviest,
    opens,
    ranked,
    weight,
)
from posthouse.knowledge.vectors import Vectors
from posthouse.knowledge.words import (
    fingerprint,
    is_unspaced,
    normalise,
    smooth,
    tokens,
    trigrams,
    wordings,
)
from posthouse.store.queries import parse

SQL = parse(files("posthouse.knowledge").joinpath("index.sql").read_text("utf-8"))

# Of the file, its passages and their words: a file that was made otherwise is made anew.
FORMAT: Final = f"7 {unicodedata.unidata_version}"
QUERY_CHARACTERS_MAX: Final = 512
QUERY_TERMS_MAX: Final = 256
WORK_MAX: Final = 300_000  # places of words times words: what a search costs
CANDIDATES: Final = 100  # of each kind that are compared
TOP: Final = 30  # raw scores that are kept
COUNTS_KEPT: Final = 100_000
BUSY_MS: Final = 5000
CACHE_KIB: Final = 16 * 1024


# The disk or somebody else is in the way: the file itself is as good as before.
OBSTACLES: Final = (
    apsw.BusyError,
    apsw.FullError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
)


class Learned(Struct, frozen=True):
    """A document as it is now; without chunks nothing of it is found."""

    document_id: int
    chunks: tuple[Chunk, ...] = ()
    exact: str = ""  # the question that it answers word for word
    is_gone: bool = False


class Meaning(Struct, frozen=True):
    """What a question means to a model."""

    model: str
    vector: tuple[float, ...]  # of length one


class Unusable(Exception):
    """The file is damaged, of another format or base: remove it and read all documents again."""


class Index:
    """Search in one base."""

    def __init__(self, connection: apsw.Connection, base: str) -> None:
        self._db = connection
        self._base = base
        self._words = _Terms(connection, "bigram_count", "find_bigrams")
        self._threes = _Terms(connection, "trigram_count", "find_trigrams")
        self.vectors = Vectors(connection, SQL, partial(_whole, connection))
        self._documents, self._passages, _ = self._counts()

    @classmethod
    def open(cls, path: Path, base: str) -> Index:
        """Open the index in a file; one that is missing begins empty.

        Raises:
            Unusable: there is a file, but not one to work with.
            apsw.Error: one of the ``OBSTACLES``.
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
        except OBSTACLES:
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
        connection.pragma("cache_size", -CACHE_KIB)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        connection.pragma("temp_store", "memory")
        if not connection.execute(SQL["tables"]).get:
            with _whole(connection):
                connection.execute(SQL["schema"])
                connection.execute(SQL["begin_state"], {"made_by": FORMAT, "base": base})
        made_by, made_for, _ = connection.execute(SQL["state"]).get
        if (made_by, made_for) != (FORMAT, base):
            raise Unusable(f"made by {made_by} for {made_for}, not by {FORMAT} for {base}")
        return cls(connection, base)

    def close(self) -> None:
        """Close the file; nothing may be asked any more."""
        self._db.close()

    @property
    def revision(self) -> int:
        """Up to where it has read its base."""
        return int(self._db.execute(SQL["state"]).get[2])

    def counts(self) -> tuple[int, int]:
        """Return the numbers of documents and of passages."""
        return self._documents, self._passages

    def _counts(self) -> tuple[int, int, int]:
        documents, passages, last = self._db.execute(SQL["count"]).get
        return documents, passages, last

    # --- learning ---------------------------------------------------------------------------

    def learn(self, documents: Iterable[Learned], revision: int) -> None:
        """Take documents as they are now, all of them or none, and note the revision."""
        with _whole(self._db):
            for document in documents:
                self._forget(document.document_id)
                if not document.is_gone:
                    self._add(document)
            self.vectors.forget_unused()
            self._db.execute(SQL["read_up_to"], {"revision": revision})
        self._documents, self._passages, _ = self._counts()
        self._words.forget_counts()
        self._threes.forget_counts()

    def _forget(self, document_id: int) -> None:
        rows: list[Any] = self._db.execute(SQL["chunks_of"], {"document": document_id}).fetchall()
        for number, about, passage in rows:
            words, threes = _searched(number, about, json.decode(passage, type=Passage).text)
            self._db.execute(SQL["remove_bigrams"], words)
            self._db.execute(SQL["remove_trigrams"], threes)
        self._db.execute(SQL["remove_chunks"], {"document": document_id})
        self._db.execute(SQL["remove_document"], {"id": document_id})

    def _add(self, document: Learned) -> None:
        texts = "".join(chunk.passage.text for chunk in document.chunks)
        row = {
            "id": document.document_id,
            "exact": fingerprint(document.exact),
            "is_unspaced": is_unspaced(normalise(texts)),
        }
        self._db.execute(SQL["add_document"], row)
        *_, last = self._counts()
        for number, chunk in enumerate(document.chunks, last + 1):
            self._add_chunk(number, document.document_id, chunk)

    def _add_chunk(self, number: int, document_id: int, chunk: Chunk) -> None:
        passage, about = chunk.passage, chunk.about
        row = {
            "id": number,
            "document": document_id,
            "path": passage.path,
            "hash": passage.hash,
            "about": about,
            "opening": _opening(chunk),
            "passage": json.encode(passage).decode(),
        }
        self._db.execute(SQL["add_chunk"], row)
        words, threes = _searched(number, about, passage.text)
        self._db.execute(SQL["add_bigrams"], words)
        self._db.execute(SQL["add_trigrams"], threes)

    # --- finding ----------------------------------------------------------------------------

    def search(
        self,
        query: str,
        limit: int = 8,
        without: frozenset[str] = frozenset(),
        meaning: Meaning | None = None,
    ) -> Found:
        """Return the best passages, and what a gate wants to know about the search.

        The score of the best hit is the share of the question's weight that it holds; the others
        have of it what they are likely to be meant instead. So scores of different bases compare.

        Args:
            query: anything that people write; never raises for its sake.
            limit: the most hits.
            without: keys of passages that nobody is to be told.
            meaning: finds also what says the same in other words.
        """
        normal = normalise(query[:QUERY_CHARACTERS_MAX])
        words = self._words.counted(tokens(normal))
        threes = self._threes.counted(trigrams(smooth(normal)))
        most = CANDIDATES + len(without)
        signals = _Signals(
            words=self._words.best(words, most),
            threes=self._threes.best(threes, most),
            cosines=self._by_meaning(meaning, most),
        )
        weights = self._weights(words)
        known = {word: share for word, share in weights.items() if words[word]}
        candidates = self._candidates(signals, heaviest(known), is_unspaced(normal), without)
        if meaning is not None:
            candidates = self._compared(candidates, meaning)
        hits, coverage = self._hits(ranked(candidates)[:limit], weights)
        return Found(
            query=query,
            hits=hits,
            bigram_top=_top(one.bigram for one in candidates),
            trigram_top=_top(one.trigram for one in candidates),
            coverage=coverage,
            known=sum(known.values()),
            words=tuple(words.items()),
            passages=self._passages,
            exact=self.exact(query, without),
        )

    def exact(self, question: str, without: frozenset[str] = frozenset()) -> Passage | None:
        """Return the fixed answer to just this question; the newest when there are several."""
        answers = (self._exact(wording, without) for wording in wordings(question))
        return next(filter(None, answers), None)

    def _exact(self, wording: str, without: frozenset[str]) -> Passage | None:
        wanted = {"question": wording, "limit": len(without) + 1}
        rows: Iterable[Any] = self._db.execute(SQL["exact"], wanted)
        answers = (json.decode(passage, type=Passage) for (passage,) in rows)
        return next((answer for answer in answers if answer.key not in without), None)

    def passage(self, path: str, text_hash: str) -> Passage | None:
        """Return a passage as long as a document has it."""
        wanted = {"path": path, "hash": text_hash}
        found = self._db.execute(SQL["passage_by_hash"], wanted).get
        return None if found is None else json.decode(found, type=Passage)

    def _by_meaning(self, meaning: Meaning | None, limit: int) -> dict[int, float]:
        if meaning is None:
            return {}
        near = self.vectors.nearest(meaning.model, meaning.vector, limit)
        wanted = {"hashes": json.encode(list(near)).decode()}
        rows: Iterable[Any] = self._db.execute(SQL["chunks_by_hash"], wanted)
        return {number: near[text_hash] for text_hash, number in rows}

    def _candidates(
        self,
        signals: _Signals,
        shares: dict[str, float],
        is_unspaced_query: bool,  # noqa: FBT001
        without: frozenset[str],
    ) -> list[Candidate]:
        ids = json.encode(list(signals.passages)).decode()
        rows: Iterable[Any] = self._db.execute(SQL["candidates"], {"ids": ids})
        return [
            Candidate(
                id=number,
                document=document,
                is_same_script=bool(is_unspaced_document) == is_unspaced_query,
                bigram=signals.words.get(number, 0.0),
                trigram=signals.threes.get(number, 0.0),
                opening=opens(opening, shares),
                cosine=signals.cosines.get(number),
            )
            for number, document, is_unspaced_document, path, text_hash, opening in rows
            if f"{self._base}:{path}#{text_hash}" not in without
        ]

    def _compared(self, candidates: list[Candidate], meaning: Meaning) -> list[Candidate]:
        """Compare those with the question, too, that were found by their words alone."""
        ids = json.encode([one.id for one in candidates if one.cosine is None]).decode()
        rows: Iterable[Any] = self._db.execute(SQL["hashes"], {"ids": ids})
        hashes: dict[int, str] = dict(rows)
        cosines = self.vectors.cosines(meaning.model, meaning.vector, list(hashes.values()))
        return [
            replace(one, cosine=cosines.get(hashes[one.id])) if one.id in hashes else one
            for one in candidates
        ]

    def _weights(self, counts: dict[str, int]) -> dict[str, float]:
        """Return what each word tells, as its share of what all of them tell."""
        weights = {word: weight(count, self._passages) for word, count in counts.items()}
        whole = sum(weights.values()) or 1.0
        return {word: one / whole for word, one in weights.items()}

    def _hits(
        self, best: Sequence[Ranked], weights: dict[str, float]
    ) -> tuple[tuple[Hit, ...], float]:
        hits: list[Hit] = []
        coverage = 0.0
        for one in best:
            row = self._db.execute(SQL["passage"], {"id": one.candidate.id}).get
            passage, about = json.decode(row[0], type=Passage), row[1]
            if one is best[0]:
                coverage = _coverage(f"{about}\n{passage.text}", weights)
            hits.append(
                Hit(
                    passage=passage,
                    score=max(coverage, best[0].candidate.cosine or 0.0) * one.share,
                    bigram=one.candidate.bigram,
                    trigram=one.candidate.trigram,
                )
            )
        return tuple(hits), coverage


@contextlib.contextmanager
def _whole(connection: apsw.Connection) -> Iterator[None]:
    """Do all of it or nothing; a full disk has then ended the transaction already."""
    connection.execute(SQL["begin"])
    try:
        yield
        connection.execute(SQL["commit"])
    except BaseException:
        if connection.in_transaction:
            connection.execute(SQL["rollback"])
        raise


class _Signals(Struct, frozen=True):
    """What speaks for passages, by their numbers."""

    words: dict[int, float]
    threes: dict[int, float]
    cosines: dict[int, float]

    @property
    def passages(self) -> dict[int, float]:
        return {**self.words, **self.threes, **self.cosines}


class _Terms:
    """One of the two indexes: how often its terms stand anywhere, and where they do."""

    def __init__(self, connection: apsw.Connection, count: str, find: str) -> None:
        self._db = connection
        self._count = SQL[count]
        self._find = SQL[find]
        self._counts: dict[str, int] = {}

    def forget_counts(self) -> None:
        self._counts.clear()

    def counted(self, terms: Iterable[str]) -> dict[str, int]:
        """Return the terms, each with the number of passages that hold it."""
        if len(self._counts) > COUNTS_KEPT:
            self._counts.clear()
        several = list(dict.fromkeys(terms))[:QUERY_TERMS_MAX]
        return {term: self._counted(term) for term in several}

    def _counted(self, term: str) -> int:
        count = self._counts.get(term)
        if count is None:
            count = self._db.execute(self._count, {"term": term}).get or 0
            self._counts[term] = count
        return count

    def best(self, counts: dict[str, int], limit: int) -> dict[int, float]:
        """Return the passages with the best scores."""
        terms = _rarest(counts)
        if not terms:
            return {}
        wanted = " OR ".join(f'"{term}"' for term in terms)
        rows: list[Any] = self._db.execute(
            self._find, {"wanted": wanted, "limit": limit}
        ).fetchall()
        return dict(rows)


def _rarest(counts: dict[str, int]) -> list[str]:
    """Choose terms, the rarest first, until looking them up together is enough work."""
    chosen: list[str] = []
    places = 0
    for term in sorted(filter(counts.__getitem__, counts), key=counts.__getitem__):
        places += counts[term]
        if chosen and places * (len(chosen) + 1) > WORK_MAX:
            break
        chosen.append(term)
    return chosen


def _opening(chunk: Chunk) -> str:
    """Return what a section begins with: its heading, and the first words below it."""
    passage = chunk.passage
    heading = normalise(passage.headings[-1] if passage.headings else passage.title)
    first = normalise(passage.text)[:OPENING_CHARACTERS] if chunk.is_opening else ""
    return f"{heading[:OPENING_CHARACTERS]}\n{first}"


def _searched(
    number: int, about: str, text: str
) -> tuple[dict[str, str | int], dict[str, str | int]]:
    """Return what goes into the two indexes; what is taken out must be the same."""
    above, below = normalise(about), normalise(text)
    words: dict[str, str | int] = {
        "id": number,
        "about": " ".join(tokens(above)),
        "body": " ".join(tokens(below)),
    }
    return words, {"id": number, "body": smooth(f"{above} {below}")}


def _coverage(text: str, weights: dict[str, float]) -> float:
    held = set(tokens(normalise(text)))
    return sum(share for word, share in weights.items() if word in held)


def _top(scores: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(filter(None, scores), reverse=True)[:TOP])


def remove(path: Path) -> None:
    """Throw an index away, with what SQLite has put beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()
