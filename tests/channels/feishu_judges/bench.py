"""A simulated tenant, and an official SDK in a process of its own that takes it for Feishu."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from posthouse.simulators.feishu.apps import App, app
from posthouse.simulators.feishu.exchange import Told
from posthouse.simulators.feishu.happenings import Say
from posthouse.simulators.feishu.record import MessageEntry
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from tests.channels.feishu_judges.environment import NODE_MODULES, python_of

HERE = Path(__file__).parent
START_WITHIN_S = 60.0  # importing the Python SDK takes seconds, on a busy machine many
WITHIN_S = 20.0


class Sdk(Struct, frozen=True):
    """An official SDK, and what it cannot do."""

    name: str  # of its environment
    program: tuple[str, ...]
    does_cards: bool = True  # callbacks over the long connection, and card entities


SDKS = (
    Sdk("current", (str(python_of("current")), "judge_lark.py")),
    Sdk("pinned", (str(python_of("pinned")), "judge_lark.py"), does_cards=False),
    Sdk("node", ("node", "judge_node.cjs")),
)


class Judge:
    """A bot on an SDK: it is told what to do, and says what it saw."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ready = asyncio.Event()
        self.noise: list[str] = []  # what it says beside
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if not line.startswith(b'{"what"'):
                self.noise.append(line.decode("utf-8", "replace").strip())
                continue
            said = json.loads(line)
            match said.pop("what"):
                case "ready":
                    self.ready.set()
                case "event":
                    self._events.put_nowait(said)
                case _:
                    self._answers.put_nowait(said)

    async def do(self, what: str, **fields: object) -> dict[str, Any]:
        """Let it do something, and return what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **fields}).encode() + b"\n")
        async with asyncio.timeout(WITHIN_S):
            answer = await self._answers.get()
        assert "failure" not in answer, (what, answer, self.noise[-20:])
        return answer

    async def did(self, what: str, **fields: object) -> dict[str, Any]:
        """Let it call something that must succeed, and return the data."""
        answer = await self.do(what, **fields)
        assert answer["code"] == 0, (what, answer)
        return dict(answer.get("data") or {})

    async def heard(self, kind: str) -> dict[str, Any]:
        """Wait until it is told of an event of a kind."""
        async with asyncio.timeout(WITHIN_S):
            while (event := await self._events.get())["type"] != kind:
                pass
            return event

    def has_heard_nothing_more(self) -> bool:
        return self._events.empty()

    def forget(self) -> None:
        """Forget events that nobody asked for."""
        while not self._events.empty():
            self._events.get_nowait()

    async def end(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Bench:
    """The tenant and the judge, connected."""

    def __init__(self, sdk: Sdk, server: FeishuServer, judge: Judge) -> None:
        self.sdk = sdk
        self.server = server
        self.judge = judge

    @property
    def app(self) -> App:
        return self.server.tenant.app("a")

    @property
    def chat_id(self) -> str:
        return self.server.tenant.group("team").chat_id

    def say(self, text: str, *, mentions: tuple[str, ...] = ("a",)) -> Told:
        return self.server.say(Say(person="ada", chat="team", text=text, mentions=mentions))

    async def taken(self, told: Told) -> bool:
        async with asyncio.timeout(WITHIN_S):
            return await told.taken()

    def shown(self, message_id: str) -> MessageEntry:
        """What people see of a message."""
        return next(each for each in self.server.visible() if each.message_id == message_id)

    @contextlib.asynccontextmanager
    async def webhook(self) -> AsyncIterator[str]:
        """An address that hands everything to the SDK's dispatcher."""

        async def take(request: web.Request) -> web.Response:
            body = (await request.read()).decode()
            answer = await self.judge.do("webhook", headers=_headers(request), body=body)
            return web.Response(status=answer["status"], text=answer["body"])

        application = web.Application()
        application.router.add_post("/event", take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/event"
        finally:
            self.server.switches["a"].webhook = ""
            await runner.cleanup()


def _headers(request: web.Request) -> dict[str, str]:
    """Write headers as both SDKs look for them: one wants small letters, one the documented."""
    documented = {name.title(): value for name, value in request.headers.items()}
    return {**documented, **{name.lower(): value for name, value in request.headers.items()}}


async def start(sdk: Sdk) -> Judge:
    """Start a judge; it is ready later."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *sdk.program,
        cwd=HERE,
        env={**kept, "NODE_MODULES": str(NODE_MODULES), "NO_PROXY": "*"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**22,
    )
    return Judge(process)


@contextlib.asynccontextmanager
async def connected(sdk: Sdk, judge: Judge) -> AsyncIterator[Bench]:
    """Open a tenant, and let a judge connect to it."""
    sealed = replace(app("a"), encrypt_key="kFgq7Xb9-ekey")
    settings = TenantSettings(is_paced=False)  # one after the other they ask faster than people
    async with FeishuServer(Tenant(7, (sealed,)), settings=settings) as server:
        server.switches["a"].config = replace(
            server.switches["a"].config, reconnect_interval=1, reconnect_nonce=1, ping_interval=1
        )
        async with asyncio.timeout(START_WITHIN_S):
            await judge.ready.wait()
        await judge.do(
            "connect",
            domain=server.address,
            app_id=sealed.app_id,
            app_secret=sealed.app_secret,
            encrypt_key=sealed.encrypt_key,
            token=sealed.verification_token,
        )
        entries = server.tenant.notes.connections.entries
        # The SDK for Node begins to listen some time after it is connected, and pings then.
        await until(lambda: bool(entries) and entries[-1].pings > 0)
        yield Bench(sdk, server, judge)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so that another process decides."""
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - nobody here can tell
            await asyncio.sleep(0.02)
