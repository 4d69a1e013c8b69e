"""A probe bot of any class between the simulated platform and a door that remembers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random

import aiohttp
import uvicorn
from starlette.applications import Starlette

from posthouse.channels.channel import ChannelTools, ConnectionState, Letter, Part, Status, Verb
from posthouse.model.address import Chat, ChatKind
from posthouse.model.delivery import Outcome
from posthouse.model.message import Content
from posthouse.simulators.probe.faults import FaultSettings
from posthouse.testing.probe.channel import ProbeChannel
from posthouse.testing.recording_door import RecordingDoor
from posthouse.wakeup.local import LocalWakeup
from tests.unit.simulators.scene import Clock, Scene, open_scene

CLASSES = ("keyed", "lookup", "overwrite", "none", "slot", "connection")
HTTP_CLASSES = tuple(name for name in CLASSES if name != "connection")
CHAT = Chat(1, "a", "c-1", ChatKind.GROUP)


class Statuses:
    """Every status that the channel told, and a way to wait for the next."""

    def __init__(self) -> None:
        self.seen: list[Status] = []
        self._changed = asyncio.Event()

    def note(self, _bot: str, status: Status) -> None:
        self.seen.append(status)
        self._changed.set()

    async def until(self, state: ConnectionState) -> Status:
        while not self.seen or self.seen[-1].state is not state:
            self._changed.clear()
            await self._changed.wait()
        return self.seen[-1]


class Stage:
    """What a test of the probe channel needs."""

    def __init__(
        self,
        channel: ProbeChannel,
        scene: Scene,
        statuses: Statuses,
        running: asyncio.Task[None],
        door: RecordingDoor,
    ) -> None:
        self.channel = channel
        self.scene = scene
        self.statuses = statuses
        self.door = door
        self._running = running

    async def send(self, text: str = "hello", key: str = "k1") -> Outcome:
        return await self.perform(Verb.SEND, self._body(text), key=key)

    async def amend(self, verb: Verb, *ids: str, text: str = "") -> Outcome:
        body = self._body(text) if verb is Verb.EDIT else b""
        return await self.perform(verb, body, ids=ids)

    async def look_up(self, key: str) -> Outcome:
        return await self.perform(Verb.LOOK_UP, key=key)

    async def perform(
        self, verb: Verb, body: bytes = b"", *, key: str = "", ids: tuple[str, ...] = ()
    ) -> Outcome:
        part = Part(verb=verb, body=body, key=key, message_ids=ids)
        return await self.channel.perform(part, CHAT)

    def _body(self, text: str) -> bytes:
        return self.channel.encode(Content(text), Letter(chat=CHAT))

    def texts(self) -> list[str]:
        """What the chat shows."""
        return self.scene.texts()

    async def stop(self) -> None:
        """Let go of the connection; calls can still be made."""
        self._running.cancel()
        await asyncio.wait({self._running})

    async def until_asleep(self, span_s: float) -> None:
        """Wait until the platform waits for so long before it answers."""
        clock = self.scene.clock
        while span_s not in [span for _, span, _ in clock._sleepers]:
            clock._somebody_fell_asleep.clear()
            await clock._somebody_fell_asleep.wait()


def tools(
    clock: Clock, on_status: Callable[[str, Status], None] = lambda _bot, _status: None
) -> ChannelTools:
    numbers = count(1)
    return ChannelTools(
        clock=clock,
        sleep=clock.sleep,
        random=Random(1),
        new_key=lambda: f"{next(numbers):032x}",
        http=aiohttp.ClientSession,
        wakeup=LocalWakeup(),
        data_dir=Path("unused"),
        on_status=on_status,
    )


def options(name: str, address: str, **more: str | float) -> Mapping[str, object]:
    given: dict[str, object] = {
        "class": name,
        "base_url": address,
        "bot": name,
        "token": f"{name}-token",
        "secret": f"{name}-secret",
    }
    return given | more


@asynccontextmanager
async def open_stage(
    name: str, faults: FaultSettings | None = None, **more: str | float
) -> AsyncIterator[Stage]:
    """The bot ``a`` of a class, connected where the class needs it."""
    async with open_scene(faults) as scene, open_bot(name, scene, **more) as stage:
        if not stage.channel.routes():
            await stage.statuses.until(ConnectionState.CONNECTED)
        yield stage


@asynccontextmanager
async def open_bot(name: str, scene: Scene, **more: str | float) -> AsyncIterator[Stage]:
    """The bot ``a`` of a class, however far it has come with its connection."""
    statuses = Statuses()
    lent = tools(scene.clock, statuses.note)
    channel = ProbeChannel.build("a", options(name, scene.server.address, **more), lent)
    door = RecordingDoor()
    channel.attach(door)
    running = asyncio.ensure_future(channel.run(door))
    stage = Stage(channel, scene, statuses, running, door)
    try:
        yield stage
    finally:
        await stage.stop()
        await channel.close()


@asynccontextmanager
async def serving(channel: ProbeChannel) -> AsyncIterator[str]:
    """The channel's routes on loopback; gives their address."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=list(channel.routes()))
    config = uvicorn.Config(app, log_level="critical", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listening])
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await server.shutdown([listening])
