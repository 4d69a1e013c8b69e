"""The probe's webhook: stored first, acknowledged then, and nothing told to strangers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette

from posthouse.model.address import Entrance
from posthouse.model.errors import StorageFull
from posthouse.model.event import Undecodable
from posthouse.testing.probe.webhook import Identity, Webhook
from posthouse.testing.recording_door import RecordingDoor
from tests.channels.probe.stage import Stage, open_stage, serving
from tests.house.scripts import call
from tests.unit.simulators.scene import NOON, saying

BODY = json.dumps({"type": "message"}).encode()


@asynccontextmanager
async def open_webhook(name: str = "keyed", **more: float) -> AsyncIterator[tuple[Stage, str]]:
    async with open_stage(name, None, **more) as stage, serving(stage.channel) as address:
        url = f"{address}/webhooks/a"
        yield stage, url


def push_to(stage: Stage, name: str, url: str) -> None:
    """From now on the platform pushes there."""
    stage.scene.server.set_webhook(stage.scene.platform.bot(name), url)


def signed(body: bytes, at: float = NOON, secret: str = "keyed-secret") -> dict[str, str]:
    timestamp = str(int(at))
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {"X-Probe-Timestamp": timestamp, "X-Probe-Signature": mac.hexdigest()}


class Reply:
    """What a stranger sees."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = {k: v for k, v in response.headers.items() if k.lower() != "date"}
        self.body = body

    @property
    def seen(self) -> tuple[Any, ...]:
        return self.status, self.headers, self.body


async def post(stage: Stage, url: str, data: Any, headers: dict[str, str]) -> Reply:  # noqa: ANN401 - bytes or a stream of them
    async with stage.scene.session.post(url, data=data, headers=headers) as response:
        return Reply(response, await response.read())


async def test_an_event_is_acknowledged_once_it_is_stored() -> None:
    async with open_webhook() as (stage, url):
        push_to(stage, "keyed", url)
        said = await stage.scene.server.tell(saying(text="hello"))
    assert said.acknowledged_at is not None
    ((event, entrance),) = stage.door.attempts
    assert (event.key, entrance) == (f"m:c-1:{said.message_id}", Entrance.WEBHOOK)


async def test_what_could_not_be_stored_comes_again() -> None:
    async with open_webhook() as (stage, url):
        push_to(stage, "keyed", url)
        stage.door.refusal = StorageFull()
        telling = asyncio.ensure_future(stage.scene.server.tell(saying(text="hello")))
        await stage.door.until_tried(1)
        stage.door.refusal = None
        await stage.scene.clock.pass_sleep(30.0)  # as Retry-After said
        await telling
    assert len(stage.door.attempts) == 2
    assert len(stage.door.events) == 1


async def test_a_house_that_cannot_store_says_later() -> None:
    async with open_webhook() as (stage, url):
        stage.door.refusal = StorageFull()
        reply = await post(stage, url, BODY, signed(BODY))
    assert (reply.status, reply.headers["Retry-After"]) == (503, "30")


FORGERIES = {
    "no headers": {},
    "no signature": {"X-Probe-Timestamp": str(int(NOON))},
    "another secret": signed(BODY, secret="other"),
    "another body": signed(BODY + b" "),
    "too old": signed(BODY, at=NOON - 301),
    "from the future": signed(BODY, at=NOON + 301),
    "no number": signed(BODY) | {"X-Probe-Timestamp": "now"},
    "a huge number": signed(BODY) | {"X-Probe-Timestamp": "9" * 5000},
    "strange digits": signed(BODY) | {"X-Probe-Timestamp": "¹²³"},
    "not hexadecimal": signed(BODY) | {"X-Probe-Signature": "ü" * 64},
}


async def test_every_failed_check_looks_the_same() -> None:
    async with open_webhook() as (stage, url):
        replies = [await post(stage, url, BODY, headers) for headers in FORGERIES.values()]
    assert {reply.status for reply in replies} == {403}
    assert len({str(reply.seen) for reply in replies}) == 1
    assert stage.door.attempts == []


@pytest.mark.parametrize("age_s", [-300, 300])
async def test_the_edge_of_the_window_is_inside(age_s: int) -> None:
    async with open_webhook() as (stage, url):
        reply = await post(stage, url, BODY, signed(BODY, at=NOON - age_s))
    assert reply.status == 200


async def test_the_signature_covers_the_raw_bytes() -> None:
    body = b'{ "type" :\t"message", "x": "\xe4\xbd\xa0" }'
    async with open_webhook() as (stage, url):
        assert (await post(stage, url, body, signed(body))).status == 200


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000], ids=["empty", "bytes", "deep"])
async def test_what_cannot_be_read_is_kept_and_acknowledged(body: bytes) -> None:
    async with open_webhook() as (stage, url):
        reply = await post(stage, url, body, signed(body))
    assert reply.status == 200
    assert isinstance(stage.door.events[0], Undecodable)


async def test_a_body_without_end_is_cut_off() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1000:
            sent += 1
            yield b"x" * 65536

    async with open_webhook(body_bytes_max=100_000) as (stage, url):
        with suppress(aiohttp.ClientError):  # hung up on while still talking
            assert (await post(stage, url, endless(), signed(b""))).status == 413
        assert stage.door.attempts == []
        assert sent < 1000


async def test_other_methods_are_not_there() -> None:
    async with open_webhook() as (stage, url), stage.scene.session.get(url) as response:
        assert response.status == 405


# --- the answer inside the response -------------------------------------------------------


async def test_an_answer_travels_in_the_response() -> None:
    async with open_webhook("slot") as (stage, url):
        stage.door.answers.append(b'{"text": "at once"}')
        push_to(stage, "slot", url)
        said = await stage.scene.server.tell(saying("slot", "hello"))
        await stage.door.until_written(1)
        assert stage.texts() == ["at once"]
    assert stage.door.written == [(f"m:c-1:{said.message_id}", True)]


async def test_without_an_answer_the_response_is_empty() -> None:
    async with open_webhook("slot") as (stage, url):
        push_to(stage, "slot", url)
        said = await stage.scene.server.tell(saying("slot", "hello"))
        assert stage.texts() == []
    assert said.acknowledged_at is not None
    assert stage.door.written == []


async def test_a_slot_waits_no_longer_than_the_platform() -> None:
    async with open_webhook("slot", slot_s=2.0) as (stage, url):
        push_to(stage, "slot", url)
        await stage.scene.server.tell(saying("slot", "hello"))
    assert stage.door.waits_s == [pytest.approx(1.6)]


async def test_a_replaced_secret_counts_until_its_time_is_over() -> None:
    body = json.dumps({"type": "message"}).encode()
    now = [NOON]
    old = (b"old-secret", NOON + 3600)
    identity = Identity(
        name="a", bot_id="bot", secret=b"new", retired=(old,), body_bytes_max=4096, slot_s=0.0
    )
    webhook = Webhook(identity, lambda: now[0])
    webhook.attach(RecordingDoor())
    app = Starlette(routes=[webhook.route()])

    async def status(secret: str) -> int:
        headers = signed(body, now[0], secret)
        return (await call(app, "POST", "/webhooks/a", body, headers)).status

    assert [await status(secret) for secret in ("new", "old-secret", "other")] == [200, 200, 403]
    now[0] += 3600
    assert [await status(secret) for secret in ("new", "old-secret", "other")] == [200, 403, 403]
