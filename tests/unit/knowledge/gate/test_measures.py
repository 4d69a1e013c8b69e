"""The measures, against numbers worked out by hand."""

import pytest

from posthouse.knowledge.gate.measures import (
    Decided,
    auc,
    best,
    curve,
    line,
    quality,
    recall_at,
    steady,
)

SCORES = (0.9, 0.8, 0.8, 0.3, 0.1)
WANTED = (True, True, False, True, False)


def test_auc_counts_pairs_and_half_of_the_ties() -> None:
    # of 3 · 2 pairs: 0.9 wins both, 0.8 wins one and ties one, 0.3 wins one
    assert auc(SCORES, WANTED) == pytest.approx((2 + 1.5 + 1) / 6)


@pytest.mark.parametrize("wanted", [(True,) * 5, (False,) * 5])
def test_auc_of_one_kind_alone_is_chance(wanted: tuple[bool, ...]) -> None:
    assert auc(SCORES, wanted) == 0.5


def test_a_curve_has_a_line_per_score_and_never_parts_ties() -> None:
    drawn = [(one.threshold, one.precision, one.recall) for one in curve(SCORES, WANTED)]
    assert drawn == [
        (0.9, 1.0, pytest.approx(1 / 3)),
        (0.8, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0.3, 0.75, 1.0),
        (0.1, 0.6, 1.0),
    ]


def test_the_best_line_and_the_recall_at_a_precision() -> None:
    lines = list(curve(SCORES, WANTED))
    assert best(lines).threshold == 0.3
    assert recall_at(lines, 0.7) == 1.0
    assert recall_at(lines, 0.9) == pytest.approx(1 / 3)
    assert recall_at([], 0.9) == 0.0


def test_who_says_nothing_says_nothing_wrong() -> None:
    nothing = line([False] * 5, WANTED)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 0.0, 0.0)


def test_decisions_are_measured_with_the_threshold_of_the_gate_that_made_them() -> None:
    one = Decided("a", is_wanted=True, score=0.4, balanced=0.3, sure=0.5)
    other = Decided("b", is_wanted=False, score=0.6, balanced=0.7, sure=0.65)
    measured = quality([one, other])
    assert (measured.precision, measured.recall) == (1.0, 1.0)
    assert measured.auc == 0.0
    assert measured.sure_recall == 0.0


def test_a_steady_line_holds_in_the_worst_block_too() -> None:
    """The second block is right half of the time below 0.8, and always above."""
    easy = [(0.6, 0, True)] * 100
    hard = [(0.9, 1, True)] * 30 + [(0.7, 1, number % 2 == 0) for number in range(30)]
    scores, blocks, wanted = zip(*easy, *hard, strict=True)
    assert min(line.threshold for line in curve(scores, wanted) if line.precision >= 0.9) == 0.6
    assert steady(scores, wanted, blocks, 0.9) == 0.9


def test_of_a_block_with_hardly_an_answer_the_others_tell() -> None:
    scores, blocks, wanted = zip(*[(0.6, 0, True)] * 199, (0.6, 1, False), strict=True)
    assert steady(scores, wanted, blocks, 0.9) == 0.6


def test_what_is_wrong_everywhere_has_no_steady_line() -> None:
    assert steady([0.9, 0.8], [False, True], [0, 1], 0.9) is None
