"""Feishu's callbacks by HTTP: check, read, write into the book, and only then acknowledge.

Source: open.feishu.cn, "Receive events by webhook" and "Encryption Strategy". Every failed check
gets the same answer, so that nobody learns which one it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthouse.channels.body import TooLong, read_body
from posthouse.channels.feishu.codec import Envelope, read_envelope, renewed_press
from posthouse.channels.feishu.crypto import decrypt, is_same, is_signed, is_signed_card
from posthouse.model.errors import NotUnderstood, Refused, TryLater
from posthouse.model.secret import RetiredSecret

CHALLENGE = "url_verification"
NOTHING_TO_SHOW = b"{}"


class Secret(Struct, frozen=True):
    """The pair that the developer console shows; either may be empty, not both."""

    encrypt_key: str
    verification_token: str
    until_at: float = float("inf")  # a replaced one counts a while longer

    def __repr__(self) -> str:
        return f"Secret(until {self.until_at:.0f})"  # never the values


def secrets_of(
    encrypt_key: SecretStr, verification_token: SecretStr, retired: Sequence[RetiredSecret]
) -> tuple[Secret, ...]:
    """Return what callbacks are checked with: today's pair, and pairs with a replaced half."""
    key, token = encrypt_key.get_secret_value(), verification_token.get_secret_value()
    if not key and not token:
        return ()
    replaced = [
        Secret(each.value, token, each.until_at)
        if each.name == "encrypt_key"
        else Secret(key, each.value, each.until_at)
        for each in retired
        if each.name in {"encrypt_key", "verification_token"}
    ]
    return (Secret(key, token), *replaced)


class Webhook:
    """One bot's entrance by HTTP.

    Args:
        path: where the platform sends to, below the house's address.
        secrets: what it is checked with.
        body_bytes_max: of one body.
        keep: given each payload, opened; returns the body of the response, if there is anything
            to show; raises ``TryLater`` when it is not kept.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        path: str,
        secrets: Sequence[Secret],
        body_bytes_max: int,
        keep: Callable[[bytes], Awaitable[bytes | None]],
        clock: Callable[[], float],
    ) -> None:
        self.path = path
        self._secrets = tuple(secrets)
        self._body_bytes_max = body_bytes_max
        self._keep = keep
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Webhook at {self.path}>"

    def route(self) -> Route:
        return Route(self.path, self._take, methods=["POST"])

    async def _take(self, request: Request) -> Response:
        try:
            body = await read_body(request, self._body_bytes_max)
            envelope, payload = self._verified(request, body)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except TooLong:
            return Response(status_code=413)
        except Refused:
            return Response(status_code=403)
        if envelope.type == CHALLENGE:
            return JSONResponse({"challenge": envelope.challenge})
        try:
            shown = await self._keep(payload)
        except TryLater as error:
            wait_s = f"{error.retry_after_s:.0f}"
            return Response(status_code=503, headers={"Retry-After": wait_s})
        return Response(shown or NOTHING_TO_SHOW, media_type="application/json")

    def _verified(self, request: Request, body: bytes) -> tuple[Envelope, bytes]:
        """Return what was sent, opened.

        Raises:
            Refused: it is not the platform's; which check failed is told to nobody.
        """
        now = self._clock()
        for secret in self._secrets:
            if now < secret.until_at:
                try:
                    return _opened(request, body, secret)
                except (Refused, NotUnderstood):
                    continue
        raise Refused


def _opened(request: Request, body: bytes, secret: Secret) -> tuple[Envelope, bytes]:
    press = renewed_press(body)
    if press is not None:
        if not _is_signed_card(request, body, secret.verification_token):
            raise Refused
        return read_envelope(press), press
    envelope, payload = read_envelope(body), body
    if secret.encrypt_key:
        payload = decrypt(envelope.encrypt, secret.encrypt_key)
        envelope = read_envelope(payload)
        if envelope.type != CHALLENGE and not _is_signed(request, body, secret.encrypt_key):
            raise Refused
    if secret.verification_token and not is_same(
        envelope.verification_token, secret.verification_token
    ):
        raise Refused
    return envelope, payload


def _is_signed(request: Request, body: bytes, key: str) -> bool:
    """The challenge alone comes without a signature."""
    return is_signed(body, *_signature(request), key)


def _is_signed_card(request: Request, body: bytes, token: str) -> bool:
    """A press of the old kind is never encrypted, and signed with the token."""
    return bool(token) and is_signed_card(body, *_signature(request), token)


def _signature(request: Request) -> tuple[str, str, str]:
    """Return the time, the nonce and the signature that a request claims."""
    headers = request.headers
    return (
        headers.get("X-Lark-Request-Timestamp", ""),
        headers.get("X-Lark-Request-Nonce", ""),
        headers.get("X-Lark-Signature", ""),
    )
