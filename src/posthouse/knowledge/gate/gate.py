"""The gate between what was found and what is said: whether a message wants this answer at all."""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from math import isfinite
from sys import byteorder
from typing import Annotated, Final

import structlog
from msgspec import Meta, Struct, ValidationError, json

from posthouse.knowledge.gate import shipped as beliefs
from posthouse.knowledge.gate.features import (
    BUCKETS,
    NUMBERS,
    Features,
    everyday_words,
    evidence,
    features,
)
from posthouse.knowledge.gate.logistic import Weights, sigmoid
from posthouse.knowledge.passage import Found
from posthouse.model.errors import NotUnderstood

FORMAT: Final = 2  # of a stored gate and of what its numbers mean; others are not read
PRIOR_SHARE: Final = 0.5  # how far the beliefs of the shipped gate are trusted beside examples
_STEPS: Final = 32_767  # a weight is stored as a whole number of steps of the largest

log = structlog.get_logger("posthouse.knowledge")

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Points(Struct, frozen=True, kw_only=True):
    """Where to draw the line, by what a wrong answer costs."""

    sure: Share = beliefs.SURE  # overheard: nobody asked, so nobody is to be bothered
    balanced: Share = beliefs.BALANCED  # missed and wrong weigh the same: to compare gates by
    lenient: Share = beliefs.LENIENT  # addressed: somebody waits for an answer


class Judgement(Struct, frozen=True, kw_only=True):
    """How sure one may be that a message wants this answer."""

    score: float  # 0 to 1
    threshold: float
    why: str = ""  # what the score comes from

    @property
    def is_sure(self) -> bool:
        """Whether to answer; a score that is no number is never sure."""
        return self.score >= self.threshold


class Seen(Struct, frozen=True):
    """A message as gates see it."""

    features: Features
    prior: float  # what the shipped gate believes, in log-odds
    certain: float | None = None  # the score where there is nothing to weigh


def see(text: str, found: Found) -> Seen:
    """Look at a message and at what was found for it."""
    certain = 1.0 if found.exact is not None else None if found.hits else 0.0
    return Seen(features(text, found), beliefs.log_odds(found), certain)


class Learnt(Struct, frozen=True, kw_only=True):
    """What examples have taught: weights, and how their log-odds become probabilities."""

    weights: Weights
    slope: float = 1.0
    offset: float = 0.0

    def log_odds(self, seen: Seen) -> float:
        raw = PRIOR_SHARE * seen.prior + self.weights.evidence(seen.features)
        return self.slope * raw + self.offset


class Gate:
    """Judges messages by their words and by what was found for them.

    Args:
        points: where to draw the line.
        learnt: None for the gate that knows no examples.
    """

    def __init__(self, points: Points = Points(), learnt: Learnt | None = None) -> None:  # noqa: B008 - frozen
        self.points = points
        self.learnt = learnt

    def __repr__(self) -> str:
        return f"<Gate {'trained' if self.learnt else 'shipped'} {self.points}>"

    def judge(self, text: str, found: Found, *, is_addressed: bool) -> Judgement:
        """Say how sure one may be; never raises, whatever is written."""
        score = self.score(see(text, found))
        threshold = self.points.lenient if is_addressed else self.points.sure
        judged = Judgement(score=score, threshold=threshold, why=self._why(found))
        if self.learnt is None or judged.is_sure or not is_addressed:
            return judged
        # Examples are mostly overheard. Who asks us is answered whenever something decent is found.
        return shipped().judge(text, found, is_addressed=True)

    def score(self, seen: Seen) -> float:
        """Return the probability that a message wants an answer."""
        if seen.certain is not None:
            return seen.certain
        return sigmoid(seen.prior if self.learnt is None else self.learnt.log_odds(seen))

    def _why(self, found: Found) -> str:
        if found.exact is not None:
            return "a fixed answer"
        if not found.hits:
            return "nothing found"
        kind = "trained" if self.learnt else "shipped"
        return f"{kind}: evidence {evidence(found):.2f}, {everyday_words(found)} everyday words"


def shipped() -> Gate:
    """Return the gate that knows no examples."""
    return Gate()


def load(model: bytes) -> Gate:
    """Read a gate that was stored; one that cannot be read is the shipped one, with a warning."""
    try:
        return read(model)
    except NotUnderstood as problem:
        log.warning("gate_unreadable", problem=str(problem))
        return shipped()


class _Stored(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    points: Points
    slope: float
    offset: float
    numbers: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    bias: float
    step: float
    pieces: str  # base64 of whole numbers of 16 bits, little-endian


def dump(gate: Gate) -> bytes:
    """Write a trained gate down as JSON of about 90 kB.

    Raises:
        ValueError: the shipped gate is nobody's to store.
    """
    if gate.learnt is None:
        raise ValueError("only trained gates are stored")
    learnt = gate.learnt
    weights = learnt.weights
    step = max(map(abs, weights.pieces)) / _STEPS or 1.0
    return json.encode(
        _Stored(
            format=FORMAT,
            points=gate.points,
            slope=learnt.slope,
            offset=learnt.offset,
            numbers=weights.numbers,
            means=weights.means,
            spreads=weights.spreads,
            bias=weights.bias,
            step=step,
            pieces=_packed(round(weight / step) for weight in weights.pieces),
        )
    )


def read(model: bytes) -> Gate:
    """Read a gate that was stored.

    Raises:
        NotUnderstood: the bytes are no gate, or one of another format.
    """
    try:
        stored = json.decode(model, type=_Stored)
        steps = _unpacked(stored.pieces)
    except (ValidationError, ValueError) as problem:
        raise NotUnderstood(f"These bytes are no gate: {problem}") from problem
    if stored.format != FORMAT:
        raise NotUnderstood(f"This gate has format {stored.format}, not {FORMAT}: train it anew.")
    weights = Weights(
        pieces=array("d", (stored.step * count for count in steps)),
        numbers=stored.numbers,
        means=stored.means,
        spreads=stored.spreads,
        bias=stored.bias,
    )
    if not _is_sound(weights):
        raise NotUnderstood("The numbers of this gate make no sense: train it anew.")
    return Gate(stored.points, Learnt(weights=weights, slope=stored.slope, offset=stored.offset))


def _is_sound(weights: Weights) -> bool:
    parts = (weights.numbers, weights.means, weights.spreads)
    return (
        all(len(part) == NUMBERS for part in parts)
        and len(weights.pieces) == BUCKETS
        and all(map(isfinite, weights.pieces))
        and all(spread > 0 for spread in weights.spreads)
    )


def _packed(steps: Iterable[int]) -> str:
    packed = array("h", steps)
    if byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode()


def _unpacked(text: str) -> array[int]:
    steps = array("h")
    steps.frombytes(b64decode(text, validate=True))
    if byteorder == "big":
        steps.byteswap()
    return steps
