"""One token for everybody who waits, renewed in the last half hour, forgotten when refused."""

import asyncio

import pytest

from posthouse.channels.feishu.tokens import Token, Tokens
from posthouse.channels.keep_connected import BadCredentials


class Platform:
    """Gives tokens of two hours; the same one while half an hour is left."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0
        self.asked = 0
        self.error: Exception | None = None
        self.tokens = Tokens(self.fetch, lambda: self.now)

    async def fetch(self) -> Token:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Token(f"t-{self.asked}", self.now + 7200.0)


async def test_many_wait_for_one_fetch() -> None:
    platform = Platform()
    assert set(await asyncio.gather(*(platform.tokens.get() for _ in range(50)))) == {"t-1"}
    assert platform.asked == 1


async def test_it_is_renewed_in_the_last_half_hour_only() -> None:
    platform = Platform()
    await platform.tokens.get()
    platform.now += 7200.0 - 1800.0
    assert await platform.tokens.get() == "t-1"
    platform.now += 600.0
    assert await platform.tokens.get() == "t-2"


async def test_while_somebody_renews_the_old_one_serves() -> None:
    platform = Platform()
    await platform.tokens.get()
    platform.now += 6000.0
    first, second = await asyncio.gather(platform.tokens.get(), platform.tokens.get())
    assert (first, second, platform.asked) == ("t-2", "t-1", 2)


async def test_a_failed_renewal_harms_nobody_while_the_old_one_counts() -> None:
    platform = Platform()
    await platform.tokens.get()
    platform.now += 6000.0
    platform.error = TimeoutError()
    assert await platform.tokens.get() == "t-1"
    platform.now += 1200.0
    with pytest.raises(TimeoutError):
        await platform.tokens.get()


async def test_a_refused_token_is_forgotten_once() -> None:
    platform = Platform()
    old = await platform.tokens.get()
    platform.tokens.forget(old)
    assert await platform.tokens.get() == "t-2"
    platform.tokens.forget(old)  # somebody late; the new one stays
    assert await platform.tokens.get() == "t-2"


async def test_wrong_credentials_are_told() -> None:
    platform = Platform()
    platform.error = BadCredentials()
    with pytest.raises(BadCredentials):
        await platform.tokens.get()


async def test_no_repr_shows_the_token() -> None:
    platform = Platform()
    await platform.tokens.get()
    assert "t-1" not in repr(platform.tokens)
