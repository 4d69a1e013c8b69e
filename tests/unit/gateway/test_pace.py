"""Budgets lengthen the wait, never drop, and leave drafts only what nobody else needs."""

import pytest

from posthouse.gateway.pace import Pace, TokenBucket
from posthouse.model.capabilities import Capabilities
from posthouse.testing.clock import FakeClock

FIVE = Capabilities(bot_sends_per_s=5.0, chat_sends_per_s=2.0)


def pace(can: Capabilities = FIVE, gateways: int = 1) -> tuple[Pace, FakeClock]:
    clock = FakeClock()
    return Pace({"b": can, "other": can}, clock, gateways), clock


def test_a_second_holds_as_many_as_the_platform_allows() -> None:
    budget, _ = pace()
    assert budget.limit("b", 100) == 5
    budget.take("b", 5)
    assert budget.limit("b", 100) == 0
    assert budget.wait_s("b") == pytest.approx(0.2)


def test_time_fills_the_budget_again_and_no_further() -> None:
    budget, clock = pace()
    budget.take("b", 5)
    clock.advance(0.4)
    assert budget.limit("b", 100) == 2
    clock.advance(60)
    assert budget.limit("b", 100) == 5


def test_debts_lengthen_the_wait() -> None:
    budget, _ = pace()
    budget.take("b", 15)
    assert budget.limit("b", 1) == 0
    assert budget.wait_s("b") == pytest.approx(2.2)


def test_bots_do_not_share_a_budget() -> None:
    budget, _ = pace()
    budget.take("b", 5)
    assert budget.limit("other", 5) == 5


def test_gateways_share_it() -> None:
    budget, _ = pace(gateways=2)
    assert budget.limit("b", 100) == 2


def test_less_than_one_a_second_still_lets_one_through() -> None:
    budget, clock = pace(Capabilities(bot_sends_per_s=0.1))
    assert budget.limit("b", 1) == 1
    budget.take("b")
    assert budget.wait_s("b") == pytest.approx(10.0)
    clock.advance(10.0)
    assert budget.limit("b", 1) == 1


@pytest.mark.parametrize("can", [FIVE, Capabilities()])
def test_a_platform_that_says_wait_is_obeyed_with_or_without_a_budget(can: Capabilities) -> None:
    budget, clock = pace(can)
    budget.hold("b", 3.0)
    budget.hold("b", 1.0)  # a shorter wait does not shorten it
    assert budget.limit("b", 5) == 0
    assert budget.wait_s("b") == pytest.approx(3.0)
    assert budget.limit("other", 5) == 5
    clock.advance(3.0)
    assert budget.limit("b", 5) == 5
    assert budget.wait_s("b") == 0.0


def test_without_a_limit_nothing_waits() -> None:
    budget, _ = pace(Capabilities())
    budget.take("b", 1000)
    assert budget.limit("b", 64) == 64
    assert budget.wait_s("b") == 0.0
    assert budget.take_spare("b")


def test_drafts_leave_half_of_the_budget_to_messages() -> None:
    budget, _ = pace()
    taken = [budget.take_spare("b") for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert budget.limit("b", 5) == 2


def test_a_held_bot_shows_no_drafts() -> None:
    budget, _ = pace(Capabilities())
    budget.hold("b", 1.0)
    assert not budget.take_spare("b")


def test_a_clock_set_back_gives_nothing_and_holds_nothing_longer() -> None:
    clock = FakeClock()
    bucket = TokenBucket(5.0, clock)
    bucket.take(5)
    bucket.hold(2.0)
    clock.advance(-3600)
    assert bucket.available() == 0
    assert bucket.wait_s() == pytest.approx(2.0)
    clock.advance(2.0)
    assert bucket.available() == 5


def test_a_chat_waits_its_interval() -> None:
    budget, clock = pace()
    assert budget.chat_ready_at("b") == clock() + 0.5
    unlimited, clock = pace(Capabilities())
    assert unlimited.chat_ready_at("b") == clock()
