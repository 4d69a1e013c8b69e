"""Pretended QQ accounts, a clock that jumps, and a bot server that looks at every frame."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.desk import Desk, Reply
from posthouse.simulators.onebot.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.onebot.happenings import Chat, Person, Said
from posthouse.simulators.onebot.notes import Limits
from posthouse.simulators.onebot.people import happen
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.server import OneBotServer, Told
from posthouse.simulators.onebot.state import Event, Network
from tests.unit.simulators.scene import Clock

TEAM = Chat(20001, title="Team")
ADA = Person(30001, "Ada", card="Countess")
BEN = Person(30002, "Ben")
NEST = Chat(30001, "private")
ACCOUNT = Account(name="a", self_id=10000, nickname="Posty", heartbeat_s=0)
WITHIN_S = 5.0


def said(text: str = "hello", *, chat: Chat = TEAM, sender: Person = ADA, bot: str = "a") -> Said:
    return Said(bot=bot, chat=chat, sender=sender, text=text)


def script(verb: Verb, *faults: Fault | None) -> FaultSettings:
    return FaultSettings(script={"a": {verb: faults}}, delay_s=3.0, retcode=100, wording="no")


class Hall:
    """The platform without a network: frames go straight to the desk."""

    def __init__(self, account: Account = ACCOUNT, limits: Limits | None = None) -> None:
        self.clock = Clock()
        self.account = account
        self.network = Network(7, accounts=(account,), clock=self.clock, limits=limits)
        self.faults = FaultPlan()
        self.emitted: list[Event] = []
        self.desk = Desk(self.network, self.faults, self.emitted.append)
        happen(self.network, said("before", chat=TEAM))
        happen(self.network, said("before", chat=NEST))

    def hear(self, what: Said | None = None) -> int:
        """Let somebody say something, and return its id."""
        message_id = happen(self.network, what or said()).body["message_id"]
        assert isinstance(message_id, int)
        return message_id

    def take(self, raw: str, *, is_online: bool = True) -> dict[str, Any]:
        """Give the desk a frame, and return its answer."""
        reply = self.desk.take(self.account, raw, is_online=is_online)
        if isinstance(reply, Reply):
            self.desk.close(reply, is_written=True)
            return dict(json.loads(reply.text))
        return dict(json.loads(reply))

    def call(self, action: str, **params: object) -> dict[str, Any]:
        return self.take(json.dumps({"action": action, "params": params, "echo": "e"}))

    def do(self, action: str, **params: object) -> Any:  # noqa: ANN401 - whatever it answers
        """Call an action that must succeed, and return its data."""
        answer = self.call(action, **params)
        assert answer["status"] == "ok", answer
        return answer["data"]

    def send(self, message: object = "hello") -> int:
        """Send to the group, and return the id."""
        return int(self.do("send_group_msg", group_id=20001, message=message)["message_id"])

    def shown(self, message_id: int) -> MessageEntry:
        found = self.network.find(self.account, message_id)
        assert found is not None
        return found

    @property
    def complaints(self) -> list[str]:
        return [each.problem for each in self.network.record().complaints]


class Guest:
    """The bot server's end of one connection."""

    def __init__(
        self,
        held: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.headers = headers or {}
        self._held = held

    async def frame(self) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_S):
            return dict(json.loads(await self._held.receive_str()))

    async def raw(self) -> aiohttp.WSMessage:
        async with asyncio.timeout(WITHIN_S):
            return await self._held.receive()

    async def greeted(self) -> Guest:
        """Skip the first frame, after seeing that it is the right one."""
        frame = await self.frame()
        assert (frame["meta_event_type"], frame["sub_type"]) == ("lifecycle", "connect")
        return self

    async def ask(self, action: str, echo: object = "e", **params: object) -> None:
        await self._held.send_str(json.dumps({"action": action, "params": params, "echo": echo}))

    async def send(self, text: str = "hi", echo: object = "e") -> None:
        await self.ask("send_group_msg", echo, group_id=20001, message=text)

    async def call(self, action: str, **params: object) -> dict[str, Any]:
        await self.ask(action, **params)
        return await self.frame()

    async def ping(self) -> None:
        await self._held.ping()

    async def until_gone(self) -> int | None:
        """Wait for the end of the connection, and return its closing code."""
        async with asyncio.timeout(WITHIN_S):
            async for _ in self._held:
                pass
        return self._held.close_code


class BotServer:
    """Waits for connections as a framework does."""

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self._guests: asyncio.Queue[Guest] = asyncio.Queue()
        self._over = asyncio.Event()

    async def guest(self) -> Guest:
        """Return the next connection, its greeting read."""
        async with asyncio.timeout(WITHIN_S):
            return await (await self._guests.get()).greeted()

    async def enter(self, request: web.Request) -> web.StreamResponse:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=403)
        held = web.WebSocketResponse(autoping=False, timeout=0.1)
        await held.prepare(request)
        await self._guests.put(Guest(held, request.headers))
        await self._over.wait()
        return held

    def close(self) -> None:
        self._over.set()


@asynccontextmanager
async def open_bot_server() -> AsyncIterator[BotServer]:
    server = BotServer()
    app = web.Application()
    app.router.add_get("/ws", server.enter)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    try:
        yield server
    finally:
        server.close()
        await runner.cleanup()


class Stage:
    """Everything a test of the running platform needs."""

    def __init__(self, server: OneBotServer, bots: BotServer, clock: Clock) -> None:
        self.server = server
        self.network = server.network
        self.bots = bots
        self.clock = clock

    async def tell(self, text: str = "hello", *, chat: Chat = TEAM) -> Told:
        async with asyncio.timeout(WITHIN_S):
            return await self.server.tell(said(text, chat=chat))

    async def reconnected(self) -> Guest:
        """Let the time pass that an account waits before it dials again."""
        async with asyncio.timeout(WITHIN_S):
            await self.clock.pass_sleep(ACCOUNT.reconnect_s)
        return await self.bots.guest()

    def own_texts(self) -> list[str]:
        """What people see of the account."""
        entries = self.network.record().messages
        return [entry.text for entry in entries if entry.is_own and not entry.is_recalled]

    @property
    def complaints(self) -> list[str]:
        return [each.problem for each in self.network.record().complaints]


@asynccontextmanager
async def open_stage(
    faults: FaultSettings | None = None, *, account: Account = ACCOUNT
) -> AsyncIterator[Stage]:
    """Start an account that dials a bot server, on a clock that stands still."""
    clock = Clock()
    async with open_bot_server() as bots:
        dialling = replace(account, urls=(bots.url,))
        network = Network(7, accounts=(dialling,), clock=clock)
        network.gather(dialling, TEAM, ADA)
        plan = FaultPlan(faults)
        async with OneBotServer(network, faults=plan, sleep=clock.sleep) as server:
            yield Stage(server, bots, clock)
