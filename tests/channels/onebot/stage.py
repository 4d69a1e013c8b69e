"""A QQ bot of the house on loopback, and an implementation whose every word a test chooses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web
from starlette.applications import Starlette

from posthouse.api.server import HttpServer, listen
from posthouse.channels.channel import (
    Channel,
    ChannelTools,
    ConnectionState,
    Letter,
    Part,
    Status,
    Verb,
)
from posthouse.channels.onebot.channel import OneBotChannel
from posthouse.model.address import Chat, ChatKind
from posthouse.model.delivery import Outcome
from posthouse.model.message import Content
from posthouse.settings.settings import ServerSettings
from posthouse.store.reader import HeardChat
from posthouse.testing.recording_door import RecordingDoor
from posthouse.wakeup.local import LocalWakeup

SELF = 10001
PATH = "/onebot/v11/ws"
PRIVATE = Chat(1, "qq", "private:20001", ChatKind.PRIVATE)
GROUP = Chat(2, "qq", "group:30001", ChatKind.GROUP)


def said(text: str, message_id: object = 1, **more: object) -> dict[str, Any]:
    """A private message, as an implementation reports it."""
    return {
        "time": int(time.time()),
        "self_id": SELF,
        "post_type": "message",
        "message_type": "private",
        "sub_type": "friend",
        "message_id": message_id,
        "user_id": 20001,
        "message": [{"type": "text", "data": {"text": text}}],
        "raw_message": text,
        "font": 0,
        "sender": {"user_id": 20001, "nickname": "Ada", "sex": "unknown", "age": 0},
    } | more


def heartbeat(interval_ms: int, *, is_online: bool = True) -> dict[str, Any]:
    return {
        "time": 1,
        "self_id": SELF,
        "post_type": "meta_event",
        "meta_event_type": "heartbeat",
        "status": {"online": is_online, "good": is_online},
        "interval": interval_ms,
    }


class Statuses:
    """Every status that the channel told, and a way to wait for one."""

    def __init__(self) -> None:
        self.seen: list[Status] = []
        self._changed = asyncio.Event()

    def note(self, _bot: str, status: Status) -> None:
        self.seen.append(status)
        self._changed.set()

    async def until(self, holds: Callable[[Status], bool]) -> Status:
        while not self.seen or not holds(self.seen[-1]):
            self._changed.clear()
            await self._changed.wait()
        return self.seen[-1]

    async def until_state(self, state: ConnectionState) -> Status:
        return await self.until(lambda status: status.state is state)


class Clock:
    """Real time, and jumps that a test makes; sleepers wake when their time has come."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._jumped = asyncio.Event()

    def __call__(self) -> float:
        return time.time() + self._ahead_s

    async def sleep(self, span_s: float) -> None:
        until_at = self() + span_s
        while (left_s := until_at - self()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._jumped.wait()

    def advance(self, span_s: float) -> None:
        self._ahead_s += span_s
        jumped, self._jumped = self._jumped, asyncio.Event()
        jumped.set()


def ok(data: object = None) -> dict[str, Any]:
    return {"status": "ok", "retcode": 0, "data": data}


def failed(retcode: int, wording: str = "") -> dict[str, Any]:
    return {"status": "failed", "retcode": retcode, "data": None, "wording": wording}


Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Reply = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]


class Peer:
    """An implementation: it says what a test wants, and answers actions from a list.

    What is not in ``answers`` (by the action's name) is taken, under a new message id.
    """

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.calls: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any] | None] = {}  # None: never
        self._ids = count(9001)
        self._called = asyncio.Condition()
        self.ended = asyncio.Event()

    async def say(self, *frames: object) -> None:
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)
            await self.socket.send_str(text)

    async def serve(self) -> None:
        """Answer until the connection ends."""
        async for message in self.socket:
            call = json.loads(message.data)
            async with self._called:
                self.calls.append(call)
                self._called.notify_all()
            taken = call["action"] not in self.answers
            answer = ok({"message_id": next(self._ids)}) if taken else self.answers[call["action"]]
            if answer is not None:
                await self.say(answer | {"echo": call.get("echo")})
        self.ended.set()

    async def until_called(self, action: str, times: int = 1) -> dict[str, Any]:
        """Wait for an action; returns the newest."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.called(action)) >= times)
        return self.called(action)[-1]

    def called(self, action: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["action"] == action]


class Stage:
    """What a test of the channel needs."""

    def __init__(
        self, channel: OneBotChannel, door: RecordingDoor, statuses: Statuses, clock: Clock
    ) -> None:
        self.channel = channel
        self.door = door
        self.statuses = statuses
        self.clock = clock
        self.url = ""

    async def send(self, text: str = "hello", chat: Chat = PRIVATE, **letter: Any) -> Outcome:  # noqa: ANN401 - a letter's fields
        body = self.channel.encode(Content(text), Letter(chat=chat, **letter))
        return await self.channel.perform(Part(verb=Verb.SEND, body=body, key="k"), chat)

    async def recall(self, *ids: str) -> Outcome:
        return await self.channel.perform(Part(verb=Verb.RECALL, message_ids=ids), PRIVATE)


def tools(
    data_dir: Path,
    clock: Callable[[], float] = time.time,
    on_status: Callable[[str, Status], None] = lambda _bot, _status: None,
    **more: Any,  # noqa: ANN401 - fields of the tools
) -> ChannelTools:
    numbers = count(1)
    given: dict[str, Any] = {
        "clock": clock,
        "sleep": clock.sleep if isinstance(clock, Clock) else asyncio.sleep,
        "random": Random(1),
        "new_key": lambda: f"{next(numbers):032x}",
        "http": aiohttp.ClientSession,
        "wakeup": LocalWakeup(),
        "data_dir": data_dir,
        "language": "en",
        "on_status": on_status,
    }
    return ChannelTools(**given | more)


class Book:
    """What the house remembers: chats of an earlier life, and those that came through the door."""

    def __init__(self, *chats: str, door: RecordingDoor | None = None) -> None:
        self._chats = chats
        self._door = door or RecordingDoor()

    async def heard_lately(
        self, bot: str, since_at: float, limit: int = 50
    ) -> tuple[HeardChat, ...]:
        assert bot == "qq"
        now = time.time()
        assert since_at < now
        heard = [event.place.platform_id for event in self._door.events]
        chats = dict.fromkeys((*self._chats, *heard))
        return tuple(HeardChat(chat, ChatKind.PRIVATE, now) for chat in chats)[:limit]


@asynccontextmanager
async def running(
    data_dir: Path,
    options: Mapping[str, object] | None = None,
    **more: Any,  # noqa: ANN401 - fields of the tools
) -> AsyncIterator[Stage]:
    """A bot that runs; its routes are not served."""
    clock, statuses, door = Clock(), Statuses(), RecordingDoor()
    channel = OneBotChannel.build(
        "qq",
        options or {},
        tools(data_dir, clock, statuses.note, **{"reader": Book(door=door)} | more),
    )
    channel.attach(door)
    run = asyncio.ensure_future(channel.run(door))
    try:
        yield Stage(channel, door, statuses, clock)
    finally:
        run.cancel()
        await asyncio.wait({run})
        await channel.close()


@asynccontextmanager
async def serving(*channels: Channel) -> AsyncIterator[str]:
    """The routes of channels on loopback, by the server that the house uses."""
    settings = ServerSettings(port=0)
    listening = listen(settings)
    app = Starlette(routes=[route for channel in channels for route in channel.routes()])
    server = HttpServer(app, settings, listening)
    serve = asyncio.ensure_future(server.serve())
    try:
        yield listening.url.replace("http", "ws", 1)
    finally:
        server.stop()
        for channel in channels:
            await channel.close()
        await serve


@asynccontextmanager
async def reverse(
    data_dir: Path,
    options: Mapping[str, object] | None = None,
    **more: Any,  # noqa: ANN401 - fields of the tools
) -> AsyncIterator[Stage]:
    """A bot that implementations connect to, at ``stage.url``."""
    async with running(data_dir, options, **more) as stage, serving(stage.channel) as url:
        stage.url = url
        yield stage


@asynccontextmanager
async def connected(
    url: str, headers: Mapping[str, str] | None = None, *, path: str = PATH, role: str = "Universal"
) -> AsyncIterator[Peer]:
    """An implementation that has connected to the house."""
    given = {"X-Self-ID": str(SELF), "X-Client-Role": role} | dict(headers or {})
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url + path, headers=given) as socket,
    ):
        peer = Peer(socket)
        serve = asyncio.ensure_future(peer.serve())
        try:
            yield peer
        finally:
            serve.cancel()
            await asyncio.wait({serve})


@asynccontextmanager
async def meeting(
    data_dir: Path,
    options: Mapping[str, object] | None = None,
    **more: Any,  # noqa: ANN401 - fields of the tools
) -> AsyncIterator[tuple[Stage, Peer]]:
    """A bot and an implementation that has connected to it."""
    async with reverse(data_dir, options, **more) as stage, connected(stage.url) as peer:
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        yield stage, peer
