"""The body of a webhook, cut off while it is read: its length is whatever its sender likes."""

from __future__ import annotations

from starlette.requests import Request


class TooLong(Exception):
    """The body is longer than the webhook takes."""


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Collect the body, and stop reading where it is too long, whatever its headers claim.

    Raises:
        TooLong: it has more than ``bytes_max`` bytes.
        ClientDisconnect: whoever sent it is gone.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise TooLong
    return bytes(body)
