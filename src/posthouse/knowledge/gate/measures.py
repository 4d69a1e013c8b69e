"""How well messages are told apart: measures of scores, and of the decisions made by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct

PRECISION_OF_THE_PUBLISHED: Final = 0.90
BORROWED: Final = 10.0  # messages: as many of all blocks stand beside those of one


class Decided(Struct, frozen=True):
    """A message, whether it wanted an answer, and what a gate made of it that never saw it."""

    text: str
    is_wanted: bool
    score: float
    balanced: float  # thresholds of the gate that gave the score
    sure: float


class Line(Struct, frozen=True):
    """What comes of drawing the line at a threshold."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Quality(Struct, frozen=True, kw_only=True):
    """How well messages are told apart; ``precision``, ``recall``, ``f1`` as a gate decided."""

    labels: int
    wanted: int
    auc: float
    f1: float
    precision: float
    recall: float
    best_f1: float  # with the threshold that suits these very messages best
    recall_at_precision_90: float  # the same
    sure_precision: float  # where the line is drawn for what is overheard
    sure_recall: float


def quality(decided: Sequence[Decided]) -> Quality:
    """Measure decisions."""
    wanted = [one.is_wanted for one in decided]
    scores = [one.score for one in decided]
    balanced = line([one.score >= one.balanced for one in decided], wanted)
    sure = line([one.score >= one.sure for one in decided], wanted)
    lines = list(curve(scores, wanted))
    return Quality(
        labels=len(decided),
        wanted=sum(wanted),
        auc=auc(scores, wanted),
        f1=balanced.f1,
        precision=balanced.precision,
        recall=balanced.recall,
        best_f1=best(lines).f1,
        recall_at_precision_90=recall_at(lines, PRECISION_OF_THE_PUBLISHED),
        sure_precision=sure.precision,
        sure_recall=sure.recall,
    )


def auc(scores: Sequence[float], wanted: Sequence[bool]) -> float:
    """Return how often a wanted message has the larger score than another; 0.5 by chance."""
    positives = sum(wanted)
    pairs = positives * (len(wanted) - positives)
    below, won = 0, 0.0
    for _, tied in groupby(sorted(zip(scores, wanted, strict=True)), key=lambda pair: pair[0]):
        answers = [is_wanted for _, is_wanted in tied]
        others = len(answers) - sum(answers)
        won += sum(answers) * (below + others / 2)
        below += others
    return won / pairs if pairs else 0.5


def line(said: Sequence[bool], wanted: Sequence[bool], threshold: float = 0.0) -> Line:
    """Measure decisions: precision is 1 where nothing was said."""
    right = sum(one and other for one, other in zip(said, wanted, strict=True))
    return Line(
        threshold,
        right / sum(said) if any(said) else 1.0,
        right / sum(wanted) if any(wanted) else 0.0,
    )


def curve(scores: Sequence[float], wanted: Sequence[bool]) -> Iterator[Line]:
    """Draw the line at every score, the largest first."""
    positives, said, right = sum(wanted), 0, 0
    pairs = sorted(zip(scores, wanted, strict=True), reverse=True)
    for threshold, tied in groupby(pairs, key=lambda pair: pair[0]):
        answers = [is_wanted for _, is_wanted in tied]
        said += len(answers)
        right += sum(answers)
        yield Line(threshold, right / said, right / positives if positives else 0.0)


def best(lines: Sequence[Line]) -> Line:
    """Return the line with the best F1."""
    return max(lines, key=lambda one: one.f1, default=Line(1.0, 1.0, 0.0))


def recall_at(lines: Sequence[Line], precision: float) -> float:
    """Return how much is found at a precision or a better one."""
    return max((one.recall for one in lines if one.precision >= precision), default=0.0)


def steady(
    scores: Sequence[float], wanted: Sequence[bool], blocks: Sequence[int], precision: float
) -> float | None:
    """Return the smallest threshold with a precision in every block; None where there is none.

    The next subject may be harder than those before, as some of those were: a precision that holds
    in the mean only is missed there. Of a block with few answers the others tell what it cannot.

    Args:
        scores: one for each message, like all that follows.
        wanted: whether it wanted an answer.
        blocks: in which block it is.
        precision: the share of answers that shall be wanted.
    """
    said: Counter[int] = Counter()
    right: Counter[int] = Counter()
    threshold: float | None = None
    rows = sorted(zip(scores, blocks, wanted, strict=True), reverse=True)
    for score, tied in groupby(rows, key=lambda row: row[0]):
        for _, block, is_wanted in tied:
            said[block] += 1
            right[block] += is_wanted
        mean = right.total() / said.total()
        if all(
            right[block] + BORROWED * mean >= precision * (count + BORROWED)
            for block, count in said.items()
        ):
            threshold = score
    return threshold
