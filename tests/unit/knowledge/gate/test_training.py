"""That a gate learns, and that what is said about it is said by gates that never saw the case."""

import random

import pytest

from posthouse.knowledge.gate import gate as gates
from posthouse.knowledge.gate.features import Features
from posthouse.knowledge.gate.logistic import FEW_PIECES, Example, fit, sigmoid
from posthouse.knowledge.gate.measures import auc, quality
from posthouse.knowledge.gate.training import (
    BLOCKS,
    FITS,
    case,
    decided,
    leaning,
    learn,
    nested,
    newest,
    parted,
)
from posthouse.model.errors import OperatorMistake
from tests.unit.knowledge.gate.chat import cases, index, labels


def test_examples_make_a_gate_better_at_messages_it_never_saw() -> None:
    learnt_from, tested = cases(90, seed=1), cases(90, seed=2)
    # Here people chat about what the base holds, and never want to hear of it.
    base = index()
    others = tuple(
        case(f"{text}，蜂群蜂箱", is_wanted=False, found=base.search(text))
        for text, _ in labels(45, seed=5)
    )
    before = quality(list(decided(gates.shipped(), tested + others)))
    gate = learn(learnt_from + others[:30])
    after = quality(list(decided(gate, tested + others[30:])))
    assert after.auc > max(before.auc, 0.95)
    assert after.f1 > before.f1


def test_the_same_cases_make_the_same_gate() -> None:
    assert gates.dump(learn(cases(30))) == gates.dump(learn(cases(30)))


def test_blocks_hold_neighbours_of_either_kind_and_every_case_once() -> None:
    told = cases(60)
    blocks = [block for block, _ in parted(told)]
    assert sorted(at for block in blocks for at in block) == list(range(60))
    for block, others in parted(told):
        assert not set(block) & set(others)
        for kind in (True, False):
            own = [at for at, one in enumerate(told) if one.is_wanted is kind]
            places = [own.index(at) for at in block if told[at].is_wanted is kind]
            assert places == list(range(places[0], places[0] + len(own) // BLOCKS))


def test_no_gate_decides_what_it_was_trained_with() -> None:
    """A label that chance has drawn can be learnt by heart, but not foretold."""
    chance = random.Random(7)
    texts = ["".join(chance.choices("蜂箱巢脾糖水螨虫王冬", k=12)) for _ in range(120)]
    base = index()
    told = [case(text, chance.random() < 0.5, base.search(text)) for text in texts]
    learnt = learn(told).learnt
    assert learnt is not None
    by_heart = [learnt.weights.evidence(one.seen.features) for one in told]
    assert auc(by_heart, [one.is_wanted for one in told]) > 0.9
    assert quality(nested(told)).auc < 0.65


def test_out_of_reach_of_the_wanted_precision_nothing_overheard_is_answered() -> None:
    """Where every message was wanted as often as not, one in two answers is wrong."""
    base = index()
    told = [
        case(text, is_wanted, base.search(text))
        for text, _ in labels(40)
        for is_wanted in (True, False)
    ]
    gate = learn(told, precision=0.6)
    assert not any(one.score >= one.sure for one in decided(gate, told))
    assert gate.points.lenient <= gate.points.balanced <= gate.points.sure


def test_lines_drawn_by_few_messages_lean_on_the_shipped_ones() -> None:
    few, some, many = (leaning(0.8, 0.4, wanted) for wanted in (0, 20, 2000))
    assert few == pytest.approx(0.4)
    assert some == pytest.approx(0.62, abs=0.01)  # half way, in log-odds
    assert many == pytest.approx(0.8, abs=0.01)
    assert 0.4 < leaning(1.0, 0.4, 5) < 1.0


@pytest.mark.parametrize("wanted", [0, BLOCKS - 1, 100 - BLOCKS + 1, 100])
def test_too_few_cases_of_a_kind_are_refused(wanted: int) -> None:
    told = [
        case(f"{text}{number}", number < wanted, index().search(text))
        for number, (text, _) in enumerate(labels(100))
    ]
    with pytest.raises(OperatorMistake, match=f"there are {wanted} and {100 - wanted}"):
        learn(told)


def test_blocks_of_the_fewest_cases_are_judged_as_well() -> None:
    """Without its own block, a gate is taught with one case less than is asked for."""
    told = [
        case(f"{text}{number}", number < BLOCKS, index().search(text))
        for number, (text, _) in enumerate(labels(2 * BLOCKS))
    ]
    fits: list[int] = []
    assert len(nested(told, progress=fits.append)) == len(told)
    assert sum(fits) == BLOCKS * FITS


def test_of_what_was_said_about_one_text_the_last_word_counts() -> None:
    told = [("怎么换巢脾？", True), ("午饭", False), ("怎么换巢脾", False), ("?!", True)]
    assert newest(told) == (("午饭", False), ("怎么换巢脾", False))


def test_the_descent_reaches_the_optimum() -> None:
    """Where nothing can be gained any more, the slope of loss and penalty together is flat."""
    chance = random.Random(3)
    examples = [
        Example(
            Features((chance.gauss(0, 1), chance.gauss(0, 1)), (number % 11, 11 + number % 7)),
            chance.random() < 0.4,
            prior=chance.gauss(0, 1),
        )
        for number in range(80)
    ]
    weights = fit(examples, random.Random(0), trust=2.0)
    errors = [
        one.is_wanted - sigmoid(one.prior + weights.evidence(one.features)) for one in examples
    ]
    for bucket in range(18):
        pull = sum(
            error / (2 + FEW_PIECES) ** 0.5
            for error, one in zip(errors, examples, strict=True)
            if bucket in one.features.buckets
        )
        assert weights.pieces[bucket] == pytest.approx(2.0 * pull, abs=0.05)
    assert weights.bias == pytest.approx(2.0 * sum(errors), abs=0.1)


def test_with_hardly_any_examples_the_prior_decides() -> None:
    examples = [Example(Features((0.0,), (number,)), is_wanted=True) for number in range(2)]
    weights = fit(examples, random.Random(0), trust=0.01)
    assert abs(weights.evidence(Features((0.0,), (5,)))) < 0.1
