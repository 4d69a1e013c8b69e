"""A whole house on a store in memory, a scripted platform and virtual time.

::

    @simulated
    async def test_an_echo() -> None:
        house = await opened()
        await house.say("hello")
        await house.quiet()
        assert await house.texts() == ("re hello",)

The platform and the book outlive the house: ``crash`` lets the process die at this instant (what
it does afterwards reaches neither), ``open`` starts the next one on the same book. With ``dies_at``
it dies by itself when it comes to a named point of the store or of the road.
"""

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from dataclasses import field as later
from itertools import count
from random import Random
from typing import Any, ParamSpec, Protocol, cast

from posthouse.channels.channel import Channel, Part
from posthouse.cli.crash_at import SEND_POINTS
from posthouse.gateway.inbox import BotDoor
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.handler import Handler, Traits, TurnContext
from posthouse.house import Builders, House
from posthouse.model.action import Action, Send
from posthouse.model.address import Chat, ChatKind, Entrance
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Outcome
from posthouse.model.event import Event, MessageReceived
from posthouse.model.message import Content
from posthouse.model.reasons import REASONS
from posthouse.model.turn import Turn
from posthouse.settings.settings import (
    BotSettings,
    GatewaySettings,
    RouteRule,
    Settings,
    StoreSettings,
    WordsSettings,
)
from posthouse.store.reader import Road
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.testing.clock import run_simulated
from posthouse.testing.null_channel import CAPABILITIES, Answer, ScriptedChannel
from posthouse.wakeup.local import LocalWakeup
from posthouse.world import World
from tests.house.people import BOT, ROOM, place, said

QUIET_S = 120.0  # long enough for every back-off and doubt that a scenario meets

Handle = Callable[[Turn, TurnContext], AsyncGenerator[Action]]


class Scripted:
    """A handler that does what a test says."""

    def __init__(self, handle: Handle, **traits: Any) -> None:  # noqa: ANN401 - fields of Traits
        self.traits = Traits(**traits)
        self._handle = handle
        self.seen: list[str] = []  # the words of every turn, in the order they were begun

    def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        self.seen.append(turn.text)
        return self._handle(turn, context)


class OpenBook(Protocol):
    """How a house gets its book."""

    def __call__(
        self, *, at: Callable[[str], None], clock: Callable[[], float], new_key: Callable[[], str]
    ) -> SqlStore: ...


open_book: OpenBook = open_memory_store  # another test puts other books here


async def echo(turn: Turn, _: TurnContext) -> AsyncGenerator[Action]:
    yield Send(Content(f"re {turn.text}"))


def thinking(seconds: float) -> Handle:
    """Answer after a while."""

    async def handle(turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        await context.sleep(seconds)
        yield Send(Content(f"re {turn.text}"))

    return handle


class Died(BaseException):
    """The process ends here: no code of the house may catch it."""


class Life:
    """One process: while it lives, what it does has effect; ``troubles`` may refuse a call."""

    def __init__(self, troubles: Callable[[str], Awaitable[None]]) -> None:
        self.is_over = False
        self._troubles = troubles
        self._tasks: set[asyncio.Task[Any]] = set()

    async def begin(self, opening: Coroutine[Any, Any, None]) -> None:
        """Open a house; every task that it starts, and those that they start, are of this life."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(_remembering)
        context = copy_context()
        context.run(_LIFE.set, self)
        await loop.create_task(opening, context=context)

    def end(self) -> None:
        """Die: nothing of this life has any effect from now on."""
        self.is_over = True
        for task in tuple(self._tasks):
            task.cancel()

    def remember(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def allow(self, call: str) -> None:
        if not self.is_over:
            await self._troubles(call)
        if self.is_over:
            await asyncio.Event().wait()  # the dead make no calls


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


def _remembering(
    loop: asyncio.AbstractEventLoop,
    work: Any,  # noqa: ANN401 - a coroutine; the loop's own type says more than we need
    *,
    context: Context | None = None,
) -> "asyncio.Task[Any]":
    """Make a task that belongs to the life in whose context it is started."""
    task = asyncio.Task(work, loop=loop, context=context)
    life = context[_LIFE] if context is not None and _LIFE in context else _LIFE.get()
    if life is not None:
        life.remember(task)
    return task


class Mortal:
    """A part of the world, as one process sees it."""

    def __init__(self, inner: object, life: Life) -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands in for anything
        found = getattr(self._inner, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*args: object, **named: object) -> object:
            await self._life.allow(name)
            token = _LIFE.set(self._life)  # also for people who call from outside
            result: object = None
            try:
                with suppress(Died):
                    result = await found(*args, **named)
            finally:
                _LIFE.reset(token)
            if self._life.is_over:
                await asyncio.Event().wait()
            return result

        return call


class MortalStore:
    """The book, as one process sees it."""

    journal: Any  # and the others; each stands for a protocol of the store

    def __init__(self, store: SqlStore, life: Life) -> None:
        for part in (
            "journal",
            "chats",
            "questions",
            "holding",
            "upkeep",
            "reader",
            "rooms",
            "grants",
            "access",
            "pushes",
            "documents",
            "asked",
            "conduct",
        ):
            setattr(self, part, Mortal(getattr(store, part), life))

    async def close(self) -> None:
        """The next process opens the same book."""


class MortalChannel:
    """A bot, as one process drives it: what it says after its death does not leave the machine."""

    def __init__(self, channel: ScriptedChannel, life: Life) -> None:
        self._channel = channel
        self._life = life

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands in for a channel
        return getattr(self._channel, name)

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        await self._life.allow("perform")
        return await self._channel.perform(part, chat)


@dataclass
class HouseKit:
    """See the module; ``opened`` makes one."""

    bots: dict[str, ScriptedChannel]
    handlers: dict[str, Handler]
    settings: Settings
    random: Random
    store: SqliteStore = later(init=False)  # or what stands in for it
    life: Life = later(init=False)
    mortal: MortalStore = later(init=False)  # the book, as this process sees it
    house: House = later(init=False)
    wakeup: LocalWakeup = later(init=False)
    troubles: Callable[[str], Awaitable[None]] | None = None
    builders: Builders | None = None  # for a house whose settings change
    dies_at: str = ""  # a named point of the store or of the road
    passes: int = 0  # how often it comes there before
    died: asyncio.Event = later(init=False)  # this process has come to that point
    _lives: list[Life] = later(default_factory=list)
    skew_s: float = 0.0  # how far the house's clock is off

    def __post_init__(self) -> None:
        numbers = count(1)
        book = open_book(at=self._at, clock=self.clock, new_key=lambda: f"{next(numbers):032x}")
        self.store = cast("SqliteStore", book)

    def clock(self) -> float:
        """The house's clock."""
        return asyncio.get_running_loop().time() + self.skew_s

    # --- the process ------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the house."""
        self.life = Life(self._trouble)
        self._lives.append(self.life)  # the dead wait for ever, and must not be collected
        self.wakeup = LocalWakeup()
        self.died = asyncio.Event()
        self.mortal = MortalStore(self.store, self.life)
        self.house = House(
            self.settings,
            self._world(),
            cast("SqlStore", self.mortal),
            self.wakeup,
            self.handlers,
            {
                name: cast("Channel", MortalChannel(bot, self.life))
                for name, bot in self.bots.items()
            },
            self.builders,
        )
        await self.life.begin(self.house.open())

    async def crash(self) -> None:
        """Let the process die at this instant."""
        self.life.end()
        await asyncio.sleep(0)

    async def restart(self) -> None:
        """Crash, and start again."""
        await self.crash()
        await self.open()

    async def close(self) -> None:
        """Stop gracefully."""
        await self.house.close()

    def _world(self) -> World:
        return World(
            clock=self.clock,
            random=self.random,
            new_key=lambda: f"{self.random.getrandbits(128):032x}",
            at=self._at,
        )

    def _at(self, point: str) -> None:
        life = _LIFE.get()
        if point != self.dies_at or life is not self.life or life.is_over:
            return
        self.passes -= 1
        if self.passes < 0:
            self.dies_at = ""
            life.is_over = True
            self.died.set()
            if point not in SEND_POINTS:  # there, the next call to the platform or the store ends
                raise Died

    async def _trouble(self, call: str) -> None:
        if self.troubles is not None:
            await self.troubles(call)

    # --- people -----------------------------------------------------------------------------

    async def accept(self, *events: Event) -> tuple[int, ...]:
        """Let the platform hand over what people did; returns the numbers of the events."""
        door: BotDoor = self.house.inbox.door(self.house.bots[events[0].place.bot])
        receipts = await door.accept(events, Entrance.WEBHOOK)
        return receipts.events

    async def say(self, text: str, **details: Any) -> MessageReceived:  # noqa: ANN401 - of ``said``
        """Somebody says something now, in a group and to the bot unless told otherwise."""
        message = said(text, at=details.pop("at", self.clock()), **details)
        await self.accept(message)
        return message

    async def quiet(self, seconds: float = QUIET_S) -> None:
        """Let the house do whatever it does in that time."""
        await asyncio.sleep(seconds)

    # --- what is to be seen -----------------------------------------------------------------

    async def chat(self, room: str = ROOM, bot: str = BOT) -> Chat:
        kind = ChatKind.PRIVATE if room.startswith("private") else ChatKind.GROUP
        return await self.store.chats.resolve(place(room, bot, kind), self.clock())

    async def texts(self, room: str = ROOM, bot: str = BOT) -> tuple[str, ...]:
        """What the chat shows, in order."""
        return self.bots[bot].texts((await self.chat(room, bot)).id)

    async def road(self, message: Event) -> Road:
        """What became of an event."""
        chat = await self.chat(message.place.platform_id, message.place.bot)
        for road in await self.store.reader.recent(chat.id, 10_000):
            if road.event.key == message.key:
                return road
        raise AssertionError(f"{message.key} is not in the book")

    async def reason(self, message: Event) -> str:
        """With which reason a message ended: the turn's, or its own."""
        road = await self.road(message)
        return road.event.reason or (road.turn.reason if road.turn else "")

    async def check(self) -> None:
        """Hold the book to what is always true when nothing is left to do."""
        assert await self.store.upkeep.check() == ()
        for chat in await self.store.chats.list():
            for road in await self.store.reader.recent(chat.id, 10_000):
                reason = road.event.reason or (road.turn.reason if road.turn else "")
                assert reason.partition(" ")[0] in REASONS, road
                for row in road.deliveries:
                    assert row.delivery.reason.partition(" ")[0] in {"", *REASONS}, row


P = ParamSpec("P")


def simulated(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **named: P.kwargs) -> None:
        run_simulated(test(*args, **named))

    return run


def closed(
    *,
    can: Capabilities = CAPABILITIES,
    script: Iterable[Answer | Exception | None] = (),
    handler: Handler | None = None,
    handlers: Mapping[str, Handler] | None = None,
    bots: Mapping[str, ScriptedChannel] | None = None,
    routes: tuple[RouteRule, ...] = (),
    words: WordsSettings | None = None,
    gateway: GatewaySettings | None = None,
    store: StoreSettings | None = None,
    seed: int = 1,
) -> HouseKit:
    """Make a house that is not open yet."""
    channels = dict(bots) if bots is not None else {BOT: ScriptedChannel(script, can)}
    answering = handlers or {"demo": handler or Scripted(echo)}
    settings = Settings(
        language="en",
        bots={name: BotSettings(channel="scripted") for name in channels},
        words=words or WordsSettings(),
        gateway=gateway or GatewaySettings(),
        store=store or StoreSettings(),
    )
    settings = settings.model_copy(update={"routes": routes})
    everything: dict[str, Handler] = {"commands": Commands(settings.words.prefixes), **answering}
    return HouseKit(channels, everything, settings, Random(seed))


async def opened(**choices: Any) -> HouseKit:  # noqa: ANN401 - those of ``closed``
    """Make a house and open it."""
    house = closed(**choices)
    await house.open()
    return house
