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
from msgspec import Struct
from starlette.applications import Starlette

from posthouse.channels.channel import ChannelTools, ConnectionState, Letter, Part, Status, Verb
from posthouse.model.address import Chat, ChatKind
from posthouse.model.delivery import Outcome
from posthouse.model.message import Content
from posthouse.simulators.probe.faults import FaultSettings
from posthouse.testing.probe.channel import ProbeChannel
from posthouse.testing.recording_door import RecordingDoor
from posthouse.wakeup.local import LocalWakeup
from tests.unit.simulators.scene import Scene, open_scene

CLASSES = ("keyed", "lookup", "overwrite", "none", "slot", "connection")
HTTP_CLASSES = tuple(name for name in CLASSES if name != "connection")
CHAT = Chat(1, "a", "c-1", ChatKind.GROUP)


class Stage:
    """What a test of the probe channel needs."""

    def __init__(self, channel: ProbeChannel, scene: Scene, door: RecordingDoor) -> None:
        self.channel = channel
        self.scene = scene
        self.door = door

    def part(self, verb: Verb, text: str = "hello", key: str = "k1", *ids: str) -> Part:
        letter = Letter(chat=CHAT)
        body = self.channel.encode(Content(text), letter) if verb in {Verb.SEND, Verb.EDIT} else b""
        return Part(verb=verb, body=body, key=key, message_ids=ids)

    async def send(self, text: str = "hello", key: str = "k1") -> Outcome:
        return await self.channel.perform(self.part(Verb.SEND, text, key), CHAT)

    async def amend(self, verb: Verb, *ids: str, text: str = "") -> Outcome:
        return await self.channel.perform(self.part(verb, text, "", *ids), CHAT)

    async def look_up(self, key: str) -> Outcome:
        return await self.channel.perform(self.part(Verb.LOOK_UP, key=key), CHAT)

    def texts(self) -> list[str]:
        return self.scene.texts()

    def copies(self) -> list[int]:
        return [message.copies for message in self.scene.platform.ledger().messages]


class Statuses(Struct, frozen=True):
    """Waits for a state of the connection."""

    changed: asyncio.Condition
    seen: list[Status]

    async def until(self, state: ConnectionState) -> Status:
        async with self.changed:
            await self.changed.wait_for(lambda: bool(self.seen) and self.seen[-1].state is state)
            return self.seen[-1]


def tools(
    clock: Callable[[], float], on_status: Callable[[str, Status], None] = lambda *_: None
) -> ChannelTools:
    numbers = count(1)
    return ChannelTools(
        clock=clock,
        sleep=asyncio.sleep,
        random=Random(1),
        new_key=lambda: f"{next(numbers):032x}",
        http=aiohttp.ClientSession,
        wakeup=LocalWakeup(),
        data_dir=Path("unused"),
        on_status=on_status,
    )


def options(name: str, address: str, **more: object) -> Mapping[str, object]:
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
    name: str, faults: FaultSettings | None = None, **more: object
) -> AsyncIterator[Stage]:
    """The bot ``a`` of a class, connected where the class needs it."""
    async with open_scene(faults) as scene, open_bot(name, scene, **more) as stage:
        yield stage


@asynccontextmanager
async def open_bot(name: str, scene: Scene, **more: object) -> AsyncIterator[Stage]:
    statuses = Statuses(asyncio.Condition(), [])
    notes: list[asyncio.Task[None]] = []

    async def note(status: Status) -> None:
        async with statuses.changed:
            statuses.seen.append(status)
            statuses.changed.notify_all()

    def on_status(_bot: str, status: Status) -> None:
        notes.append(asyncio.ensure_future(note(status)))

    lent = tools(scene.clock, on_status)
    channel = ProbeChannel.build("a", options(name, scene.server.address, **more), lent)
    door = RecordingDoor()
    channel.attach(door)
    running = asyncio.ensure_future(channel.run(door))
    try:
        if not channel.routes():
            await statuses.until(ConnectionState.CONNECTED)
        yield Stage(channel, scene, door)
    finally:
        running.cancel()
        await asyncio.wait({running})
        await channel.close()
        await asyncio.gather(*notes)


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
