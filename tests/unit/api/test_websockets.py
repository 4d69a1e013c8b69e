"""WebSockets of the house's own server, judged by aiohttp's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from posthouse.api import websockets
from posthouse.api.guards import KnownHosts
from posthouse.api.server import WEBSOCKET_BYTES_MAX, HttpServer, listen
from posthouse.settings.settings import ServerSettings

BODY_MAX = 100_000
HEAD = (
    "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class House:
    """An application, what it saw, and its address."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.ends: list[int] = []
        self.ended = asyncio.Event()
        self.may_end = asyncio.Event()
        self.server: HttpServer

    async def echo(self, socket: WebSocket) -> None:
        await socket.accept("chat" if "chat" in socket.scope["subprotocols"] else None)
        while (message := await socket.receive())["type"] == "websocket.receive":
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
        self.ends.append(message["code"])
        self.ended.set()

    async def refuse(self, socket: WebSocket) -> None:
        await socket.close()

    async def answer(self, socket: WebSocket) -> None:
        await socket.send_denial_response(PlainTextResponse("later", 503))

    async def fail(self, socket: WebSocket) -> None:
        await socket.accept()
        raise RuntimeError("secret detail")

    async def slow(self, socket: WebSocket) -> None:
        await socket.accept()
        await self.may_end.wait()
        await socket.send_text("done")
        await socket.close(4000, "enough")


async def _page(_request: Request) -> Response:
    return PlainTextResponse("page")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with serving() as made:
        yield made


@asynccontextmanager
async def serving() -> AsyncIterator[House]:
    made = House()
    names = ("echo", "refuse", "answer", "fail", "slow")
    routes = [WebSocketRoute(f"/{name}", getattr(made, name)) for name in names]
    app = Starlette(routes=[*routes, Route("/page", _page)])
    settings = ServerSettings(port=0, body_bytes_max=BODY_MAX)
    listening = listen(settings)
    made.port = listening.socket.getsockname()[1]
    made.url = listening.url
    made.server = HttpServer(KnownHosts(app, ("127.0.0.1", "localhost")), settings, listening)
    serve = asyncio.ensure_future(made.server.serve())
    try:
        yield made
    finally:
        made.may_end.set()
        made.server.stop()
        await serve


@asynccontextmanager
async def opened(
    url: str,
    **options: Any,  # noqa: ANN401 - aiohttp's own
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as socket:
        yield socket


async def status_of(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url, headers=headers):
                return 101, ""
        except aiohttp.WSServerHandshakeError as error:
            return error.status, error.message


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, BODY_MAX])
async def test_messages_come_back_as_they_were(house: House, size: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{house.url}/echo") as socket,
    ):
        await socket.send_str("长" * (size // 3) + "x" * (size % 3))
        assert await socket.receive_str() == "长" * (size // 3) + "x" * (size % 3)
        await socket.send_bytes(b"\x00\xff" * (size // 2))
        assert await socket.receive_bytes() == b"\x00\xff" * (size // 2)


async def test_many_messages_keep_their_order(house: House) -> None:
    """More than wait at once, so the reading pauses and goes on."""
    count = websockets.WAITING_MAX * 10
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{house.url}/echo") as socket,
    ):
        for number in range(count):
            await socket.send_str(str(number))
        assert [await socket.receive_str() for _ in range(count)] == [str(n) for n in range(count)]


async def test_a_subprotocol_is_agreed_on(house: House) -> None:
    async with opened(f"{house.url}/echo", protocols=("odd", "chat")) as socket:
        assert socket.protocol == "chat"


async def test_a_ping_is_answered(house: House) -> None:
    async with opened(f"{house.url}/echo", autoping=False) as socket:
        await socket.ping(b"there?")
        assert await socket.receive() == (aiohttp.WSMsgType.PONG, b"there?", "")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/refuse", 403), ("/answer", 503), ("/nowhere", 403), ("/page", 403)],
)
async def test_who_is_not_accepted_is_told_by_http(house: House, path: str, status: int) -> None:
    assert (await status_of(house.url + path))[0] == status


async def test_a_name_that_is_not_ours_is_refused(house: House) -> None:
    status, _ = await status_of(f"{house.url}/echo", Host="evil.example")
    assert status == 421


@pytest.mark.parametrize(
    ("version", "key", "status"),
    [(13, KEY, b"101"), (8, KEY, b"426"), (13, "short", b"400"), (13, "", b"400")],
)
async def test_the_handshake(house: House, version: int, key: str, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(HEAD.format(version=version, key=key).encode())
    line = await reader.readline()
    assert line.split(b" ")[1] == status
    head = await reader.readuntil(b"\r\n\r\n")
    if status == b"101":
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # of the RFC's own example
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_says_goodbye_is_heard(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(f"{house.url}/echo")
        await socket.close(code=4001)
        await house.ended.wait()
    assert house.ends == [4001]


async def test_a_client_that_just_goes_is_noticed(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(HEAD.format(version=13, key=KEY).encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await house.ended.wait()
    assert house.ends == [1006]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (bytes.fromhex("810548656c6c6f"), 1002),  # without a mask
        (bytes.fromhex("818237fa213dc8c5"), 1007),  # no UTF-8
        (bytes.fromhex("81ff") + (WEBSOCKET_BYTES_MAX + 1).to_bytes(8) + b"mask", 1009),
    ],
)
async def test_a_client_that_breaks_the_rules_is_told_why(
    house: House, wire: bytes, code: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(HEAD.format(version=13, key=KEY).encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(wire)
    head = await reader.readexactly(4)
    assert head[0] == 0x88
    assert int.from_bytes(head[2:4]) == code
    await house.ended.wait()
    writer.close()
    await writer.wait_closed()


async def test_a_silent_client_is_asked_and_then_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websockets, "PING_EVERY_S", 0.02)
    async with opened(f"{house.url}/echo", autoping=False) as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        await house.ended.wait()
    assert house.ends == [1011]


async def test_a_client_that_answers_pings_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websockets, "PING_EVERY_S", 0.01)
    async with opened(f"{house.url}/echo", autoping=False) as socket:
        for _ in range(5):
            assert (await socket.receive()).type is aiohttp.WSMsgType.PING
            await socket.pong()
        await socket.send_str("still here")
        while (message := await socket.receive()).type is aiohttp.WSMsgType.PING:
            await socket.pong()
        assert message.data == "still here"


async def test_an_application_that_fails_ends_the_connection_without_details(house: House) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{house.url}/fail") as socket,
    ):
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1011)
        assert not message.extra


async def test_a_server_that_stops_leaves_open_sockets_to_their_owner() -> None:
    async with serving() as house, opened(f"{house.url}/slow") as socket:
        house.server.stop()
        house.may_end.set()
        assert await socket.receive_str() == "done"
        assert (await socket.receive()).data == 4000
