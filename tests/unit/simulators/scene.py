"""A probe platform on loopback, a clock that jumps, and a house that does as it is told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from posthouse.simulators.probe.bots import Bot, BotClass, bot
from posthouse.simulators.probe.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.probe.server import ProbeServer
from posthouse.simulators.probe.state import Limits, ProbePlatform
from posthouse.simulators.probe.wire import Chat, EventType, Person, Saying

NOON = 1_700_000_000.0


class Clock:
    """Stands still until told to go on; sleepers wake when their time has come."""

    def __init__(self) -> None:
        self.now = NOON
        self._sleepers: list[tuple[float, float, asyncio.Future[None]]] = []
        self._somebody_fell_asleep = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, span_s: float) -> None:
        sleeper = (self.now + span_s, span_s, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        self._somebody_fell_asleep.set()
        try:
            await sleeper[2]
        finally:
            self._sleepers.remove(sleeper)

    async def pass_sleep(self, span_s: float) -> None:
        """Wait until somebody sleeps for exactly so long, then jump to the end of it."""
        await self.until_asleep(span_s)
        self.advance(span_s)

    async def until_asleep(self, span_s: float) -> None:
        """Wait until somebody sleeps for exactly so long."""
        while not any(span == span_s and not f.done() for _, span, f in self._sleepers):
            self._somebody_fell_asleep.clear()
            await self._somebody_fell_asleep.wait()

    def advance(self, span_s: float) -> None:
        self.now += span_s
        for due_at, _, future in self._sleepers:
            if due_at <= self.now and not future.done():
                future.set_result(None)


class Answer(NamedTuple):
    """What a call of the house came to."""

    status: int
    body: Any
    headers: Any


class Scene:
    """Everything a test of the server needs."""

    def __init__(self, server: ProbeServer, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.server = server
        self.platform = server.platform
        self.session = session
        self.clock = clock

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Answer:
        """Make a request of the house, as the bot that the path names."""
        name = path.split("/")[3] if path.startswith("/v1/bots/") else ""
        headers = {"Authorization": f"Bearer {token or f'{name}-token'}"}
        url = self.server.address + path
        data = None if body is None else io.BytesIO(json.dumps(body).encode())
        async with self.session.request(method, url, data=data, headers=headers) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return Answer(
                response.status, await response.json() if is_json else raw, response.headers
            )

    async def send(self, name: str, **fields: object) -> Answer:
        body = {"chat": "c-1", "text": "hello", **fields}
        return await self.call("POST", f"/v1/bots/{name}/messages", body)

    def texts(self, chat: str = "c-1") -> list[str]:
        """What stands in a chat for everyone to see."""
        messages = self.platform.ledger().messages
        return [m.text for m in messages if m.chat == chat and not m.is_recalled]

    async def connect(self, name: str) -> aiohttp.ClientWebSocketResponse:
        url = f"{self.server.address}/v1/connect?bot={name}"
        headers = {"Authorization": f"Bearer {name}-token"}
        return await self.session.ws_connect(url, headers=headers)


def bots_of_every_class() -> tuple[Bot, ...]:
    """One bot per class, named like it."""
    return tuple(bot(str(each), each) for each in BotClass)


def script(name: str, verb: Verb, *faults: Fault | None) -> FaultSettings:
    return FaultSettings(script={name: {verb: faults}}, delay_s=3.0, retry_after_s=0.5)


@asynccontextmanager
async def open_scene(
    faults: FaultSettings | None = None, limits: Limits | None = None
) -> AsyncIterator[Scene]:
    clock = Clock()
    platform = ProbePlatform(7, bots=bots_of_every_class(), clock=clock, limits=limits)
    server = ProbeServer(platform, faults=FaultPlan(faults), sleep=clock.sleep)
    async with server, aiohttp.ClientSession() as session:
        yield Scene(server, session, clock)


def saying(
    name: str = "keyed",
    text: str = "hello",
    *,
    chat: str = "c-1",
    message_id: str | None = None,
    event_type: EventType = "message",
    token: str | None = None,
) -> Saying:
    person = Person(id="u-1", name="Ada")
    return Saying(
        bot=name,
        chat=Chat(id=chat),
        sender=person,
        text=text,
        type=event_type,
        message_id=message_id,
        token=token,
    )


class Pushed(NamedTuple):
    """One push as the house got it."""

    envelope: dict[str, Any]
    raw: bytes
    headers: Any


Respond = Callable[[Pushed], web.Response | None]  # None: say nothing until hung up on


Work = Callable[[Pushed], Awaitable[None]]


class House:
    """Works on each push, and answers the n-th as the n-th response says, later ones with 200."""

    def __init__(self, responses: Sequence[Respond], work: Work | None) -> None:
        self.url = ""
        self._work = work
        self.pushed: asyncio.Queue[Pushed] = asyncio.Queue()
        self._responses = list(responses)
        self._never = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        pushed = Pushed(await request.json(), raw, request.headers)
        if self._work is not None:
            await self._work(pushed)
        respond = self._responses.pop(0) if self._responses else ok()
        response = respond(pushed)
        await self.pushed.put(pushed)
        if response is None:
            await self._never.wait()
        return response or web.Response()

    def close(self) -> None:
        self._never.set()

    async def texts(self, count: int) -> list[str]:
        return [(await self.pushed.get()).envelope["text"] for _ in range(count)]


@asynccontextmanager
async def open_house(*responses: Respond, work: Work | None = None) -> AsyncIterator[House]:
    house = House(responses, work)
    app = web.Application()
    app.router.add_post("/hook", house.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    house.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield house
    finally:
        house.close()
        await runner.cleanup()


def ok(body: object = None) -> Respond:
    return lambda _: web.Response() if body is None else web.json_response(body)


def no(status: int, **headers: str) -> Respond:
    return lambda _: web.Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def silence() -> Respond:
    return lambda _: None
