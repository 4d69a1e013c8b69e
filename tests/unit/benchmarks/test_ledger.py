"""The arithmetic that judges a bot: what counts as lost, twice, out of order, late."""

import pytest

from benchmarks.peers.ledger import Ledger, percentile


def ledger_of(*pushes: tuple[str, str]) -> Ledger:
    ledger = Ledger()
    for at, (token, session) in enumerate(pushes):
        ledger.push(token, session, float(at))
    return ledger


def test_what_has_no_answer_is_lost() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"))
    ledger.answer("2", "a", 5.0)
    counts = ledger.counts()
    assert (counts.pushed, counts.answered, counts.lost) == (2, 1, 1)


def test_each_answer_beyond_the_first_is_one_too_many() -> None:
    ledger = ledger_of(("1", "a"))
    for at in (1.0, 2.0, 3.0):
        ledger.answer("1", "a", at)
    counts = ledger.counts()
    assert (counts.answered, counts.twice) == (1, 2)
    assert counts.p99_ms == 1000, "the first answer is what a person waited for"


def test_who_is_told_of_an_interruption_has_lost_nothing() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"), ("3", "b"))
    ledger.answer("Your command was interrupted.", "a", 1.0)
    counts = ledger.counts()
    assert (counts.answered, counts.told, counts.lost, counts.strange) == (0, 1, 2, 0)


def test_a_text_that_nobody_waits_for_is_strange() -> None:
    ledger = ledger_of(("1", "a"), ("2", "b"))
    ledger.answer("1", "a", 1.0)
    ledger.answer("Something else.", "a", 1.0)
    counts = ledger.counts()
    assert (counts.told, counts.lost, counts.strange) == (0, 1, 1)


def test_an_answer_after_that_of_a_later_message_is_inverted() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"), ("3", "a"))
    for token in ("3", "1", "2"):
        ledger.answer(token, "a", 9.0)
    assert ledger.counts().inverted == 2


def test_sessions_overtake_one_another_freely() -> None:
    ledger = ledger_of(("1", "a"), ("2", "b"), ("3", "a"))
    for token in ("2", "1", "3"):
        ledger.answer(token, "a", 9.0)
    assert ledger.counts().inverted == 0


def test_a_lost_message_puts_nothing_out_of_order() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"), ("3", "a"))
    for token in ("1", "3"):
        ledger.answer(token, "a", 9.0)
    assert ledger.counts().inverted == 0


def test_a_repeat_of_an_early_answer_is_twice_and_not_inverted() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"))
    for token in ("1", "2", "1"):
        ledger.answer(token, "a", 9.0)
    assert (ledger.counts().twice, ledger.counts().inverted) == (1, 0)


def test_what_could_not_be_pushed_is_not_lost() -> None:
    ledger = ledger_of(("1", "a"), ("2", "a"))
    ledger.take_back("2")
    assert (ledger.counts().pushed, ledger.counts().lost) == (1, 1)


def test_the_span_is_from_the_first_push_to_the_last_first_answer() -> None:
    ledger = ledger_of(("1", "a"), ("2", "b"))
    ledger.answer("1", "a", 4.0)
    ledger.answer("2", "a", 3.0)
    ledger.answer("2", "a", 8.0)
    assert ledger.counts().answers_s == 4.0


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0), (0, 1.0)]
)
def test_a_percentile_is_a_value_that_was_seen(percent: float, expected: float) -> None:
    assert percentile([float(one) for one in range(1, 101)], percent) == expected


def test_the_99th_of_few_is_the_worst() -> None:
    assert percentile([1.0, 2.0, 30.0], 99) == 30.0


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 50) == 0.0
