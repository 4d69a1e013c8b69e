"""What goes wrong is exactly what was planned, and the same again from the same seed."""

import pytest

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.chance import SCRIPT_MAX
from posthouse.simulators.probe.bots import BotClass, bot
from posthouse.simulators.probe.faults import Fault, FaultPlan, FaultSettings, Verb

KEYED, NONE = bot("k", BotClass.KEYED), bot("n", BotClass.NONE)
HALF_AND_HALF = {"*": {Verb.SEND: {Fault.DELAY: 0.5, Fault.REFUSED: 0.5}}}


def draws(plan: FaultPlan, count: int = 200) -> list[Fault | None]:
    return [plan.draw(KEYED, Verb.SEND) for _ in range(count)]


def test_without_a_plan_nothing_goes_wrong() -> None:
    assert set(draws(FaultPlan())) == {None}


def test_the_same_seed_gives_the_same_faults() -> None:
    one, same, other = (FaultSettings(seed=seed, rates=HALF_AND_HALF) for seed in (1, 1, 2))
    assert draws(FaultPlan(one)) == draws(FaultPlan(same)) != draws(FaultPlan(other))


def test_the_calls_of_another_bot_change_nothing() -> None:
    settings = FaultSettings(rates=HALF_AND_HALF)
    alone, in_company = FaultPlan(settings), FaultPlan(settings)
    together = []
    for _ in range(200):
        in_company.draw(NONE, Verb.SEND)
        together.append(in_company.draw(KEYED, Verb.SEND))
    assert draws(alone) == together


def test_shares_are_met() -> None:
    rates = {"*": {Verb.SEND: {Fault.DELAY: 0.2, Fault.REFUSED: 0.1}}}
    drawn = draws(FaultPlan(FaultSettings(rates=rates)), 10_000)
    assert drawn.count(Fault.DELAY) == pytest.approx(2000, rel=0.1)
    assert drawn.count(Fault.REFUSED) == pytest.approx(1000, rel=0.1)
    assert drawn.count(None) == pytest.approx(7000, rel=0.1)


def test_a_class_of_its_own_comes_before_the_star() -> None:
    rates = {"none": {Verb.SEND: {Fault.REFUSED: 1.0}}, "*": {Verb.SEND: {Fault.DELAY: 1.0}}}
    plan = FaultPlan(FaultSettings(rates=rates))
    assert plan.draw(NONE, Verb.SEND) is Fault.REFUSED
    assert plan.draw(KEYED, Verb.SEND) is Fault.DELAY
    assert plan.draw(KEYED, Verb.EDIT) is None


def test_a_script_comes_first_and_is_used_up() -> None:
    settings = FaultSettings(
        script={"k": {Verb.SEND: (Fault.DELAY, None)}},
        rates={"*": {Verb.SEND: {Fault.REFUSED: 1.0}}},
    )
    assert draws(FaultPlan(settings), 4) == [Fault.DELAY, None, Fault.REFUSED, Fault.REFUSED]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (FaultSettings(rates={"*": {Verb.SEND: {Fault.TWICE: 0.1}}}), "cannot happen to send"),
        (FaultSettings(rates={"*": {Verb.PUSH: {Fault.REFUSED: 0.1}}}), "cannot happen to push"),
        (FaultSettings(rates={"*": {Verb.SEND: {Fault.DELAY: 1.1}}}), "exceed 1"),
        (FaultSettings(rates={"*": {Verb.SEND: {Fault.DELAY: -0.1}}}), "negative"),
        (FaultSettings(rates={"keyd": {}}), "no class 'keyd'"),
        (FaultSettings(script={"k": {Verb.SEND: (Fault.TWICE,)}}), "cannot happen to send"),
        (FaultSettings(script={"k": {Verb.SEND: (None,) * (SCRIPT_MAX + 1)}}), "longer than"),
    ],
    ids=["twice", "refused push", "too much", "negative", "class", "script", "long script"],
)
def test_a_senseless_plan_is_refused_and_the_old_one_stays(
    settings: FaultSettings, words: str
) -> None:
    plan = FaultPlan(FaultSettings(rates={"*": {Verb.SEND: {Fault.REFUSED: 1.0}}}))
    with pytest.raises(OperatorMistake, match=words):
        plan.change(settings)
    assert plan.draw(KEYED, Verb.SEND) is Fault.REFUSED
