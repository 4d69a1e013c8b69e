"""Who gets in, for how long, and what is left of it in the book."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from posthouse.console.lockout import FREE_TRIES, Lockout
from posthouse.console.passwords import CHARS_MAX, Passwords, check_new
from posthouse.console.sign_in import (
    ABSOLUTE_S,
    IDLE_S,
    LINK_S,
    SETUP,
    SETUP_S,
    Entered,
    SignIn,
    Visit,
    check_name,
)
from posthouse.model.errors import Refused, TryLater
from posthouse.model.permission import OperatorRole
from posthouse.model.secret import hashed
from posthouse.store.sqlite.store import SqliteStore, open_memory_store

PASSWORD = "correct horse battery"
OTHER = "staple and so on"
WRONG_TRIES = 12  # more than a claim code bears
HERE = Visit(address="10.0.0.1", agent="Firefox")


class Counted(Passwords):
    """Cheap, and counts how often somebody's password is compared or hashed."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, rounds=1)
        self.compared = 0
        self.hashed = 0

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return await super().hash(password)

    async def is_right(self, stored: str, password: str) -> bool:
        self.compared += 1
        return await super().is_right(stored, password)


@dataclass
class Console:
    store: SqliteStore
    passwords: Counted
    sign_in: SignIn
    now: float = 1_750_000_000.0

    async def set_up(self) -> Entered:
        code = await self.sign_in.set_up_code()
        assert code is not None
        return await self.sign_in.set_up(code, "ann", PASSWORD, HERE)

    async def is_in(self, entered: Entered) -> bool:
        return await self.sign_in.who(entered.secret) is not None


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    store, passwords = open_memory_store(), Counted()
    sign_in = SignIn(store.access, passwords, Lockout(), lambda: made.now)
    made = Console(store, passwords, sign_in)
    yield made
    await store.close()


# --- the first operator ----------------------------------------------------------------------


async def test_the_first_operator_is_admin_and_in(console: Console) -> None:
    entered = await console.set_up()
    visitor = await console.sign_in.who(entered.secret)
    assert visitor is not None
    assert visitor.operator.name == "ann"
    assert all(map(visitor.may, OperatorRole))
    assert visitor.session.agent == "Firefox"


async def test_the_set_up_link_works_once(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    await console.sign_in.set_up(code, "ann", PASSWORD, HERE)
    with pytest.raises(Refused, match="has been used"):
        await console.sign_in.set_up(code, "eve", PASSWORD, HERE)
    assert await console.sign_in.set_up_code() is None


async def test_a_set_up_link_of_which_two_make_use_lets_one_in(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    outcomes = await asyncio.gather(
        *(console.sign_in.set_up(code, name, PASSWORD, HERE) for name in ("ann", "eve")),
        return_exceptions=True,
    )
    assert [isinstance(one, Entered) for one in outcomes].count(True) == 1
    assert len(await console.store.access.operators()) == 1


async def test_the_set_up_link_ends_by_the_clock(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    console.now += SETUP_S
    with pytest.raises(Refused, match="is over"):
        await console.sign_in.set_up(code, "ann", PASSWORD, HERE)


async def test_a_wrong_set_up_code_lets_nobody_in(console: Console) -> None:
    await console.sign_in.set_up_code()
    with pytest.raises(Refused):
        await console.sign_in.set_up("guess", "eve", PASSWORD, HERE)
    assert await console.store.access.operators() == ()


async def test_a_simple_password_does_not_use_the_link_up(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    with pytest.raises(Refused, match="12 to 256"):
        await console.sign_in.set_up(code, "ann", "short", HERE)
    await console.sign_in.set_up(code, "ann", PASSWORD, HERE)


async def test_wrong_codes_do_not_close_the_set_up_link(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    for n in range(WRONG_TRIES):
        with pytest.raises(Refused):
            await console.sign_in.set_up(f"guess {n}", "eve", PASSWORD, HERE)
    assert await console.is_in(await console.sign_in.set_up(code, "ann", PASSWORD, HERE))


async def test_who_has_no_right_code_costs_no_hash(console: Console) -> None:
    code = await console.sign_in.set_up_code()
    assert code is not None
    with pytest.raises(Refused, match="has been used"):
        await console.sign_in.set_up("guess", "eve", PASSWORD, HERE)
    assert console.passwords.hashed == 0
    await console.sign_in.set_up(code, "ann", PASSWORD, HERE)
    late = await put_set_up_code(console)
    before = console.passwords.hashed
    with pytest.raises(Refused, match="has been used"):
        await console.sign_in.set_up(late, "eve", PASSWORD, HERE)
    assert console.passwords.hashed == before, "there is an operator already"


async def put_set_up_code(console: Console) -> str:
    """A code that was made before the first operator came otherwise."""
    code = "made before"
    until = console.now + SETUP_S
    await console.store.access.put_code(SETUP, hashed(code), until, console.now)
    return code


# --- by password -----------------------------------------------------------------------------


async def test_the_right_password_opens(console: Console) -> None:
    await console.set_up()
    entered = await console.sign_in.log_in("ann", PASSWORD, HERE)
    assert await console.is_in(entered)


@pytest.mark.parametrize(("name", "password"), [("ann", OTHER), ("eve", PASSWORD), ("", "")])
async def test_nobody_learns_what_was_wrong(console: Console, name: str, password: str) -> None:
    await console.set_up()
    with pytest.raises(Refused, match=r"^The name or the password is wrong\.$"):
        await console.sign_in.log_in(name, password, HERE)
    assert console.passwords.compared == 1, "an unknown name costs as much time as a known one"


async def test_logging_in_rotates_the_session(console: Console) -> None:
    first = await console.set_up()
    second = await console.sign_in.log_in("ann", PASSWORD, HERE, old_secret=first.secret)
    assert second.secret != first.secret
    assert not await console.is_in(first)
    assert await console.is_in(second)


async def test_who_is_disabled_does_not_get_in(console: Console) -> None:
    await console.set_up()
    code = await console.sign_in.invite("bob", OperatorRole.VIEWER, "operator:ann")
    bob = await console.sign_in.enter_by_link(code, OTHER, HERE)
    number = bob.visitor.operator.id
    await console.store.access.change_operator(number, "cli", console.now, is_disabled=True)
    assert not await console.is_in(bob)
    with pytest.raises(Refused):
        await console.sign_in.log_in("bob", OTHER, HERE)


async def test_of_a_thousand_guesses_at_most_ten_are_compared(console: Console) -> None:
    await console.set_up()
    outcomes = await asyncio.gather(
        *(console.sign_in.log_in("ann", f"guess {n}", HERE) for n in range(1000)),
        return_exceptions=True,
    )
    assert console.passwords.compared <= 10
    assert sum(isinstance(outcome, TryLater) for outcome in outcomes) >= 990


async def test_who_is_locked_out_is_so_with_the_right_password_too(console: Console) -> None:
    await console.set_up()
    for _ in range(FREE_TRIES):
        with pytest.raises(Refused):
            await console.sign_in.log_in("ann", OTHER, HERE)
    with pytest.raises(TryLater) as locked:
        await console.sign_in.log_in("ann", PASSWORD, HERE)
    console.now += locked.value.retry_after_s
    assert await console.is_in(await console.sign_in.log_in("ann", PASSWORD, HERE))


# --- sessions --------------------------------------------------------------------------------


async def test_a_session_nobody_uses_is_over(console: Console) -> None:
    entered = await console.set_up()
    console.now += IDLE_S - 1
    assert await console.is_in(entered)
    console.now += IDLE_S - 1
    assert await console.is_in(entered), "using it keeps it alive"
    console.now += IDLE_S
    assert not await console.is_in(entered)


async def test_every_session_is_over_at_last(console: Console) -> None:
    entered = await console.set_up()
    end = console.now + ABSOLUTE_S
    while console.now + IDLE_S / 2 < end:
        console.now += IDLE_S / 2
        assert await console.is_in(entered)
    console.now = end
    assert not await console.is_in(entered)


async def test_logging_out_ends_it(console: Console) -> None:
    entered = await console.set_up()
    await console.sign_in.log_out(entered.secret)
    assert not await console.is_in(entered)
    await console.sign_in.log_out(entered.secret)


@pytest.mark.parametrize("secret", ["", "guess", "\x00", "\ud800", "é" * 5000])
async def test_what_is_no_secret_is_nobody(console: Console, secret: str) -> None:
    await console.set_up()
    assert await console.sign_in.who(secret) is None


async def test_the_book_has_no_secret_in_it(console: Console) -> None:
    entered = await console.set_up()
    code = await console.sign_in.link_code("ann")
    dump = "\n".join(
        str(row)
        for table in ("operators", "operator_sessions", "codes", "audit")
        for row in console.store._reading.connection.execute(f"SELECT * FROM {table}")  # noqa: S608
    )
    for secret in (entered.secret, code, PASSWORD):
        assert secret not in dump
    assert "$argon2id$" in dump


async def test_a_new_password_ends_every_other_session(console: Console) -> None:
    first = await console.set_up()
    second = await console.sign_in.log_in("ann", PASSWORD, HERE)
    third = await console.sign_in.change_password(second.visitor, PASSWORD, OTHER, HERE)
    assert [await console.is_in(one) for one in (first, second, third)] == [False, False, True]
    assert await console.is_in(await console.sign_in.log_in("ann", OTHER, HERE))
    with pytest.raises(Refused):
        await console.sign_in.log_in("ann", PASSWORD, HERE)


async def test_changing_a_password_needs_the_old_one(console: Console) -> None:
    entered = await console.set_up()
    with pytest.raises(Refused, match="password is wrong"):
        await console.sign_in.change_password(entered.visitor, "not it", OTHER, HERE)


# --- links -----------------------------------------------------------------------------------


async def test_who_is_locked_out_gets_in_by_a_link(console: Console) -> None:
    old = await console.set_up()
    for _ in range(FREE_TRIES):
        with pytest.raises(Refused):
            await console.sign_in.log_in("ann", OTHER, HERE)
    code = await console.sign_in.link_code("ann")
    entered = await console.sign_in.enter_by_link(code, OTHER, HERE)
    assert await console.is_in(entered)
    assert not await console.is_in(old)


async def test_a_link_works_once_and_not_for_long(console: Console) -> None:
    await console.set_up()
    code = await console.sign_in.link_code("ann")
    await console.sign_in.enter_by_link(code, OTHER, HERE)
    with pytest.raises(Refused, match="has been used"):
        await console.sign_in.enter_by_link(code, OTHER, HERE)
    code = await console.sign_in.link_code("ann")
    console.now += LINK_S
    with pytest.raises(Refused, match="is over"):
        await console.sign_in.enter_by_link(code, OTHER, HERE)


async def test_wrong_codes_do_not_close_the_way_back_in(console: Console) -> None:
    await console.set_up()
    code = await console.sign_in.link_code("ann")
    number = code.partition(".")[0]
    for n in range(WRONG_TRIES):
        with pytest.raises(Refused):
            await console.sign_in.enter_by_link(f"{number}.guess {n}", OTHER, HERE)
    assert await console.is_in(await console.sign_in.enter_by_link(code, OTHER, HERE))


async def test_only_the_right_code_says_whose_link_it_is(console: Console) -> None:
    await console.set_up()
    code = await console.sign_in.link_code("ann")
    number = code.partition(".")[0]
    assert await console.sign_in.whose_link(f"{number}.guess") is None
    ann = await console.sign_in.whose_link(code)
    assert ann is not None
    assert ann.name == "ann"
    console.now += LINK_S
    assert await console.sign_in.whose_link(code) is None


async def test_a_link_is_for_one_operator(console: Console) -> None:
    await console.set_up()
    code = await console.sign_in.invite("bob", OperatorRole.OPERATOR, "operator:ann")
    bob = await console.sign_in.whose_link(code)
    assert bob is not None
    assert bob.name == "bob"
    ann = (await console.store.access.operators())[0]
    stolen = f"{ann.id}.{code.partition('.')[2]}"
    with pytest.raises(Refused):
        await console.sign_in.enter_by_link(stolen, OTHER, HERE)
    entered = await console.sign_in.enter_by_link(code, OTHER, HERE)
    assert entered.visitor.operator.name == "bob"
    assert entered.visitor.may(OperatorRole.OPERATOR)
    assert not entered.visitor.may(OperatorRole.ADMIN)


async def test_who_was_invited_has_no_password_yet(console: Console) -> None:
    await console.set_up()
    await console.sign_in.invite("bob", OperatorRole.VIEWER, "operator:ann")
    with pytest.raises(Refused):
        await console.sign_in.log_in("bob", "", HERE)


async def test_who_is_disabled_meanwhile_does_not_come_in_by_a_link(console: Console) -> None:
    await console.set_up()
    await console.sign_in.invite("bob", OperatorRole.VIEWER, "operator:ann")
    (bob,) = [one for one in await console.store.access.operators() if one.name == "bob"]
    code = await console.sign_in.link_code("bob")
    await console.store.access.change_operator(bob.id, "cli", console.now, is_disabled=True)
    with pytest.raises(Refused, match="link"):
        await console.sign_in.enter_by_link(code, OTHER, HERE)
    await console.store.access.change_operator(bob.id, "cli", console.now, is_disabled=False)
    with pytest.raises(Refused):
        await console.sign_in.log_in("bob", OTHER, HERE)  # no password was set


async def test_nobody_unknown_gets_a_link(console: Console) -> None:
    with pytest.raises(Refused, match="no operator eve"):
        await console.sign_in.link_code("eve")


# --- names and passwords ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a\nb", "a\u202eb", "x" * 65])
def test_a_name_that_no_list_could_show_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        check_name(name)


@pytest.mark.parametrize("name", ["ann", "安娜", "Ann Lee", "ann@example.com"])
def test_people_have_many_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "I am Ann and it", "x" * 300])
def test_what_is_quickly_guessed_is_refused(password: str) -> None:
    with pytest.raises(Refused):
        check_new(password, "ann")


async def test_a_password_counts_to_its_last_letter() -> None:
    passwords = Passwords(memory_kib=8, rounds=1)
    longest = "abcdefgh" * (CHARS_MAX // 8)
    check_new(longest, "ann")
    stored = await passwords.hash(longest)
    assert await passwords.is_right(stored, longest)
    assert not await passwords.is_right(stored, longest[:-1])
    assert not await passwords.is_right(stored, longest + "i")
    assert not await passwords.is_right("nonsense", longest)


async def test_one_keyboard_composes_letters_otherwise_than_another() -> None:
    passwords = Passwords(memory_kib=8, rounds=1)
    stored = await passwords.hash("caf\u00e9 au lait, please")
    assert await passwords.is_right(stored, "cafe\u0301 au lait, please")
    assert not await passwords.is_right(stored, "cafe au lait, please")
    assert not await passwords.is_right(stored, "\ud800")


async def test_the_house_hashes_as_strongly_as_is_advised() -> None:
    assert (await Passwords().hash(PASSWORD)).startswith("$argon2id$v=19$m=65536,t=3,p=1$")
