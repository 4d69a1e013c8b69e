"""Answers over HTTP, whole, in half, or cut."""

from __future__ import annotations

import socket
import struct

import msgspec
from aiohttp import web


def json_response(body: object, status: int = 200) -> web.Response:
    """Answer with JSON."""
    encoded = msgspec.json.encode(body)
    content_type = "application/json; charset=utf-8"
    return web.Response(status=status, body=encoded, headers={"Content-Type": content_type})


async def half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection: the other side's kernel says so, nothing else does."""
    if request.transport is not None:
        held = request.transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()
