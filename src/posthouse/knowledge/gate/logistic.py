"""Logistic regression: weights that tell wanted messages from others, learnt in plain Python.

The weights are kept near what was believed before (``prior``), so with few examples the outcome is
nearly the prior, and with many it is what they say. Trained by dual coordinate descent (Yu, Huang,
Lin: "Dual coordinate descent methods for logistic regression", 2011): one pass costs as much as
judging every example twice, and a few dozen passes are enough.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import exp, log, sqrt
from random import Random
from typing import Final

from msgspec import Struct

from posthouse.knowledge.gate.features import BUCKETS, Features

TRUST: Final = 10.0  # in an example, against the belief that weights are small
NUMBER_SCALE: Final = 0.05  # of a number beside the pieces of text, which share a length below one
FEW_PIECES: Final = 100.0
PASSES_MAX: Final = 40
STILL_MOVING: Final = 0.002
STEPS_MAX: Final = 20
_FLAT: Final = 1e-9
_EXTREME: Final = 35.0


class Example(Struct, frozen=True):
    """A message, whether it wanted an answer, and what was believed of it before."""

    features: Features
    is_wanted: bool
    prior: float = 0.0  # log-odds


class Weights(Struct, frozen=True):
    """What was learnt. Numbers are compared with those of the examples: mean and spread."""

    pieces: array[float]
    numbers: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    bias: float

    def evidence(self, features: Features) -> float:
        """Return what speaks for a message beside the prior, in log-odds."""
        total = self.bias
        for value, weight, mean, spread in zip(
            features.numbers, self.numbers, self.means, self.spreads, strict=True
        ):
            total += weight * (value - mean) / spread * NUMBER_SCALE
        pieces = self.pieces
        held = sum(pieces[bucket] for bucket in features.buckets)
        return total + held * _share(features.buckets)


def _share(buckets: Sequence[int]) -> float:
    """Return how much each piece weighs: less in long messages, but not all in the shortest."""
    return 1.0 / sqrt(len(buckets) + FEW_PIECES)


def sigmoid(log_odds: float) -> float:
    """Turn log-odds into a probability."""
    if log_odds < 0:
        return 1.0 - sigmoid(-log_odds)
    return 1.0 / (1.0 + exp(-min(log_odds, _EXTREME)))


def log_odds_of(probability: float) -> float:
    """Turn a probability into log-odds."""
    bounded = min(max(probability, _FLAT), 1.0 - _FLAT)
    return log(bounded / (1.0 - bounded))


def fit(examples: Sequence[Example], random: Random, trust: float = TRUST) -> Weights:
    """Learn from examples; the order in which they are visited is all that chance decides."""
    columns = list(zip(*(example.features.numbers for example in examples), strict=True))
    means = tuple(sum(column) / len(column) for column in columns)
    spreads = tuple(_spread(column, mean) for column, mean in zip(columns, means, strict=True))
    descent = _Descent([_Row(example, means, spreads) for example in examples], trust)
    order = list(range(len(examples)))
    for _ in range(PASSES_MAX):
        random.shuffle(order)
        if descent.improve(order) < STILL_MOVING * trust:
            break
    return Weights(
        pieces=descent.pieces,
        numbers=tuple(descent.numbers),
        means=means,
        spreads=spreads,
        bias=descent.bias,
    )


def _spread(column: Sequence[float], mean: float) -> float:
    variance = sum((value - mean) ** 2 for value in column) / len(column)
    return sqrt(variance) if variance > _FLAT else 1.0


class _Row:
    """An example as the descent wants it; its pieces together have a length below one."""

    __slots__ = ("buckets", "length_squared", "numbers", "prior", "share", "sign")

    def __init__(self, example: Example, means: Sequence[float], spreads: Sequence[float]) -> None:
        seen = example.features
        self.buckets = seen.buckets
        self.share = _share(seen.buckets)
        self.numbers = [
            (value - mean) / spread * NUMBER_SCALE
            for value, mean, spread in zip(seen.numbers, means, spreads, strict=True)
        ]
        self.sign = 1.0 if example.is_wanted else -1.0
        self.prior = example.prior
        of_pieces = len(seen.buckets) * self.share**2
        self.length_squared = 1.0 + of_pieces + sum(x * x for x in self.numbers)


class _Descent:
    """The weights, and of every example how far it has pulled at them (0 to ``trust``)."""

    def __init__(self, rows: Sequence[_Row], trust: float) -> None:
        self._rows = rows
        self._trust = trust
        self._pulls = [0.0] * len(rows)
        self.pieces = array("d", bytes(8 * BUCKETS))
        self.numbers = [0.0] * len(rows[0].numbers) if rows else []
        self.bias = 0.0

    def improve(self, order: Sequence[int]) -> float:
        """Visit every example once; return the largest change of a pull."""
        largest = 0.0
        for at in order:
            row = self._rows[at]
            pull = self._best_pull(row, self._pulls[at])
            change = pull - self._pulls[at]
            self._pulls[at] = pull
            self._move(row, change * row.sign)
            largest = max(largest, abs(change))
        return largest

    def _log_odds(self, row: _Row) -> float:
        pieces = self.pieces
        held = sum([pieces[bucket] for bucket in row.buckets])
        counted = sum([weight * x for weight, x in zip(self.numbers, row.numbers, strict=True)])
        return row.prior + self.bias + held * row.share + counted

    def _move(self, row: _Row, by: float) -> None:
        self.bias += by
        self.numbers = [
            weight + by * x for weight, x in zip(self.numbers, row.numbers, strict=True)
        ]
        step = by * row.share
        pieces = self.pieces
        for bucket in row.buckets:
            pieces[bucket] += step

    def _best_pull(self, row: _Row, before: float) -> float:
        """Find the pull where the example's loss and the weights' growth are in balance.

        With pull = trust · sigmoid(t), the balance is the only root of a function of t that grows
        at least as fast as t itself: Newton's method between two bounds.
        """
        steepness = row.length_squared * self._trust
        base = row.sign * self._log_odds(row) - row.length_squared * before
        low, high = -base - steepness, -base
        t = (low + high) / 2
        for _ in range(STEPS_MAX):
            share = sigmoid(t)
            value = steepness * share + base + t
            if abs(value) < _FLAT:
                break
            if value > 0:
                high = t
            else:
                low = t
            t -= value / (steepness * share * (1.0 - share) + 1.0)
            if not low < t < high:
                t = (low + high) / 2
        return self._trust * sigmoid(t)
