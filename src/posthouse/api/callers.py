"""Who asks: the token of a request, and what it may do."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request

from posthouse.model.secret import hashed
from posthouse.store.access import Access

TOKEN_BYTES_MAX = 200


class Caller(Struct, frozen=True):
    """A token's number, its scopes and its name."""

    token: int
    scopes: tuple[str, ...]
    name: str


class Callers:
    """Knows callers by their tokens; a secret is compared by its hash alone.

    Args:
        access: knows the tokens.
        clock: seconds since the epoch.
    """

    def __init__(self, access: Access, clock: Callable[[], float]) -> None:
        self._access = access
        self._clock = clock

    async def of(self, request: Request) -> Caller | None:
        """Return who sent a request; None when it brings no token that is good now."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        return await self.with_secret(secret) if scheme.lower() == "bearer" else None

    async def with_secret(self, secret: str) -> Caller | None:
        """Return whose secret it is."""
        if not 0 < len(secret) <= TOKEN_BYTES_MAX:
            return None
        token = await self._access.token(hashed(secret), self._clock())
        return None if token is None else Caller(token.id, token.scopes, token.name)
