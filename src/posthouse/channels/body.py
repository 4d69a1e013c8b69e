"""Bodies, cut off while they are read: their length is whatever their sender likes."""

from __future__ import annotations

import aiohttp
from starlette.requests import Request


class TooLong(Exception):
    """The body is longer than anybody takes."""


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


async def read_answer(answer: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Collect what another server answers, whether it comes at once or in pieces.

    Raises:
        TooLong: it has more than ``bytes_max`` bytes, unpacked.
    """
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise TooLong
    return bytes(body)
