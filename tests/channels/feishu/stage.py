"""A Feishu bot of the house on loopback, in front of a pretended tenant."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from posthouse.channels.channel import ConnectionState, Letter, Part, Status, Verb
from posthouse.channels.feishu.channel import FeishuChannel
from posthouse.model.address import Chat, ChatKind
from posthouse.model.delivery import Kind, Outcome, Sent
from posthouse.model.event import Event, MessageReceived
from posthouse.model.message import Content
from posthouse.simulators.feishu.apps import App, app
from posthouse.simulators.feishu.faults import FaultPlan
from posthouse.simulators.feishu.happenings import Say
from posthouse.simulators.feishu.record import MessageEntry
from posthouse.simulators.feishu.server import FeishuServer
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.testing.recording_door import RecordingDoor
from tests.channels.onebot.stage import Clock, Statuses, serving, tools

APP = app("a")

E = TypeVar("E", bound=Event)


class WatchedClock(Clock):
    """A clock that knows who fell asleep for how long: then something before that is done."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: Counter[float] = Counter()
        self._somebody_sleeps = asyncio.Condition()

    async def sleep(self, span_s: float) -> None:
        self.begun[span_s] += 1
        async with self._somebody_sleeps:
            self._somebody_sleeps.notify_all()
        await super().sleep(span_s)

    async def until_begun(self, span_s: float, times: int = 1) -> None:
        """Wait until so many sleeps of that length have begun."""
        async with self._somebody_sleeps:
            await self._somebody_sleeps.wait_for(lambda: self.begun[span_s] >= times)

    async def until_next(self) -> None:
        """Wait until somebody falls asleep."""
        async with self._somebody_sleeps:
            await self._somebody_sleeps.wait()


class Stage:
    """A bot, the door behind it, and the tenant before it."""

    def __init__(
        self, channel: FeishuChannel, door: RecordingDoor, statuses: Statuses, clock: WatchedClock
    ) -> None:
        self.channel = channel
        self.door = door
        self.statuses = statuses
        self.clock = clock
        self.feishu: FeishuServer
        self._keys = 0

    def new_key(self) -> str:
        self._keys += 1
        return f"{self._keys:032x}"

    # --- what people do ---------------------------------------------------------------------

    async def hear(self, text: str = "hello", person: str = "ada", **more: Any) -> MessageReceived:  # noqa: ANN401 - fields of Say
        """Let somebody say something to the bot in the group; returns it as the house has it."""
        mentions = () if more.get("chat_type") == "p2p" else ("a",)
        said = Say(person=person, text=text, **{"mentions": mentions, **more})
        told = self.feishu.say(said)
        return await self.until_heard(told.message_id or "")

    async def until_heard(self, message_id: str) -> MessageReceived:
        return await self.until(MessageReceived, lambda event: event.message_id == message_id)

    async def until(self, kind: type[E], holds: Any = lambda _: True) -> E:  # noqa: ANN401 - a predicate
        """Wait for an event of a kind."""
        while True:
            for event in self.door.events:
                if isinstance(event, kind) and holds(event):
                    return event
            await self.door.until_accepted(len(self.door.events) + 1)

    async def try_again(self) -> Status:
        """Let the time to the next attempt pass; returns what came of it."""
        seen = self.statuses.seen
        before = len(seen)
        self.clock.advance(61.0)
        return await self.statuses.until(
            lambda status: len(seen) > before and status.state is not ConnectionState.CONNECTING
        )

    # --- what the house does -----------------------------------------------------------------

    async def send(
        self,
        content: Content | str,
        to: MessageReceived,
        *,
        key: str = "",
        kind: Kind = Kind.SEND,
        is_draft: bool = False,
        **letter: Any,  # noqa: ANN401 - a letter's fields
    ) -> Outcome:
        chat = chat_of(to)
        content = Content(content) if isinstance(content, str) else content
        body = self.channel.encode(content, Letter(chat=chat, kind=kind, **letter))
        part = Part(verb=Verb.SEND, body=body, key=key or self.new_key(), is_draft=is_draft)
        return await self.channel.perform(part, chat)

    async def answer(self, content: Content | str, to: MessageReceived, **more: Any) -> Sent:  # noqa: ANN401 - as for send
        outcome = await self.send(content, to, **more)
        assert isinstance(outcome, Sent), outcome
        return outcome

    async def edit(
        self,
        content: Content | str,
        to: MessageReceived,
        sent: Sent,
        *,
        kind: Kind = Kind.SEND,
        is_draft: bool = False,
    ) -> Outcome:
        chat = chat_of(to)
        content = Content(content) if isinstance(content, str) else content
        body = self.channel.encode(content, Letter(chat=chat, kind=kind))
        part = Part(verb=Verb.EDIT, body=body, message_ids=sent.ids, is_draft=is_draft)
        return await self.channel.perform(part, chat)

    async def recall(self, to: MessageReceived, sent: Sent) -> Outcome:
        part = Part(verb=Verb.RECALL, message_ids=sent.ids)
        return await self.channel.perform(part, chat_of(to))

    def shown(self, sent: Sent) -> MessageEntry:
        """Return a message as people see it."""
        entries = {entry.message_id: entry for entry in self.feishu.visible()}
        return entries[sent.ids[0]]


def chat_of(event: Event) -> Chat:
    place = event.place
    return Chat(1 if place.kind is ChatKind.GROUP else 2, place.bot, place.platform_id, place.kind)


@asynccontextmanager
async def opened(
    data_dir: Path,
    *,
    apps: tuple[App, ...] = (APP,),
    settings: TenantSettings | None = None,
    faults: FaultPlan | None = None,
    options: dict[str, object] | None = None,
    **more: Any,  # noqa: ANN401 - fields of the tools
) -> AsyncIterator[Stage]:
    """A bot that runs in front of a tenant, connected."""
    clock, statuses, door = WatchedClock(), Statuses(), RecordingDoor()
    tenant = Tenant(7, apps, clock=clock)
    server = FeishuServer(
        tenant, settings=settings or TenantSettings(), faults=faults, sleep=clock.sleep
    )
    async with server as feishu:
        given: dict[str, object] = {
            "app_id": apps[0].app_id,
            "app_secret": apps[0].app_secret,
            "domain": feishu.address,
        }
        channel = FeishuChannel.build(
            "fs", given | (options or {}), tools(data_dir, clock, statuses.note, **more)
        )
        channel.attach(door)
        stage = Stage(channel, door, statuses, clock)
        stage.feishu = feishu
        run = asyncio.ensure_future(channel.run(door))
        try:
            await statuses.until_state(ConnectionState.CONNECTED)
            yield stage
        finally:
            run.cancel()
            await asyncio.wait({run})
            await channel.close()


@asynccontextmanager
async def by_webhook(
    data_dir: Path,
    *,
    encrypt_key: str = "",
    house_key: str | None = None,
    **more: Any,  # noqa: ANN401 - as for opened
) -> AsyncIterator[Stage]:
    """A bot whose events come by HTTP; ``house_key`` where the house has another key."""
    one = App(
        name="a",
        app_id=APP.app_id,
        app_secret=APP.app_secret,
        bot_name=APP.bot_name,
        encrypt_key=encrypt_key,
        verification_token="token-a",
    )
    options: dict[str, object] = {
        "entrance": "webhook",
        "verification_token": "token-a",
        "encrypt_key": encrypt_key if house_key is None else house_key,
    }
    async with (
        opened(data_dir, apps=(one,), options=options, **more) as stage,
        serving(stage.channel) as url,
    ):
        address = url.replace("ws", "http", 1) + "/webhooks/fs"
        stage.feishu.switches["a"].webhook = address
        stage.feishu.switches["a"].card_webhook = address
        yield stage
