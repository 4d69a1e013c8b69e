"""Vectors beside an index, for houses whose operator has named a model that makes them.

The nearest are chosen by the signs of their numbers, which a processor compares a thousand at a
time, and then put in order by the numbers themselves. That needs no library; a hundred thousand
passages take 0.05 s.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import mul
from typing import Any, Final

import apsw
from msgspec import json

VECTORS_MAX: Final = 200_000  # of one base; other passages are found by their words only
COMPARED: Final = 200  # whose numbers are looked at, after their signs


class Vectors:
    """What a base's passages mean to a model, by the hashes of their texts."""

    def __init__(
        self,
        connection: apsw.Connection,
        sql: Mapping[str, str],
        whole: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db = connection
        self._sql = sql
        self._whole = whole  # a transaction
        self._signs: dict[str, int] = {}
        self._signs_of: tuple[str, int] | None = None  # the model and its dimensions

    def missing(self, model: str, dimensions: int, limit: int) -> tuple[tuple[str, str], ...]:
        """Return hashes and texts of passages that have no vector of that size yet.

        A model that was exchanged behind its name makes other vectors than before. An empty one
        is of a text that the model refuses.
        """
        sort = {"model": model, "dimensions": dimensions}
        if self._db.execute(self._sql["count_vectors"], sort).get >= VECTORS_MAX:
            return ()
        wanted = {**sort, "limit": limit}
        rows: Iterable[Any] = self._db.execute(self._sql["without_vector"], wanted)
        return tuple((text_hash, f"{about}\n{text}".strip()) for text_hash, about, text in rows)

    def keep(self, model: str, vectors: Mapping[str, Sequence[float]]) -> None:
        """Keep vectors of length one by the hashes of their texts."""
        with self._whole():
            for text_hash, vector in vectors.items():
                row = {
                    "model": model,
                    "hash": text_hash,
                    "dimensions": len(vector),
                    "signs": _signs(vector),
                    "vector": array("f", vector).tobytes(),
                }
                self._db.execute(self._sql["keep_vector"], row)
        for text_hash, vector in vectors.items():
            if self._signs_of == (model, len(vector)):
                self._signs[text_hash] = int.from_bytes(_signs(vector))
            else:
                self._signs.pop(text_hash, None)

    def forget_unused(self) -> None:
        """Drop the vectors of texts that no document has any more."""
        self._db.execute(self._sql["forget_vectors"])
        self._signs_of = None

    def nearest(self, model: str, wanted: Sequence[float], limit: int) -> dict[str, float]:
        """Return the hashes of the nearest texts, each with its cosine, which is above zero."""
        self._load(model, len(wanted))
        mark = int.from_bytes(_signs(wanted))
        near = heapq.nsmallest(
            max(COMPARED, limit),
            self._signs,
            key=lambda text_hash: (self._signs[text_hash] ^ mark).bit_count(),
        )
        cosines = self.cosines(model, wanted, near)
        best = heapq.nlargest(limit, cosines, cosines.__getitem__)
        return {text_hash: cosines[text_hash] for text_hash in best if cosines[text_hash] > 0}

    def cosines(
        self, model: str, wanted: Sequence[float], hashes: Sequence[str]
    ) -> dict[str, float]:
        """Return how near texts are by their hashes, without those that have no vector."""
        asked = {"model": model, "dimensions": len(wanted), "hashes": json.encode(hashes).decode()}
        rows: Iterable[Any] = self._db.execute(self._sql["vectors"], asked)
        return {text_hash: _product(wanted, array("f", blob)) for text_hash, blob in rows}

    def _load(self, model: str, dimensions: int) -> None:
        if self._signs_of == (model, dimensions):
            return
        wanted = {"model": model, "dimensions": dimensions}
        rows: Iterable[Any] = self._db.execute(self._sql["signs"], wanted)
        self._signs = {text_hash: int.from_bytes(signs) for text_hash, signs in rows}
        self._signs_of = model, dimensions


def _signs(vector: Sequence[float]) -> bytes:
    """Keep one bit of each number."""
    bits = "".join("1" if number > 0 else "0" for number in vector)
    return int(f"0{bits}", 2).to_bytes((len(bits) + 7) // 8)


def _product(one: Iterable[float], other: Iterable[float]) -> float:
    products: Iterable[float] = map(mul, one, other)
    return sum(products)
