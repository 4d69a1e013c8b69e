"""Teaching a gate what people of this house want answered, and saying honestly how well it does.

Everything is told by blocks of neighbouring messages: chat comes in bursts of one subject, and
blocks drawn at random would let a gate recognise what it is tested with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from posthouse.knowledge.gate import shipped as beliefs
from posthouse.knowledge.gate.gate import PRIOR_SHARE, Gate, Learnt, Points, Seen, see
from posthouse.knowledge.gate.logistic import Example, Weights, fit, log_odds_of, sigmoid
from posthouse.knowledge.gate.measures import Decided, best, curve, steady
from posthouse.knowledge.passage import Found
from posthouse.knowledge.words import fingerprint
from posthouse.model.errors import OperatorMistake

BLOCKS: Final = 5
FITS: Final = BLOCKS + 1  # that one gate takes: what each block is judged by, and its own
WANTED_PRECISION: Final = 0.90
LENIENT_RECALL: Final = 0.97
CASES_MIN: Final = BLOCKS  # of either kind
SILENT: Final = 1.0
LEANING: Final = 20.0  # messages that wanted an answer: with fewer, lines are mostly the shipped
_CALM: Final = 1.0  # how strongly calibration is held to "as they are", in examples
_CALIBRATION_STEPS: Final = 30


class Case(Struct, frozen=True):
    """A message, and whether it wanted an answer."""

    text: str
    is_wanted: bool
    seen: Seen


def case(text: str, is_wanted: bool, found: Found) -> Case:  # noqa: FBT001 - what a label says
    """Make a case of a label and what is found for it."""
    return Case(text, is_wanted, see(text, found))


def newest(labels: Iterable[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    """Keep of what was said about one text the last word, in order."""
    said: dict[str, tuple[str, bool]] = {}
    for text, is_wanted in labels:
        key = fingerprint(text)
        said.pop(key, None)
        said[key] = (text, is_wanted)
    said.pop("", None)
    return tuple(said.values())


def learn(
    cases: Sequence[Case],
    precision: float = WANTED_PRECISION,
    progress: Callable[[int], None] = lambda _fits: None,
) -> Gate:
    """Train a gate.

    Args:
        cases: oldest first.
        precision: the share of overheard messages it answers that shall have wanted it.
        progress: told of each of the ``FITS`` that is done.

    Raises:
        OperatorMistake: there are too few of either kind.
    """
    check(cases)
    return _learnt(cases, precision, progress)


def _learnt(cases: Sequence[Case], precision: float, progress: Callable[[int], None]) -> Gate:
    blocks = _blocks(cases)
    raw = _judged_by_others(cases, blocks, progress)
    wanted = [one.is_wanted for one in cases]
    slope, offset = _calibrated(raw, wanted)
    scores = [
        sigmoid(slope * value + offset) if one.seen.certain is None else one.seen.certain
        for value, one in zip(raw, cases, strict=True)
    ]
    learnt = Learnt(weights=_fitted(cases), slope=slope, offset=offset)
    progress(1)
    return Gate(_points(scores, wanted, blocks, precision), learnt)


def check(cases: Sequence[Case]) -> None:
    """Refuse to learn from next to nothing.

    Raises:
        OperatorMistake: there are too few of either kind.
    """
    wanted = sum(one.is_wanted for one in cases)
    if min(wanted, len(cases) - wanted) < CASES_MIN:
        raise OperatorMistake(
            f"A gate is trained with at least {CASES_MIN} messages that wanted an answer and"
            f" {CASES_MIN} that did not; there are {wanted} and {len(cases) - wanted}.",
            zh=f"训练至少需要 {CASES_MIN} 条该回答的消息和 {CASES_MIN} 条不该回答的；"
            f"现在有 {wanted} 条和 {len(cases) - wanted} 条。",
        )


def decided(gate: Gate, cases: Iterable[Case]) -> Iterator[Decided]:
    """Let a gate decide cases that it never saw."""
    for one in cases:
        yield Decided(
            one.text, one.is_wanted, gate.score(one.seen), gate.points.balanced, gate.points.sure
        )


def nested(
    cases: Sequence[Case],
    precision: float = WANTED_PRECISION,
    progress: Callable[[int], None] = lambda _fits: None,
) -> list[Decided]:
    """Let each block be decided by a gate whose training, thresholds too, never saw it.

    Args:
        cases: oldest first.
        precision: as ``learn`` takes it.
        progress: told of each of the ``BLOCKS * FITS`` that is done.

    Raises:
        OperatorMistake: there are too few of either kind.
    """
    check(cases)
    outcome: list[Decided] = []
    for block, others in parted(cases):
        gate = _learnt([cases[at] for at in others], precision, progress)
        outcome += decided(gate, [cases[at] for at in block])
    return outcome


def parted(cases: Sequence[Case]) -> Iterator[tuple[list[int], list[int]]]:
    """Part the cases of either kind into blocks of neighbours; yield each, and the others."""
    return _parts(_blocks(cases))


def _parts(blocks: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    for block in range(BLOCKS):
        inside = [at for at, own in enumerate(blocks) if own == block]
        yield inside, [at for at, own in enumerate(blocks) if own != block]


def _blocks(cases: Sequence[Case]) -> list[int]:
    """Say of each case in which block it is."""
    totals = {kind: sum(one.is_wanted is kind for one in cases) for kind in (True, False)}
    met = {True: 0, False: 0}
    blocks: list[int] = []
    for one in cases:
        blocks.append(met[one.is_wanted] * BLOCKS // totals[one.is_wanted])
        met[one.is_wanted] += 1
    return blocks


def _judged_by_others(
    cases: Sequence[Case], blocks: Sequence[int], progress: Callable[[int], None]
) -> list[float]:
    raw = [0.0] * len(cases)
    for block, others in _parts(blocks):
        weights = _fitted([cases[at] for at in others])
        for at in block:
            raw[at] = PRIOR_SHARE * cases[at].seen.prior + weights.evidence(cases[at].seen.features)
        progress(1)
    return raw


def _fitted(cases: Sequence[Case]) -> Weights:
    examples = [
        Example(one.seen.features, one.is_wanted, PRIOR_SHARE * one.seen.prior) for one in cases
    ]
    return fit(examples, Random(0))  # noqa: S311 - the same cases give the same gate


def _calibrated(raw: Sequence[float], wanted: Sequence[bool]) -> tuple[float, float]:
    """Find slope and offset that make probabilities of log-odds, by Newton's method."""
    slope, offset = 1.0, 0.0
    for _ in range(_CALIBRATION_STEPS):
        to_slope, to_offset = _CALM * (slope - 1.0), _CALM * offset
        bend_slope, bend_both, bend_offset = _CALM, 0.0, _CALM
        for value, is_wanted in zip(raw, wanted, strict=True):
            share = sigmoid(slope * value + offset)
            error, weight = share - is_wanted, share * (1.0 - share)
            to_slope += error * value
            to_offset += error
            bend_slope += weight * value * value
            bend_both += weight * value
            bend_offset += weight
        size = bend_slope * bend_offset - bend_both * bend_both
        slope -= (bend_offset * to_slope - bend_both * to_offset) / size
        offset -= (bend_slope * to_offset - bend_both * to_slope) / size
    return max(slope, 0.0), offset  # what foretells the contrary foretells nothing


def _points(
    scores: Sequence[float], wanted: Sequence[bool], blocks: Sequence[int], precision: float
) -> Points:
    """Draw the lines; where the wanted precision is out of reach, what is overheard stays so."""
    lines, number = list(curve(scores, wanted)), sum(wanted)
    sure = steady(scores, wanted, blocks, precision)
    found = [one.threshold for one in lines if one.recall >= LENIENT_RECALL]
    balanced = leaning(best(lines).threshold, beliefs.BALANCED, number)
    return Points(
        sure=SILENT if sure is None else max(leaning(sure, beliefs.SURE, number), balanced),
        balanced=balanced,
        lenient=min(leaning(max(found), beliefs.LENIENT, number), balanced),
    )


def leaning(drawn: float, believed: float, wanted: int) -> float:
    """Lean a line on the shipped gate's: drawn by few messages it is mostly chance."""
    share = wanted / (wanted + LEANING)
    return sigmoid(share * log_odds_of(drawn) + (1.0 - share) * log_odds_of(believed))
