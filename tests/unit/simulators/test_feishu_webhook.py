"""The webhook sender: challenge, sealed and signed bodies, callbacks answered in the response."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msgspec.structs import replace

from posthouse.simulators.feishu.happenings import Press
from tests.unit.simulators.feishu_scene import CARD, A, Town, open_town

SEALED = replace(A, encrypt_key="open-sesame")


class Address:
    """A bot program's address, and what came to it."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.answer: Any = {}
        self.is_silent = False
        self.got: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.got.put_nowait((dict(request.headers), raw))
        if self.is_silent:
            await asyncio.Event().wait()
        body = opened(raw)
        if body.get("type") == "url_verification" and self.answer == {}:
            return web.json_response({"challenge": body["challenge"]})
        return web.json_response(self.answer, status=self.status)


def opened(raw: bytes) -> dict[str, Any]:
    """Open a body with the key of these tests, if it is sealed."""
    import base64

    body = json.loads(raw)
    if "encrypt" not in body:
        return dict(body)
    sealed = base64.b64decode(body["encrypt"])
    key = hashlib.sha256(SEALED.encrypt_key.encode()).digest()
    opener = Cipher(algorithms.AES(key), modes.CBC(sealed[:16])).decryptor()
    padded = opener.update(sealed[16:]) + opener.finalize()
    return dict(json.loads(padded[: -padded[-1]]))


@asynccontextmanager
async def open_address() -> AsyncIterator[Address]:
    address = Address()
    application = web.Application()
    application.router.add_post("/event", address.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address.url = f"http://127.0.0.1:{runner.addresses[0][1]}/event"
    try:
        yield address
    finally:
        await runner.cleanup()


async def test_an_address_is_saved_when_it_answers_the_challenge() -> None:
    async with open_town(SEALED) as town, open_address() as address:
        status, switches = await town.sim("POST", "/webhook", {"url": address.url})
        assert (status, switches["webhook"]) == (200, address.url)
        headers, raw = await address.got.get()
        assert "X-Lark-Signature" not in headers
        assert opened(raw)["token"] == A.verification_token
        address.answer = {"challenge": "another"}
        status, refused = await town.sim("POST", "/webhook", {"url": address.url})
        assert (status, "challenge" in refused["message"]) == (409, True)


async def test_a_challenge_is_answered_within_a_second() -> None:
    async with open_town() as town, open_address() as address:
        address.is_silent = True
        asking = asyncio.ensure_future(town.server.challenge("a", address.url))
        await town.passes(1.0)
        assert await asking == "no answer within 1 s"


async def test_events_are_sealed_signed_and_compact() -> None:
    async with open_town(SEALED) as town, open_address() as address:
        town.server.switches["a"].webhook = address.url
        told = town.say()
        assert await town.done(told)
        headers, raw = await address.got.get()
        assert b" " not in raw
        signed = headers["X-Lark-Request-Timestamp"] + headers["X-Lark-Request-Nonce"]
        wanted = hashlib.sha256((signed + SEALED.encrypt_key).encode() + raw).hexdigest()
        assert headers["X-Lark-Signature"] == wanted
        assert opened(raw) == told.errands[0].event.body


async def test_without_a_key_events_are_plain_and_carry_the_token() -> None:
    async with open_town() as town, open_address() as address:
        town.server.switches["a"].webhook = address.url
        assert await town.done(town.say())
        headers, raw = await address.got.get()
        assert "X-Lark-Signature" not in headers
        assert json.loads(raw)["header"]["token"] == A.verification_token
        town.server.switches["a"].token = "wrong"
        assert await town.done(town.say())
        _, raw = await address.got.get()
        assert json.loads(raw)["header"]["token"] != A.verification_token


@pytest.mark.parametrize("how", ["wrong", "none"])
async def test_signatures_can_be_wrong(how: str) -> None:
    async with open_town(SEALED) as town, open_address() as address:
        switches = town.server.switches["a"]
        switches.webhook = address.url
        assert await town.done(town.say())
        right = (await address.got.get())[0]["X-Lark-Signature"]
        switches.signature = how  # type: ignore[assignment] # one of two
        assert await town.done(town.say())
        headers, _ = await address.got.get()
        given = headers.get("X-Lark-Signature")
        assert given is None if how == "none" else given not in (None, right)


async def test_what_is_not_taken_comes_again() -> None:
    async with open_town() as town, open_address() as address:
        town.server.switches["a"].webhook = address.url
        address.status = 500
        told = town.say()
        await town.clock.until_asleep(15.0)
        address.status = 200
        await town.passes(15.0)
        assert await town.done(told)
        bodies = [(await address.got.get())[1] for _ in range(2)]
        assert bodies[0] == bodies[1]


async def test_an_address_that_does_not_answer_is_given_three_seconds() -> None:
    async with open_town() as town, open_address() as address:
        town.server.switches["a"].webhook = address.url
        address.is_silent = True
        told = town.say()
        await address.got.get()
        await town.passes(3.0)
        await town.clock.until_asleep(15.0)
        assert town.entry(told).problem == "no answer within 3 s"


async def test_nobody_at_the_address() -> None:
    async with open_town() as town:
        town.server.switches["a"].webhook = "http://127.0.0.1:9/event"
        told = town.say()
        await town.clock.until_asleep(15.0)
        assert town.entry(told).problem.startswith("not reached")


async def press(town: Town, address: Address) -> Any:  # noqa: ANN401 - Pressed
    town.server.switches["a"].card_webhook = address.url
    sent = await town.sent(kind="interactive", content=CARD)
    return await town.server.press(Press(message_id=sent, person="ada", index=0))


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (200, {"toast": {"type": "info", "content": "done"}}, 0),
        (200, {"nothing": ""}, 0),
        (302, {}, 200671),
        (200, [], 200672),
    ],
)
async def test_a_press_is_answered_in_the_response(status: int, answer: object, code: int) -> None:
    async with open_town() as town, open_address() as address:
        address.status, address.answer = status, answer
        pressed = await press(town, address)
        assert pressed.code == code
        assert address.got.qsize() == 1
        complaints = ["no field 'nothing' in the answer to a press"]
        is_strange = isinstance(answer, dict) and "nothing" in answer
        assert town.server.complaints == (complaints if is_strange else [])


async def test_old_presses_are_flat_and_signed_otherwise() -> None:
    async with open_town(SEALED) as town, open_address() as address:
        town.server.switches["a"].card_style = "v1"
        address.answer = {"toast": {"content": "old"}}
        assert (await press(town, address)).toast == "old"
        headers, raw = await address.got.get()
        body = json.loads(raw)
        assert (body["action"]["value"], body["open_chat_id"]) == ({"ticket": 7}, town.team)
        signed = headers["X-Lark-Request-Timestamp"] + headers["X-Lark-Request-Nonce"]
        wanted = hashlib.sha1((signed + A.verification_token).encode() + raw)  # noqa: S324
        assert headers["X-Lark-Signature"] == wanted.hexdigest()
