"""What a house makes of a relay's answers, and of what is wrong with its own settings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from posthouse.channels.finding import Finding, Mark
from posthouse.channels.keep_connected import BadCredentials, Superseded
from posthouse.channels.options import read_options
from posthouse.channels.relay_client import (
    ANSWER_BYTES_MAX,
    ANSWER_WITHIN_S,
    LeaseOver,
    NoRelay,
    RelayClient,
    RelayOptions,
)
from posthouse.channels.relay_line import examine, holder_of
from posthouse.model.errors import OperatorMistake
from posthouse.model.relay import (
    LEASE_BYTES_MAX,
    Acknowledgement,
    BotState,
    LeaseWish,
    RelayState,
)

MEBIBYTE = bytes(1024 * 1024)
NOW = 1_750_000_000.0
TOKEN = "ph_secret"
WISH = LeaseWish(bot="help", holder="one house")


def options(**more: object) -> RelayOptions:
    return read_options(RelayOptions, "help", {"url": "http://127.0.0.1:1", "token": TOKEN} | more)


class PretendedRelay:
    """Answers everything with the same."""

    def __init__(self, status: int, body: object) -> None:
        self._status = status
        self._body = body
        self.asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> RelayClient:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._client = RelayClient(aiohttp.ClientSession, options(url=f"http://{host}:{port}/"))
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers["Authorization"]))
        if isinstance(self._body, str):
            return web.Response(status=self._status, text=self._body)
        return web.json_response(self._body, status=self._status)


async def test_a_lease_is_read() -> None:
    parcels = [{"id": 3, "payload": "aGk=", "came_at": NOW}]
    relay = PretendedRelay(200, {"lease": 7, "lease_s": 60.0, "parcels": parcels})
    async with relay as client:
        leased = await client.lease(WISH)
    assert (leased.lease, [(each.id, each.payload) for each in leased.parcels]) == (7, [(3, b"hi")])
    assert relay.asked == [("/api/v1/relay/lease", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"code": "not_authenticated", "zh": "", "en": ""}, BadCredentials),
        (403, {"code": "not_allowed", "zh": "", "en": ""}, BadCredentials),
        (409, {"code": "leased_elsewhere", "zh": "", "en": ""}, Superseded),
        (409, {"code": "lease_over", "zh": "", "en": ""}, LeaseOver),
        (404, {"code": "not_found", "zh": "", "en": "no such bot"}, NoRelay),
        (503, {"code": "try_later", "zh": "", "en": "full"}, NoRelay),
        (502, "<html>Bad Gateway</html>", NoRelay),
        (200, "<html>a page</html>", NoRelay),
        (200, {"something": "else"}, NoRelay),
        (302, "", NoRelay),
    ],
)
async def test_every_refusal_has_its_meaning(
    status: int, body: object, error: type[Exception]
) -> None:
    async with PretendedRelay(status, body) as client:
        with pytest.raises(error):
            await client.acknowledge(Acknowledgement(bot="help", lease=1, ids=(1,)))


@pytest.mark.parametrize("packing", [web.ContentCoding.identity, web.ContentCoding.gzip])
async def test_an_answer_without_an_end_is_cut_off(packing: web.ContentCoding) -> None:
    """It may be chunked, or small on the wire: what it unpacks to counts."""
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        answer.enable_compression(packing)
        await answer.prepare(request)
        with suppress(ConnectionError):
            for _ in range(3 * ANSWER_BYTES_MAX // len(MEBIBYTE)):
                await answer.write(MEBIBYTE)
                sent += len(MEBIBYTE)
        return answer

    relay = PretendedRelay(200, "")
    relay._answer = flood  # type: ignore[method-assign,assignment]  # the same, longer
    async with relay as client:
        with pytest.raises(NoRelay, match="more than anybody asked"):
            await client.state()
        assert sent < 2 * ANSWER_BYTES_MAX or packing is web.ContentCoding.gzip


async def test_nobody_is_sent_elsewhere_with_the_token() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        relay.asked.append((request.path, ""))
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    relay = PretendedRelay(200, "")
    relay._answer = elsewhere  # type: ignore[method-assign]  # the same, somewhere else
    async with relay as client:
        with pytest.raises(NoRelay):
            await client.state()
    assert [path for path, _ in relay.asked] == ["/api/v1/relay"]


def test_a_full_lease_passes_a_line_of_one_megabit_in_time() -> None:
    bits = LEASE_BYTES_MAX * 8 * 4 / 3  # payloads travel in Base64
    assert bits / 1e6 < ANSWER_WITHIN_S, "else the same lease is fetched again and again, in vain"


def test_no_repr_shows_the_token() -> None:
    assert TOKEN not in repr(RelayClient(aiohttp.ClientSession, options()))
    assert TOKEN not in repr(options())


@pytest.mark.parametrize("url", ["https://relay.example.com/", "http://localhost:8350"])
def test_good_addresses(url: str) -> None:
    assert options(url=url).url == url.rstrip("/")


@pytest.mark.parametrize("url", ["relay.example.com", "ftp://relay.example.com", ""])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(OperatorMistake, match="url"):
        options(url=url)


def test_a_token_is_not_shown_to_everybody_on_the_way() -> None:
    with pytest.raises(OperatorMistake, match="https"):
        options(url="http://relay.example.com")
    assert options(url="http://10.0.0.2:8350", insecure=True).insecure


def test_a_house_is_the_same_after_a_restart_and_no_other(tmp_path: Path) -> None:
    keys = iter(("a" * 32, "b" * 32, "c" * 32))
    one = holder_of(tmp_path / "one", lambda: next(keys))
    assert holder_of(tmp_path / "one", lambda: next(keys)) == one
    assert holder_of(tmp_path / "two", lambda: next(keys)) != one
    (tmp_path / "one" / "relay-holder").write_text("damaged")
    assert holder_of(tmp_path / "one", lambda: next(keys)) == "c" * 32


# --- the doctor --------------------------------------------------------------------------------


async def found(status: int, body: object, bot: str = "help") -> list[Finding]:
    async with PretendedRelay(status, body) as client:
        return [each async for each in examine(client, bot, lambda: NOW)]


def state(at: float = NOW, *, is_full: bool = False, **more: object) -> dict[str, object]:
    bot = {"bot": "help", "waiting": 2, "oldest_s": 1.0, **more}
    return {"version": "0.1.0", "at": at, "is_full": is_full, "bots": [bot]}


def troubles(findings: list[Finding]) -> list[str]:
    said = [each.said.en for each in findings if each.mark is not Mark.OK]
    return [words.partition(": ")[2] for words in said]


def test_what_is_pretended_here_is_what_a_relay_says() -> None:
    assert set(state()) == set(RelayState.__struct_fields__)
    assert {"bot", "waiting", "oldest_s"} <= set(BotState.__struct_fields__)


async def test_a_relay_that_is_well() -> None:
    assert troubles(await found(200, state())) == []


async def test_a_refused_token_is_said_with_what_to_do() -> None:
    (finding,) = await found(401, {"code": "not_authenticated", "zh": "", "en": ""})
    assert finding.mark is Mark.FAIL
    assert "tokens" in finding.remedy.en


async def test_clocks_an_hour_apart_are_a_warning() -> None:
    assert troubles(await found(200, state(NOW + 3600))) == ["the relay's clock is 3600 s ahead"]
    assert troubles(await found(200, state(NOW - 3600))) == ["the relay's clock is 3600 s behind"]


async def test_a_bot_that_the_relay_does_not_know() -> None:
    (said,) = troubles(await found(200, state(), bot="other"))
    assert "other" in said
    assert "help" in said


async def test_messages_that_nobody_fetches() -> None:
    (said,) = troubles(await found(200, state(oldest_s=720.0)))
    assert said == "2 wait, the oldest for 12 minutes"


async def test_a_full_relay() -> None:
    (said,) = troubles(await found(200, state(is_full=True)))
    assert "full" in said


async def test_a_relay_that_is_not_there() -> None:
    client = RelayClient(aiohttp.ClientSession, options())
    (finding,) = [each async for each in examine(client, "help", lambda: NOW)]
    await client.close()
    assert finding.mark is Mark.FAIL
    assert "firewall" in finding.remedy.en
