"""Measuring a gate beside the length of messages, also among messages of one length."""

import msgspec
import pytest

from posthouse.knowledge.evaluation import cases_of, evaluation
from posthouse.knowledge.gate.gate import Points
from posthouse.knowledge.gate.measures import Decided
from posthouse.knowledge.labels import Labelled
from posthouse.knowledge.passage import Found
from tests.unit.knowledge.gate.chat import index


def decided(length: int, score: float, *, is_wanted: bool) -> Decided:
    return Decided("字" * length, is_wanted, score, balanced=0.5, sure=0.9)


def test_a_baseline_that_only_measures_length_stands_beside_the_gate() -> None:
    told = [
        decided(8, 0.8, is_wanted=True),
        decided(10, 0.1, is_wanted=False),
        decided(30, 0.95, is_wanted=True),
        decided(35, 0.6, is_wanted=False),
        decided(36, 0.2, is_wanted=False),
    ]
    measured = evaluation("shipped", told, Points(sure=0.9, balanced=0.5, lenient=0.1))
    assert (measured.labels, measured.wanted, measured.threshold) == (5, 2, 0.5)
    assert measured.precision == pytest.approx(2 / 3)
    assert measured.recall == 1.0
    assert (measured.sure_precision, measured.sure_recall) == (1.0, 0.5)
    assert measured.length_baseline_auc == pytest.approx(1 / 6)
    assert measured.length_baseline_f1 == pytest.approx(4 / 7)  # everything is answered


def test_bands_meet_at_their_ends_and_leave_nothing_out() -> None:
    told = [
        decided(length, length / 100, is_wanted=length % 2 == 0)
        for length in (0, 1, 10, 11, 15, 16, 22, 23, 35, 36, 500)
    ]
    bands = evaluation("shipped", told, None).bands
    assert [(band.characters, band.labels) for band in bands] == [
        ("1-10", 2),
        ("11-15", 2),
        ("16-22", 2),
        ("23-35", 2),
        ("36+", 2),
    ]


def test_what_is_printed_has_the_names_that_others_read() -> None:
    told = [decided(8, 0.8, is_wanted=True), decided(30, 0.2, is_wanted=False)]
    printed = msgspec.to_builtins(evaluation("nested", told, None))
    assert set(printed) == {
        *("gate", "labels", "wanted", "auc", "f1", "precision", "recall", "threshold"),
        *("best_f1", "recall_at_precision_90", "sure_threshold", "sure_precision", "sure_recall"),
        *("length_baseline_f1", "length_baseline_auc", "bands"),
    }


async def test_messages_are_searched_in_their_order() -> None:
    async def find(text: str) -> Found:
        return index().search(text)

    done: list[int] = []
    labels = [Labelled("旧巢脾", is_wanted=True), Labelled("哈哈", is_wanted=False)]
    cases = await cases_of(labels, find, done.append)
    assert [(one.text, one.is_wanted) for one in cases] == [("旧巢脾", True), ("哈哈", False)]
    assert cases[0].seen.certain is None
    assert cases[1].seen.certain == 0.0
    assert done == [1, 1]
