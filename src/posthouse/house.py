"""The running house: everything that was built, opened and closed in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import BaseRoute

from posthouse.api.ask import Ask
from posthouse.api.messages import Messages
from posthouse.api.pushing import PushBooks, Pushing
from posthouse.api.vitals import BotVitals
from posthouse.channels.channel import Channel
from posthouse.gateway.answerers import Answerers
from posthouse.gateway.assistant_orders import AssistantOrders
from posthouse.gateway.bots import Bot, Bots
from posthouse.gateway.control import Away, Control, RecallReport
from posthouse.gateway.deliverer import Deliverer
from posthouse.gateway.dispatcher import Dispatcher
from posthouse.gateway.door import Door
from posthouse.gateway.elsewhere import Elsewhere
from posthouse.gateway.housekeeping import Room
from posthouse.gateway.inbox import Inbox
from posthouse.gateway.lease import Lease
from posthouse.gateway.operators import Operators
from posthouse.gateway.pace import Pace
from posthouse.gateway.pusher import Pusher
from posthouse.gateway.reload import Reload, Renewal
from posthouse.gateway.router import (
    AWAY,
    CONTROL,
    OPERATORS,
    RECALL_REPORT,
    Routing,
    default_rules,
)
from posthouse.gateway.stop_button import StopButtons
from posthouse.gateway.supervisor import Limits, Supervisor
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.assistant.handler import Assistant
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.commands.pool import Loaded as LoadedScenes
from posthouse.handlers.handler import Handler, Messenger, Resident, Traits
from posthouse.handlers.trying import Tries
from posthouse.knowledge.room import ReadingRoom
from posthouse.model.relay import BotState
from posthouse.model.secret import RetiredSecret
from posthouse.settings.reload import taken_over
from posthouse.settings.rotation import retired
from posthouse.settings.settings import (
    BotSettings,
    Settings,
)
from posthouse.store.media import Shelf
from posthouse.store.sql.store import SqlStore
from posthouse.store.upkeep import Retention
from posthouse.wakeup.wakeup import Wakeup
from posthouse.world import World

MEDIA = "media"  # files by content, below the data directory
DAY_S = 86400.0
LEASE_MARGIN_SHARE = 0.2  # of the lease: nothing is begun this close to its end


class TraitsNow(Mapping[str, Traits]):
    """How each handler's turns are run: as it is now, since scenes come and go."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    def __getitem__(self, name: str) -> Traits:
        return self._handlers[name].traits

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)


@dataclass(frozen=True)
class Builders:
    """How bots and handlers are built when settings change; both raise ``OperatorMistake``."""

    channel: Callable[[str, Settings, tuple[RetiredSecret, ...]], Channel]
    handler: Callable[[str, Settings], Handler]


class Minds(Protocol):
    """What assistants think with, as far as the house opens and closes it."""

    @property
    def room(self) -> ReadingRoom:
        """Where documents are read and searched."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class House:
    """Everything that runs, opened and closed in order."""

    def __init__(  # noqa: PLR0913, PLR0917 - what bootstrap builds, one of each
        self,
        settings: Settings,
        world: World,
        store: SqlStore,
        wakeup: Wakeup,
        handlers: Mapping[str, Handler],
        channels: Mapping[str, Channel],
        builders: Builders | None = None,
        minds: Minds | None = None,
    ) -> None:
        self._minds = minds
        self.settings = settings
        self.store = store
        self.wakeup = wakeup
        self._world = world
        self.started_at = world.clock()
        self.is_stopping = False
        self._builders = builders
        self._bots = {
            name: _bot(name, settings, channel)
            for name, channel in channels.items()
            if name in settings.bots
        }
        self.bots: Bots = self._bots
        self._handlers = dict(handlers)
        self._retired: dict[str, tuple[RetiredSecret, ...]] = {}
        self._routes: list[BaseRoute] = []
        self._answering: dict[str, Handler] = {}  # the handlers, and those of the house itself
        self._granted_only: set[str] = set()
        self._routing: Routing
        self._operators: Operators
        self._reload: Reload
        self.around: Surroundings
        self.inbox: Inbox
        self.dispatcher: Dispatcher
        self.deliverer: Deliverer
        self.supervisor: Supervisor
        self.pushing: Pushing
        self._elsewhere: Elsewhere

    # --- opening ------------------------------------------------------------------------------

    async def open(self) -> None:
        """Enter the book as a gateway, build the road and start to run it."""
        await self.wakeup.open()
        for resident in self._residents():
            await resident.open()
        self.around = self._surroundings(await self._lease())
        self._routing = await self._routing_now()
        self._build_road()
        self.pushing = self._pushing()
        self._list_routes()
        self.supervisor.start()
        if self._minds is not None:
            await self._minds.room.open()

    async def _lease(self) -> Lease:
        lease_s, now = self.settings.gateway.lease_s, self._world.clock()
        gateway = await self.store.journal.enter(self.settings.gateway.name, now, lease_s)
        return Lease(gateway, now + lease_s, lease_s * LEASE_MARGIN_SHARE)

    def _surroundings(self, lease: Lease) -> Surroundings:
        world = self._world
        capabilities = {name: bot.capabilities for name, bot in self.bots.items()}
        return Surroundings(
            journal=self.store.journal,
            wakeup=self.wakeup,
            bots=self.bots,
            lease=lease,
            pace=Pace(capabilities, world.clock),
            clock=world.clock,
            sleep=world.sleep,
            new_key=world.new_key,
            is_held=self._is_held,
            at=world.at,
        )

    def _build_road(self) -> None:
        """Build the parts in the order in which a message meets them."""
        around, store, limits = self.around, self.store, self.settings.gateway
        orders = AssistantOrders(around, store.chats, store.conduct, store.asked, self._assistants)
        self._operators = Operators(
            around, store.chats, store.grants, store.access, lambda: self.inbox, orders
        )
        door = Door(store.grants, self._granted_only, self._operators.ask_about)
        self.inbox = Inbox(
            around,
            store.chats,
            store.questions,
            store.reader,
            lambda: self._routing,
            Answerers(door, self._answering, StopButtons(store.questions, store.grants)),
        )
        self._answering |= {**self._handlers, **self._control()}
        self._granted_only |= granted_only(self.settings)
        self.deliverer = Deliverer(around, limits.sends_max)
        self.dispatcher = Dispatcher(
            around, self._answering, self.deliverer, door, limits.turns_max
        )
        self.inbox.taker = self.dispatcher
        road = self.dispatcher, self.deliverer
        self.supervisor = Supervisor(
            around, self.inbox, *road, store.upkeep, _limits(self.settings)
        )
        self._reload = Reload(around, self._bots, self._answering, *road, self.supervisor)

    def _pushing(self) -> Pushing:
        store, settings, clock = self.store, self.settings, self._world.clock
        pusher = Pusher(self.around, store.chats, store.pushes, store.reader, lambda: self.is_full)
        self._elsewhere = Elsewhere(pusher, store.pushes, store.chats, clock)
        self._introduce(self._handlers.values())
        books = PushBooks(store.chats, store.pushes, Shelf(settings.data / MEDIA))
        return Pushing(books, pusher, self._handlers, clock, settings.server.upload_bytes_max)

    def _introduce(self, handlers: Iterable[Handler]) -> None:
        """Show handlers the way to other chats than the one that asks."""
        for each in handlers:
            if isinstance(each, Messenger):
                each.push_by(self._elsewhere.push)

    def _assistants(self) -> tuple[str, ...]:
        return tuple(name for name, each in self._handlers.items() if isinstance(each, Assistant))

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what answers, by name, as it is at each moment."""
        return self._handlers

    @property
    def room(self) -> ReadingRoom:
        """Where knowledge is kept and searched."""
        assert self._minds is not None, "this house was built by hand"
        return self._minds.room

    async def _routing_now(self) -> Routing:
        settings = self.settings
        traits = TraitsNow(self._handlers)
        house = await self.store.holding.house()
        return Routing(
            rules=settings.routes or default_rules(settings.words, traits),
            words=settings.words,
            traits=traits,
            language=settings.language,
            snapshot_at=house.snapshot_at,
        )

    async def _is_held(self) -> bool:
        return (await self.store.holding.house()).is_held

    def _residents(self) -> tuple[Resident, ...]:
        return tuple(each for each in self._handlers.values() if isinstance(each, Resident))

    def _control(self) -> Mapping[str, Handler]:
        operators = self._operators
        return {
            CONTROL: Control(
                self.around, self.store.chats, self.store.access, self.settings.words, operators
            ),
            OPERATORS: operators,
            RECALL_REPORT: RecallReport(self.around),
            AWAY: Away(lambda: self.inbox, self.bots),
        }

    # --- while it runs --------------------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        """Return the HTTP routes of all channels as they are now."""
        return self._routes

    def _list_routes(self) -> None:
        self._routes = [route for bot in self.bots.values() for route in bot.channel.routes()]

    async def reload(self, wanted: Settings) -> None:
        """Work with other settings from now on; what was accepted before stays as it was routed.

        Bots and handlers are built anew only where something of theirs has changed.

        Raises:
            OperatorMistake: one of them cannot be built; nothing has changed then.
        """
        assert self._builders is not None, "this house was built by hand"
        new = taken_over(self.settings, wanted)
        retired = self._retired_by(new)
        renewal = self._renewal(new, retired, self._builders)
        self._introduce(renewal.handlers.values())
        await self._reload.switch(renewal)
        self.settings, self._retired = new, retired
        self._handlers |= renewal.handlers
        for name in renewal.handlers_gone:
            self._handlers.pop(name, None)
        self._answering |= self._control()
        self._granted_only.clear()
        self._granted_only |= granted_only(new)
        self._routing = await self._routing_now()
        self._list_routes()
        if self._minds is not None:
            await self._minds.room.settle(new.knowledge)

    def broken_scenes(self) -> tuple[str, ...]:
        """Return the scenes that do not load, by name."""
        commands = (each for each in self._handlers.values() if isinstance(each, Commands))
        return tuple(name for each in commands for name in each.broken_scenes)

    async def reload_scenes(self) -> dict[str, LoadedScenes]:
        """Read the scenes again; returns what each handler that has some found."""
        return {
            name: await handler.reload()
            for name, handler in tuple(self._handlers.items())  # which may change meanwhile
            if isinstance(handler, Commands) and handler.has_scenes
        }

    def _retired_by(self, new: Settings) -> dict[str, tuple[RetiredSecret, ...]]:
        old, now = self.settings.bots, self._world.clock()
        return {
            name: retired(
                old[name].model_extra or {}, bot.model_extra or {}, self._retired.get(name, ()), now
            )
            for name, bot in new.bots.items()
            if name in old
        }

    def _renewal(
        self,
        new: Settings,
        retired: Mapping[str, tuple[RetiredSecret, ...]],
        builders: Builders,
    ) -> Renewal:
        old = self.settings
        bots = [
            name
            for name in new.bots
            if name not in old.bots or _look(old, name) != _look(new, name)
        ]
        handlers = [
            name
            for name, handler in new.handlers.items()
            if old.handlers.get(name) != handler
            or old.words != new.words
            or old.secret_variables != new.secret_variables
            or (old.models != new.models and name in self._assistants())
        ]
        return Renewal(
            bots={
                name: _bot(name, new, builders.channel(name, new, retired.get(name, ())))
                for name in bots
            },
            bots_gone=tuple(name for name in old.bots if name not in new.bots),
            handlers={name: builders.handler(name, new) for name in handlers},
            handlers_gone=tuple(name for name in old.handlers if name not in new.handlers),
        )

    def tries(self) -> Mapping[str, Tries]:
        """Return the handlers that answer questions, as they are now."""
        return {name: each for name, each in self._handlers.items() if isinstance(each, Tries)}

    def asking(self) -> Ask:
        """Return the door for scripts that ask."""
        return Ask(self.tries, self.store.chats, self.store.access, self._world.clock)

    def messages(self) -> Messages:
        """Return the door for scripts that push."""
        world = self._world
        return Messages(self.pushing, self.store.access, world.clock, world.new_key)

    def relayed(self) -> tuple[BotState, ...]:
        """Return nothing: houses keep for nobody."""
        return ()

    @property
    def has_lease(self) -> bool:
        """Whether this process may work on lanes."""
        return self.around.lease.holds_at(self._world.clock())

    @property
    def is_full(self) -> bool:
        """Whether the store is above its quota."""
        return self.inbox.room.is_full

    def vitals_of_bots(self) -> tuple[BotVitals, ...]:
        """Return every bot with the state of its connection."""
        kinds = self.settings.bots
        return tuple(
            BotVitals(name=name, channel=kinds[name].channel, status=bot.channel.status)
            for name, bot in self.bots.items()
        )

    def totals(self) -> Mapping[tuple[str, str], float]:
        """Return what was counted since the start."""
        return dict(self.around.tally)

    # --- closing ----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Stop reading, let running work end within the time allowed, close the book."""
        self.is_stopping = True
        self.pushing.close()
        await self.supervisor.stop(self.settings.gateway.stop_within_s)
        await self._reload.close()
        for bot in tuple(self.bots.values()):
            await bot.channel.close()
        for resident in self._residents():
            await resident.close()
        if self._minds is not None:
            await self._minds.close()
        await self.wakeup.close()
        await self.store.close()


def _bot(name: str, settings: Settings, channel: Channel) -> Bot:
    bot = settings.bots[name]
    return Bot(name, channel, bot.language or settings.language, bot.send_only)


def _look(settings: Settings, name: str) -> tuple[BotSettings, str]:
    """Return everything that a bot's channel is built from."""
    bot = settings.bots[name]
    return bot, bot.language or settings.language


def granted_only(settings: Settings) -> frozenset[str]:
    """Return the handlers that answer only who was allowed."""
    return frozenset(
        name for name, handler in settings.handlers.items() if handler.access == "granted"
    )


def _limits(settings: Settings) -> Limits:
    return Limits(lease_s=settings.gateway.lease_s, room=room_of(settings))


def room_of(settings: Settings) -> Room:
    """Return how much the store may take, and how long it remembers."""
    store = settings.store
    return Room(
        quota_bytes=store.quota_bytes,
        retention=Retention(
            messages_s=store.keep_messages_days * DAY_S,
            seen_s=store.keep_seen_days * DAY_S,
            raw_s=store.keep_raw_days * DAY_S,
        ),
    )
