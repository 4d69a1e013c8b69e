"""A web bot without a network: its routes, its rooms in memory, a door that keeps what came in."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import ClientSession
from msgspec import Struct
from starlette.applications import Starlette

from posthouse.channels.channel import ChannelTools
from posthouse.channels.web.channel import WebChannel
from posthouse.model.address import Chat, ChatKind
from posthouse.store.reader import Roads
from posthouse.store.rooms import Rooms
from posthouse.store.sqlite.store import open_memory_store
from posthouse.testing.clock import FakeClock
from posthouse.testing.recording_door import RecordingDoor
from posthouse.wakeup.local import LocalWakeup

HERE = "127.0.0.1:8350"
Json = Any  # what the interface answers


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def text(self) -> str:
        return self.body.decode()


class Event(NamedTuple):
    name: str
    data: Json
    id: int | None


class Browser:
    """Somebody's browser: it keeps cookies, and says where it is."""

    def __init__(self, app: Starlette, peer: str, host: str, headers: Mapping[str, str]) -> None:
        self._app = app
        self._peer = peer
        self._host = host
        self._headers = dict(headers)
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, headers=headers)

    async def put(self, path: str, what: Json, **headers: str) -> Answer:
        return await self.ask("PUT", path, what, headers=headers)

    async def post(self, path: str, what: Json = None, **headers: str) -> Answer:
        return await self.ask("POST", path, {} if what is None else what, headers=headers)

    async def patch(self, path: str, what: Json) -> Answer:
        return await self.ask("PATCH", path, what)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def ask(
        self,
        method: str,
        path: str,
        what: Json = None,
        *,
        raw: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask and read the whole answer; ``raw`` is a body that is no JSON, or its chunks."""
        body = json.dumps(what).encode() if raw is None and what is not None else raw or b""
        exchange = _Exchange([body] if isinstance(body, bytes) else list(body))
        await self._app(self._scope(method, path, headers or {}), exchange.receive, exchange.send)
        return self._keep_cookies(exchange.answer())

    @asynccontextmanager
    async def events(self, path: str, **headers: str) -> AsyncIterator[Stream]:
        """Open an event stream for as long as the context lasts."""
        exchange = _Exchange([b""])
        scope = self._scope("GET", path, headers)
        serving = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            yield Stream(exchange)
        finally:
            exchange.gone.set()
            await asyncio.wait_for(serving, 5)

    def _scope(self, method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        address = urlsplit(path)
        named = {"host": self._host, **self._headers, **_with_hyphens(headers)}
        if self.cookies:
            named["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address.path,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": (self._peer, 50000),
            "server": ("127.0.0.1", 8350),
        }

    def _keep_cookies(self, answer: Answer) -> Answer:
        for line in answer.headers.get("set-cookie", "").split("\n"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer


class Stream:
    """Server-sent events as they come."""

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange
        self._rest = b""
        self.seen: Counter[str] = Counter()  # how often each kind of event came

    async def status(self) -> int:
        return await self._exchange.status()

    async def next(self, *names: str) -> Event:
        """Return the next event, or the next of these names."""
        async with asyncio.timeout(5):
            while True:
                event = await self._next()
                if event.name in names or not names:
                    return event

    async def _next(self) -> Event:
        while b"\n\n" not in self._rest:
            chunk = await self._exchange.chunks.get()
            if chunk is None:
                raise EOFError("the stream has ended")
            self._rest += chunk
        frame, _, self._rest = self._rest.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in frame.decode().split("\n"))
        self.seen[fields["event"]] += 1
        number = int(fields["id"]) if "id" in fields else None
        return Event(fields["event"], json.loads(fields["data"]), number)

    async def ended(self) -> None:
        """Wait until the server has said all it wants to say."""
        async with asyncio.timeout(5):
            while await self._exchange.chunks.get() is not None:
                pass


class _Exchange:
    def __init__(self, body: list[bytes]) -> None:
        self._body = body
        self._messages: list[MutableMapping[str, Any]] = []
        self._started = asyncio.Event()
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._body:
            chunk = self._body.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self._body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self._started.set()
            return
        if message.get("body"):
            self.chunks.put_nowait(message["body"])
        if not message.get("more_body"):
            self.chunks.put_nowait(None)

    async def status(self) -> int:
        await self._started.wait()
        return int(self._messages[0]["status"])

    def answer(self) -> Answer:
        start, *rest = self._messages
        headers: dict[str, str] = {}
        for raw_name, raw_value in start["headers"]:
            name, value = raw_name.decode().lower(), raw_value.decode()
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
        return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in rest))


class Stage(Struct, kw_only=True):
    """The bot, and everything around it that a test looks at or turns."""

    channel: WebChannel
    app: Starlette
    door: RecordingDoor
    rooms: Rooms
    clock: FakeClock
    wakeup: LocalWakeup
    tools: ChannelTools
    data: Path

    def browser(self, peer: str = "127.0.0.1", host: str = HERE, **headers: str) -> Browser:
        return Browser(self.app, peer, host, _with_hyphens(headers))

    async def person(self, name: str) -> Person:
        """Let somebody enter on the own machine."""
        browser = self.browser()
        me = (await browser.put("/chat/api/me", {"name": name})).json
        return Person(browser, me["id"], name)

    async def team(self, *names: str) -> tuple[str, list[Person]]:
        """Open a group room; the first of these people owns it."""
        people = [await self.person(name) for name in names]
        made = await people[0].browser.post("/chat/api/rooms", {"title": "Team", "kind": "group"})
        room = made.json["room"]["id"]
        for person in people[1:]:
            await self.rooms.join(room, person.id, self.clock(), 100)
        return room, people

    def chat(self, room: str) -> Chat:
        return Chat(1, "web", room, ChatKind.GROUP)

    def again(self) -> WebChannel:
        """Build the bot anew on what is stored, as a restart does."""
        channel = WebChannel.build("web", {}, self.tools)
        channel.attach(self.door)
        return channel


class Person(NamedTuple):
    browser: Browser
    id: str
    name: str

    async def say(self, room: str, text: str, **more: Json) -> Answer:
        key = more.pop("key", f"key-{next(_KEYS):08d}")
        path = f"/chat/api/rooms/{room}/messages"
        return await self.browser.post(path, {"key": key, "text": text, **more})


_KEYS = count(1)


@asynccontextmanager
async def open_stage(
    data: Path,
    options: Mapping[str, object] | None = None,
    *,
    host: str = "127.0.0.1",
    public_url: str = "",
    reader: Roads | None = None,
    language: str = "zh",
) -> AsyncIterator[Stage]:
    """Open a web bot on rooms in memory."""
    clock, store, wakeup = FakeClock(), open_memory_store(), LocalWakeup()
    keys = (f"{number:032x}" for number in count(0xABCDEF))
    tools = ChannelTools(
        clock=clock,
        sleep=asyncio.sleep,
        random=Random(1),
        new_key=lambda: next(keys)[::-1],
        http=ClientSession,
        wakeup=wakeup,
        data_dir=data,
        language=language,
        rooms=store.rooms,
        reader=reader,
        host=host,
        public_url=public_url,
    )
    channel = WebChannel.build("web", options or {}, tools)
    door = RecordingDoor()
    channel.attach(door)
    try:
        yield Stage(
            channel=channel,
            app=Starlette(routes=list(channel.routes())),
            door=door,
            rooms=store.rooms,
            clock=clock,
            wakeup=wakeup,
            tools=tools,
            data=data,
        )
    finally:
        await channel.close()
        await store.close()


def _with_hyphens(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").lower(): value for name, value in headers.items()}
