"""The options of a bot: what is refused, and that each of them is heeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from posthouse.channels.channel import ConnectionState, Letter
from posthouse.channels.feishu.channel import FeishuChannel, LarkChannel
from posthouse.channels.feishu.client import NoToken
from posthouse.model.address import Chat, ChatKind
from posthouse.model.capabilities import DraftKind
from posthouse.model.errors import OperatorMistake
from posthouse.model.message import Content
from tests.channels.onebot.stage import Statuses, tools

APP = {"app_id": "cli_1", "app_secret": "s3cret"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"app_id": "cli_1"}, "app_secret"),
        (APP | {"domain": "open.feishu.cn"}, "https://"),
        (APP | {"entrance": "webhook"}, "encrypt_key"),
        (APP | {"entrance": "carrier pigeon"}, "long_connection"),
        (APP | {"proxy": "proxy:3128"}, "http://"),
        (APP | {"ca_file": "/no/such/file.pem"}, "ca_file"),
        (APP | {"silence_s": 1}, "silence_s"),
        (APP | {"app_sekret": "x"}, "app_sekret"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(OperatorMistake, match=words):
        FeishuChannel.build("fs", options, tools(tmp_path))


def test_a_file_without_certificates_is_a_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("none\n", "utf-8")
    with pytest.raises(OperatorMistake, match="ca_file"):
        FeishuChannel.build("fs", APP | {"ca_file": str(empty)}, tools(tmp_path))


def test_lark_is_another_domain_and_can_be_overruled(tmp_path: Path) -> None:
    lark = LarkChannel.build("fs", APP, tools(tmp_path))
    assert lark._options.base_url == "https://open.larksuite.com"
    own = LarkChannel.build("fs", APP | {"domain": "https://lark.example/"}, tools(tmp_path))
    assert own._options.base_url == "https://lark.example"


def test_without_streaming_an_answer_does_not_grow(tmp_path: Path) -> None:
    channel = FeishuChannel.build("fs", APP | {"streaming": False}, tools(tmp_path))
    assert channel.capabilities.draft is DraftKind.NONE


def test_a_letter_is_encoded_without_a_connection(tmp_path: Path) -> None:
    channel = FeishuChannel.build("fs", APP, tools(tmp_path))
    letter = Letter(chat=Chat(1, "fs", "oc_1", ChatKind.GROUP))
    assert channel.encode(Content("hello"), letter)


UNAVAILABLE = "503 Service Unavailable"


@asynccontextmanager
async def proxy(answer: str = UNAVAILABLE) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that takes note of what it is asked for, and passes nothing on."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        await reader.readuntil(b"\r\n\r\n")
        ending = "Connection: close\r\nContent-Length: 0\r\n\r\n"
        writer.write(f"HTTP/1.1 {answer}\r\n{ending}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    async with server:
        yield f"http://{host}:{port}", asked


async def test_everything_goes_through_the_proxy(tmp_path: Path) -> None:
    statuses = Statuses()
    async with proxy() as (address, asked):
        options: dict[str, Any] = {"proxy": address, "domain": "http://feishu.invalid"}
        channel = FeishuChannel.build("fs", APP | options, tools(tmp_path, on_status=statuses.note))
        run = asyncio.ensure_future(channel.run(None))  # type: ignore[arg-type]  # nothing comes
        await statuses.until_state(ConnectionState.WAITING)
        run.cancel()
        await asyncio.wait({run})
        client = channel._client
        await client.discover()
        with pytest.raises(aiohttp.ClientError):
            await client.connect("ws://feishu.invalid/ws", 1024)
        await channel.close()
    paths = [line.split()[1].partition("feishu.invalid")[2] for line in asked]
    assert paths == [
        "/open-apis/auth/v3/tenant_access_token/internal",
        "/callback/ws/endpoint",
        "/ws",
    ]


async def test_nobody_is_sent_elsewhere_with_the_secret(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        elsewhere, asked = await stack.enter_async_context(proxy())
        answer = f"307 Temporary Redirect\r\nLocation: {elsewhere}/"
        domain, _ = await stack.enter_async_context(proxy(answer))
        channel = FeishuChannel.build("fs", APP | {"domain": domain}, tools(tmp_path))
        status, _ = await channel._client.discover()
        assert status == 307
        with pytest.raises(NoToken):
            await channel._client.get("/bot/v3/info", dict)
        await channel.close()
    assert asked == []


async def test_an_address_that_comes_in_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    pieces = [b'{"code":0,"data":{"URL":', b'"wss://feishu.invalid/ws"}}']

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        length = sum(map(len, pieces))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
        for piece in pieces:
            await asyncio.sleep(0.05)
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        is_over.set()

    is_over = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        domain = {"domain": f"http://{host}:{port}"}
        channel = FeishuChannel.build("fs", APP | domain, tools(tmp_path))
        assert await channel._client.discover() == (200, b"".join(pieces))
        await channel.close()
        await is_over.wait()
