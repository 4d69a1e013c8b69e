"""Guessing gets slower, whoever guesses at whom."""

import pytest

from posthouse.console.lockout import (
    FIRST_WAIT_S,
    FORGOTTEN_AFTER_S,
    FREE_TRIES,
    KEYS_MAX,
    WAIT_S_MAX,
    Lockout,
)

NOW = 1_750_000_000.0


def admitted(lockout: Lockout, tries: list[tuple[str, str, float]]) -> int:
    return sum(lockout.try_now(name, address, at) == 0 for name, address, at in tries)


def test_a_few_typing_errors_cost_nothing() -> None:
    lockout = Lockout()
    assert admitted(lockout, [("ann", "10.0.0.1", NOW)] * FREE_TRIES) == FREE_TRIES


def test_the_next_try_waits_and_then_twice_as_long() -> None:
    lockout, at = Lockout(), NOW
    admitted(lockout, [("ann", "10.0.0.1", NOW)] * FREE_TRIES)
    for wait_s in (FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S):
        assert lockout.try_now("ann", "10.0.0.1", at) == pytest.approx(wait_s)
        at += wait_s
        assert lockout.try_now("ann", "10.0.0.1", at) == 0


def test_waiting_has_an_end() -> None:
    lockout, at = Lockout(), NOW
    for _ in range(50):
        wait_s = lockout.try_now("ann", "10.0.0.1", at)
        assert wait_s <= WAIT_S_MAX
        at += wait_s


@pytest.mark.parametrize(
    ("name", "address"),
    [("ann", "10.0.0.1"), ("ann", "10.{0}.{1}.1"), ("name{0}-{1}", "10.0.0.1")],
    ids=["one account from one place", "one account from everywhere", "every account"],
)
@pytest.mark.parametrize("every_s", [0.0, 0.01, 1.0])
def test_of_a_thousand_guesses_at_most_ten_are_evaluated(
    name: str, address: str, every_s: float
) -> None:
    tries = [
        (name.format(n // 256, n % 256), address.format(n // 256, n % 256), NOW + n * every_s)
        for n in range(1000)
    ]
    assert 1 <= admitted(Lockout(), tries) <= 10


def test_one_household_is_one_address() -> None:
    lockout = Lockout()
    tries = [(f"name{n}", f"2001:db8:0:1::{n:x}", NOW) for n in range(1, 100)]
    assert admitted(lockout, tries) == FREE_TRIES
    assert lockout.try_now("ann", "2001:db8:0:2::1", NOW) == 0


def test_an_address_written_in_two_ways_is_one() -> None:
    lockout = Lockout()
    tries = [(f"name{n}", ("10.0.0.1", "::ffff:10.0.0.1")[n % 2], NOW) for n in range(10)]
    assert admitted(lockout, tries) == FREE_TRIES


def test_letters_do_not_make_another_account() -> None:
    lockout = Lockout()
    tries = [(("ann", "ANN")[n % 2], f"10.0.0.{n}", NOW) for n in range(10)]
    assert admitted(lockout, tries) == FREE_TRIES


def test_who_succeeds_starts_anew_but_their_address_does_not() -> None:
    lockout = Lockout()
    admitted(lockout, [("ann", "10.0.0.1", NOW)] * FREE_TRIES)
    lockout.clear("Ann")
    assert lockout.try_now("ann", "10.0.0.2", NOW) == 0
    assert lockout.try_now("bob", "10.0.0.1", NOW) > 0


def test_who_knows_the_password_never_waits() -> None:
    lockout = Lockout()
    for _ in range(100):
        assert lockout.try_now("ann", "10.0.0.1", NOW) == 0
        lockout.succeeded("ann", "10.0.0.1")


@pytest.mark.parametrize("victim", ["ann", "name{}"], ids=["at one", "at all"])
def test_an_account_of_ones_own_buys_no_guesses_at_others(victim: str) -> None:
    lockout, guesses = Lockout(), 0
    for at in range(1000):
        if lockout.try_now("eve", "10.0.0.1", NOW + at) == 0:
            lockout.succeeded("eve", "10.0.0.1")
        guesses += lockout.try_now(victim.format(at), "10.0.0.1", NOW + at) == 0
    assert guesses <= 10


def test_old_tries_are_forgotten() -> None:
    lockout = Lockout()
    admitted(lockout, [("ann", "10.0.0.1", NOW)] * FREE_TRIES)
    later = NOW + FIRST_WAIT_S + FORGOTTEN_AFTER_S + 1
    assert admitted(lockout, [("ann", "10.0.0.1", later)] * FREE_TRIES) == FREE_TRIES


def test_memory_has_a_limit() -> None:
    lockout = Lockout()
    for n in range(KEYS_MAX + 10):
        lockout.try_now(f"name{n}", f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", NOW)
    assert len(lockout._names) == len(lockout._addresses) == KEYS_MAX
