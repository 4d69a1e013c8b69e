"""The channel on the how-to page is one: what the page shows keeps every promise."""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from starlette.requests import Request

from posthouse.channels.catalogue import load
from posthouse.channels.channel import Channel
from posthouse.model.errors import StorageFull
from posthouse.testing.conformance import channel as suite
from posthouse.testing.conformance.channel import Subject
from posthouse.testing.conformance.checks import Check, checks_of
from posthouse.testing.recording_door import RecordingDoor
from tests.channels.probe.stage import CHAT, tools
from tests.unit.simulators.scene import Clock

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/write-a-channel.md"
PAYLOAD = b'{"id": "m-1", "room": "c-1", "user": "u-1", "text": "hello", "at": 1.0}'


@pytest.fixture(autouse=True)
def pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the page's channel where Python finds it, as the page says."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (source,) = (block for block in blocks if block.startswith('"""Pager'))
    (tmp_path / "pager_channel.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pager_channel", raising=False)


@asynccontextmanager
async def platform() -> AsyncIterator[str]:
    """Takes texts; a key that it knows is the same message."""
    known: dict[str, str] = {}

    async def take(request: web.Request) -> web.Response:
        await request.read()
        name = known.setdefault(request.headers["Idempotency-Key"], f"m-{len(known)}")
        return web.json_response({"id": name})

    app = web.Application()
    app.router.add_post("/messages", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def build(address: str) -> Channel:
    options = {"base_url": address, "token": "pager-token", "secret": "pager-secret"}
    return load("pager_channel:Pager").build("duty", options, tools(Clock()))


@pytest.mark.parametrize("check", checks_of(suite), ids=lambda check: check.__name__)
async def test_promise(check: Check[Subject]) -> None:
    async with platform() as address:
        channel = build(address)
        subject = Subject(
            channel=channel,
            chat=CHAT,
            new_key=iter(map(str, range(1000))).__next__,
            decode=lambda payload: import_module("pager_channel").decode(payload, "duty", 2.0),
            payloads=(PAYLOAD,),
            secrets=("pager-token", "pager-secret"),
        )
        await check(subject)
        await channel.close()


@pytest.mark.parametrize(
    ("signature", "refusal", "status"),
    [
        (hmac.new(b"pager-secret", PAYLOAD, hashlib.sha256).hexdigest(), None, 200),
        (hmac.new(b"pager-secret", PAYLOAD, hashlib.sha256).hexdigest(), StorageFull(), 503),
        ("0" * 64, None, 403),
    ],
    ids=["stored", "not stored", "forged"],
)
async def test_its_webhook(signature: str, refusal: StorageFull | None, status: int) -> None:
    channel, door = build("http://127.0.0.1:9"), RecordingDoor()
    door.refusal = refusal
    channel.attach(door)
    (route,) = channel.routes()
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/duty",
        "headers": [(b"x-pager-signature", signature.encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": PAYLOAD, "more_body": False}

    response = await route.endpoint(Request(scope, receive))  # type: ignore[attr-defined]
    assert response.status_code == status
    assert len(door.events) == (1 if status == 200 else 0)
