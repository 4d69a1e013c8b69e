"""The app's access token: fetched once for everybody who waits, and again before it ends.

Source: open.feishu.cn, "tenant_access_token of self-built apps". While more than half an hour is
left the platform returns the same token, so asking earlier is useless; in the last half hour it
returns a new one, and both count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

RENEW_BEFORE_S = 25 * 60.0
LEAST_S = 30.0  # a token that ends sooner is as good as ended


class Token(Struct, frozen=True):
    """A token, and until when it counts."""

    value: str
    until_at: float

    def __repr__(self) -> str:
        return f"Token(until {self.until_at:.0f})"  # never the value


class Tokens:
    """Keeps the token of one app."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token = Token("", 0.0)
        self._fetching = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Tokens {self._token!r}>"

    async def get(self) -> str:
        """Return a token that counts now.

        Raises:
            BadCredentials: the platform does not know the app or its secret.
            Exception: whatever ``fetch`` raises, when there is no other token left.
        """
        if self._left_s > RENEW_BEFORE_S:
            return self._token.value
        if self._left_s > LEAST_S and self._fetching.locked():
            return self._token.value  # somebody is renewing it; both count
        async with self._fetching:
            if self._left_s <= RENEW_BEFORE_S:
                await self._renew()
        return self._token.value

    def forget(self, value: str) -> None:
        """Never use this token again; another one that came meanwhile stays."""
        if self._token.value == value:
            self._token = Token("", 0.0)

    @property
    def _left_s(self) -> float:
        return self._token.until_at - self._clock()

    async def _renew(self) -> None:
        try:
            self._token = await self._fetch()
        except Exception:
            if self._left_s <= LEAST_S:
                raise
