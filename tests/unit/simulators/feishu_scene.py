"""A pretended Feishu tenant, a clock that jumps, and a client that looks at every frame."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from msgspec.structs import replace

from posthouse.simulators.feishu import frames
from posthouse.simulators.feishu.apps import App, app
from posthouse.simulators.feishu.exchange import Told
from posthouse.simulators.feishu.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.feishu.frames import Frame
from posthouse.simulators.feishu.happenings import Say
from posthouse.simulators.feishu.record import EventEntry, Limits, MessageEntry
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from tests.unit.simulators.scene import Clock

A = app("a")
WITHIN_S = 5.0
CARD: dict[str, Any] = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Ticket 7"}},
    "body": {
        "elements": [
            {"tag": "markdown", "element_id": "words", "content": "It is **open**."},
            {
                "tag": "button",
                "name": "close",
                "text": {"tag": "plain_text", "content": "Close"},
                "behaviors": [{"type": "callback", "value": {"ticket": 7}}],
            },
        ]
    },
}


class Answer(NamedTuple):
    """What a call came to."""

    status: int
    code: int
    body: Any
    headers: Any

    @property
    def data(self) -> dict[str, Any]:
        assert (self.status, self.code) == (200, 0), self.body
        return dict(self.body["data"])


class Client:
    """The bot program's end of a long connection."""

    def __init__(self, held: aiohttp.ClientWebSocketResponse, service: int) -> None:
        self.held = held
        self.service = service

    async def frame(self) -> Frame:
        async with asyncio.timeout(WITHIN_S):
            return frames.decode(await self.held.receive_bytes())

    async def send(self, frame: Frame) -> None:
        await self.held.send_bytes(frames.encode(frame))

    async def ping(self) -> None:
        await self.send(Frame(service=self.service, headers=(("type", "ping"),)))

    async def ack(self, frame: Frame, code: int = 200, data: object = None) -> None:
        said: dict[str, Any] = {"code": code}
        if data is not None:
            said["data"] = base64.b64encode(json.dumps(data).encode()).decode()
        headers = (*frame.headers, ("biz_rt", "3"))
        await self.send(replace(frame, payload=json.dumps(said).encode(), headers=headers))

    async def until_gone(self) -> int | None:
        async with asyncio.timeout(WITHIN_S):
            async for _ in self.held:
                pass
        return self.held.close_code


def event_of(frame: Frame) -> dict[str, Any]:
    """Read the event of an unfragmented frame."""
    assert (frame.header("sum"), frame.header("seq")) == ("1", "0")
    return dict(json.loads(frame.payload or b""))


class Town:
    """Everything a test needs."""

    def __init__(self, server: FeishuServer, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.server = server
        self.session = session
        self.clock = clock
        self.tenant = server.tenant
        self._tokens: dict[str, str] = {}
        self._clients: list[Client] = []  # one that nobody holds would be closed

    # --- bot programs ---------------------------------------------------------------------------

    async def discover(self, **changed: object) -> dict[str, Any]:
        body = {"AppID": A.app_id, "AppSecret": A.app_secret, **changed}
        url = f"{self.server.address}/callback/ws/endpoint"
        async with self.session.post(url, json=body) as answer:
            return dict(await answer.json())

    async def client(self) -> Client:
        """Connect as a client does."""
        url = (await self.discover())["data"]["URL"]
        held = await self.session.ws_connect(url)
        service = int(url.split("service_id=")[1].split("&")[0])
        self._clients.append(Client(held, service))
        return self._clients[-1]

    async def hang_up(self) -> None:
        """Close all connections, as a bot program does at its end."""
        for client in self._clients:
            await client.held.close()

    async def token(self, who: App = A) -> str:
        if who.name not in self._tokens:
            answer = await self.ask_token(who)
            self._tokens[who.name] = answer.body["tenant_access_token"]
        return self._tokens[who.name]

    async def ask_token(self, who: App = A, secret: str | None = None) -> Answer:
        body = {"app_id": who.app_id, "app_secret": secret or who.app_secret}
        path = "/auth/v3/tenant_access_token/internal"
        return await self.raw("POST", path, data=json.dumps(body).encode())

    async def call(
        self, method: str, path: str, body: object = None, *, who: App = A, **query: str
    ) -> Answer:
        headers = {"Authorization": f"Bearer {await self.token(who)}"}
        data = None if body is None else json.dumps(body).encode()
        return await self.raw(method, path, data=data, headers=headers, params=query)

    async def raw(self, method: str, path: str, **options: Any) -> Answer:  # noqa: ANN401
        url = f"{self.server.address}/open-apis{path}"
        async with (
            asyncio.timeout(WITHIN_S),
            self.session.request(method, url, **options) as answer,
        ):
            raw = await answer.read()
        is_json = answer.content_type == "application/json"
        body = json.loads(raw) if is_json else raw
        code = body.get("code", -1) if isinstance(body, dict) else -1
        return Answer(answer.status, code, body, answer.headers)

    async def send(
        self,
        text: str = "hello",
        *,
        key: str = "",
        to: str | None = None,
        kind: str = "text",
        content: object = None,
        who: App = A,
    ) -> Answer:
        """Send to the team."""
        given = json.dumps({"text": text} if content is None else content)
        body = {"receive_id": to or self.team, "msg_type": kind, "content": given}
        if key:
            body["uuid"] = key
        return await self.call("POST", "/im/v1/messages", body, who=who, receive_id_type="chat_id")

    async def sent(self, text: str = "hello", **options: Any) -> str:  # noqa: ANN401
        return str((await self.send(text, **options)).data["message_id"])

    async def sim(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the control surface."""
        url = f"{self.server.address}/_sim{path}"
        async with self.session.request(method, url, json=body) as answer:
            raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None

    # --- people ---------------------------------------------------------------------------------

    @property
    def team(self) -> str:
        return self.tenant.group("team").chat_id

    def say(self, text: str = "hello", **options: Any) -> Told:  # noqa: ANN401
        given = {"person": "ada", "mentions": ("a",), **options}
        return self.server.say(Say(text=text, **given))

    def said(self, text: str = "hello", **options: Any) -> str:  # noqa: ANN401
        message_id = self.say(text, **options).message_id
        assert message_id is not None
        return message_id

    def entry(self, told: Told) -> EventEntry:
        return told.errands[0].event.entry

    def shown(self, message_id: str) -> MessageEntry:
        return next(each for each in self.server.visible() if each.message_id == message_id)

    async def done(self, told: Told) -> bool:
        async with asyncio.timeout(WITHIN_S):
            return await told.taken()

    async def passes(self, *spans_s: float) -> None:
        """Let somebody's sleeps end, one after the other."""
        async with asyncio.timeout(WITHIN_S):
            for span_s in spans_s:
                await self.clock.pass_sleep(span_s)


@asynccontextmanager
async def open_town(
    *apps: App,
    settings: TenantSettings | None = None,
    faults: FaultSettings | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Town]:
    """Start a tenant on a clock that stands still; Ada is in the team."""
    clock = Clock()
    tenant = Tenant(7, apps or (A,), clock=clock, limits=limits)
    tenant.enter(tenant.group("team"), tenant.person("ada"))
    plan = FaultPlan(faults)
    server = FeishuServer(tenant, settings=settings, faults=plan, sleep=clock.sleep)
    async with server, aiohttp.ClientSession() as session:
        town = Town(server, session, clock)
        yield town
        await town.hang_up()


def script(verb: Verb, *faults: Fault | None, **options: Any) -> FaultSettings:  # noqa: ANN401
    return FaultSettings(script={"a": {verb: faults}}, delay_s=7.0, **options)
