"""The probe's webhook: check, read, write into the book, and only then acknowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from posthouse.channels.body import TooLong, read_body
from posthouse.channels.channel import Door
from posthouse.model.address import Entrance
from posthouse.model.errors import Refused, TryLater
from posthouse.model.event import Event
from posthouse.testing.probe.codec import decode, verify

SLOT_MARGIN = 0.8  # of the platform's patience; the rest is for the way back


class Identity(Struct, frozen=True, kw_only=True):
    """Who the bot is, and what its webhook takes."""

    name: str  # in the house
    bot_id: str  # its person id on the platform
    secret: bytes
    retired: tuple[tuple[bytes, float], ...] = ()  # replaced secrets, and until when they count
    body_bytes_max: int
    slot_s: float  # 0: no slot

    def __repr__(self) -> str:
        return f"Identity({self.name})"  # never the secret


class Webhook:
    """One bot's entrance by HTTP."""

    def __init__(self, identity: Identity, clock: Callable[[], float]) -> None:
        self._identity = identity
        self._clock = clock
        self._door: Door | None = None

    def attach(self, door: Door) -> None:
        self._door = door

    def route(self) -> Route:
        return Route(f"/webhooks/{self._identity.name}", self._take, methods=["POST"])

    async def _take(self, request: Request) -> Response:
        try:
            body = await read_body(request, self._identity.body_bytes_max)
            event = self._event(request, body)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except TooLong:
            return Response(status_code=413)
        except Refused:
            return Response(status_code=403)
        try:
            return await self._accept(event)
        except TryLater as error:
            wait_s = f"{error.retry_after_s:.0f}"
            return Response(status_code=503, headers={"Retry-After": wait_s})

    def _event(self, request: Request, body: bytes) -> Event:
        identity, now = self._identity, self._clock()
        timestamp = request.headers.get("X-Probe-Timestamp", "")
        signature = request.headers.get("X-Probe-Signature", "")
        secrets = [secret for secret, until_at in identity.retired if now < until_at]
        payload = _verified(body, timestamp, signature, (identity.secret, *secrets), now)
        return decode(payload, identity.name, identity.bot_id, now)

    async def _accept(self, event: Event) -> Response:
        if self._door is None:
            raise TryLater
        if not self._identity.slot_s:
            await self._door.accept((event,), Entrance.WEBHOOK)
            return Response()
        wait_s = self._identity.slot_s * SLOT_MARGIN
        body = await self._door.answer((event,), Entrance.WEBHOOK, wait_s)
        return Response() if body is None else _Answer(body, event, self._door)


def _verified(
    body: bytes, timestamp: str, signature: str, secrets: Sequence[bytes], now: float
) -> bytes:
    """Check against each secret; the last one's refusal is everybody's."""
    *others, last = secrets
    for secret in others:
        with suppress(Refused):
            return verify(body, timestamp, signature, secret, now)
    return verify(body, timestamp, signature, last, now)


class _Answer(Response):
    """Carries an answer, and tells the door whether it was written."""

    def __init__(self, body: bytes, event: Event, door: Door) -> None:
        super().__init__(body, media_type="application/json")
        self._event = event
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_written = False
        try:
            await super().__call__(scope, receive, send)
            is_written = True
        finally:
            await self._door.answered((self._event,), is_written=is_written)
