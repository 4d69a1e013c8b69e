"""Settings in, running house out. The only module that names concrete classes."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import secrets
import shutil
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from aiohttp import ClientSession
from starlette.routing import BaseRoute

from posthouse.api.ask import Ask
from posthouse.api.desk import Books
from posthouse.api.messages import Messages
from posthouse.api.pushing import PushBooks, Pushing
from posthouse.api.vitals import BotVitals
from posthouse.channels.catalogue import load as load_channel
from posthouse.channels.channel import Channel, ChannelTools, Inviting, Status
from posthouse.channels.finding import Examined, Finding
from posthouse.gateway.answerers import Answerers
from posthouse.gateway.assistant_orders import AssistantOrders
from posthouse.gateway.bots import Bot, Bots
from posthouse.gateway.connections import Connections
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
from posthouse.gateway.supervisor import Limits, Supervisor
from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.assistant.answering import Answering
from posthouse.handlers.assistant.book import Book
from posthouse.handlers.assistant.calls import Voice
from posthouse.handlers.assistant.errands import Errands
from posthouse.handlers.assistant.finding import Finder
from posthouse.handlers.assistant.gates import Gates
from posthouse.handlers.assistant.handler import Assistant
from posthouse.handlers.assistant.handler import Parts as AssistantParts
from posthouse.handlers.assistant.handover import Handover
from posthouse.handlers.assistant.settings import NO_MODEL, AssistantOptions
from posthouse.handlers.assistant.tools import Tools
from posthouse.handlers.assistant.writing import Writer
from posthouse.handlers.commands.files import Files
from posthouse.handlers.commands.folders import Folders
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.commands.pool import Loaded as LoadedScenes
from posthouse.handlers.commands.pool import Pool
from posthouse.handlers.commands.process import Limits as WorkerLimits
from posthouse.handlers.commands.scenes import Scenes
from posthouse.handlers.commands.settings import CommandsOptions
from posthouse.handlers.demo import Demo
from posthouse.handlers.handler import Handler, Messenger, Resident, Traits
from posthouse.handlers.permissions import Permissions
from posthouse.handlers.trying import Tries
from posthouse.knowledge.embedding import Embedder, Reranker
from posthouse.knowledge.gate import gate
from posthouse.knowledge.library import Library
from posthouse.knowledge.room import ReadingRoom
from posthouse.knowledge.teaching import Teaching
from posthouse.llm.chain import Chain
from posthouse.llm.connection import Line
from posthouse.llm.embeddings import HttpReranker, OpenAiEmbedder
from posthouse.llm.model import Model, Usage
from posthouse.llm.openai_compatible import OpenAiModel
from posthouse.model.errors import OperatorMistake
from posthouse.model.message import Content
from posthouse.model.relay import BotState
from posthouse.model.secret import RetiredSecret
from posthouse.model.turn import Turn
from posthouse.settings.mistakes import section
from posthouse.settings.reload import taken_over
from posthouse.settings.rotation import retired
from posthouse.settings.settings import (
    BotSettings,
    EndpointSettings,
    HandlerSettings,
    ModelSettings,
    Settings,
)
from posthouse.store.media import Shelf
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.store.upkeep import Retention
from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.wakeup import Wakeup

DATABASE = "posthouse.db"
SHARED_NEEDS = ("psycopg", "greenlet")  # of the extra `postgres`
MEDIA = "media"  # files by content, below the data directory
SCRATCH = "scenes"  # temporary files of workers, below the data directory
DAY_S = 86400.0
LEASE_MARGIN_SHARE = 0.2  # of the lease: nothing is begun this close to its end


class Keys:
    """128 random bits at a time, in hex; the system is asked for a few hundred at once."""

    BYTES = 16
    AT_ONCE = 256

    def __init__(self) -> None:
        self._keys: list[str] = []

    def __call__(self) -> str:
        """Return the next one."""
        if not self._keys:
            bits = secrets.token_hex(self.BYTES * self.AT_ONCE)
            step = 2 * self.BYTES
            self._keys = [bits[at : at + step] for at in range(0, len(bits), step)]
        return self._keys.pop()


def _nothing(_: str) -> None:
    return


@dataclass(frozen=True)
class World:
    """What the house takes from outside; tests bring a fake clock and a seed."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: random.Random = field(default_factory=random.SystemRandom)
    new_key: Callable[[], str] = field(default_factory=Keys)
    at: Callable[[str], None] = _nothing  # told at every named point of the road
    http: Callable[[], ClientSession] = ClientSession


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


class Minds:
    """What assistants think with: the library, and the models; nothing is opened before its use."""

    def __init__(self, settings: Settings, world: World, store: SqlStore) -> None:
        self.room = build_reading_room(settings, store, world)
        self.store = store
        self._world = world
        self._models: list[tuple[Mapping[str, ModelSettings], dict[str, Model]]] = []

    def models(self, settings: Settings) -> dict[str, Model]:
        """Return the models of these settings; those of older ones answer until the end."""
        for known, models in self._models:
            if known == settings.models:
                return models
        models = build_models(settings, self._world)
        self._models.append((settings.models, models))
        return models

    async def close(self) -> None:
        """Let go of files and connections."""
        await self.room.close()
        for _, models in self._models:
            for model in models.values():
                await model.close()


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
        settings, world, store = self.settings, self._world, self.store
        await self.wakeup.open()
        for resident in self._residents():
            await resident.open()
        lease_s = settings.gateway.lease_s
        now = world.clock()
        gateway = await store.journal.enter(settings.gateway.name, now, lease_s)
        lease = Lease(gateway, now + lease_s, lease_s * LEASE_MARGIN_SHARE)
        capabilities = {name: bot.capabilities for name, bot in self.bots.items()}
        self.around = Surroundings(
            journal=store.journal,
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
        self._routing = await self._routing_now()
        orders = AssistantOrders(
            self.around, store.chats, store.conduct, store.asked, self._assistants, self._push
        )
        self._operators = Operators(
            self.around, store.chats, store.grants, store.access, lambda: self.inbox, orders
        )
        door = Door(store.grants, self._granted_only, self._operators.ask_about)
        self.inbox = Inbox(
            self.around,
            store.chats,
            store.questions,
            store.reader,
            lambda: self._routing,
            Answerers(door, self._answering),
        )
        self.deliverer = Deliverer(self.around, settings.gateway.sends_max)
        self._answering |= {**self._handlers, **self._control()}
        self._granted_only |= granted_only(settings)
        self.dispatcher = Dispatcher(
            self.around,
            self._answering,
            self.deliverer,
            door,
            settings.gateway.turns_max,
        )
        self.inbox.taker = self.dispatcher
        self.supervisor = Supervisor(
            self.around,
            self.inbox,
            self.dispatcher,
            self.deliverer,
            store.upkeep,
            _limits(settings),
        )
        self.pushing = self._pushing()
        self._list_routes()
        self._reload = Reload(
            self.around,
            self._bots,
            self._answering,
            self.dispatcher,
            self.deliverer,
            self.supervisor,
        )
        self.supervisor.start()
        if self._minds is not None:
            await self._minds.room.open()

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

    async def _push(self, turn: Turn, number: int, chat: int, content: Content) -> None:
        """Say something in another chat in the name of a turn."""
        await self._elsewhere.push(turn, number, chat, content)

    def _assistants(self) -> tuple[str, ...]:
        return tuple(name for name, each in self._handlers.items() if isinstance(each, Assistant))

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

    def _residents(self) -> Iterator[Resident]:
        return (each for each in self._handlers.values() if isinstance(each, Resident))

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
            for name, handler in self._handlers.items()
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
        for bot in self.bots.values():
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


def build_handlers(
    settings: Settings, world: World, permissions: Permissions, minds: Minds | None = None
) -> dict[str, Handler]:
    """Build what answers, by the names that the routes use; assistants need ``minds``.

    Raises:
        OperatorMistake: a handler's kind is unknown, or one of its settings is wrong.
    """
    return {
        name: _handler(name, handler, settings, world, permissions, minds)
        for name, handler in settings.handlers.items()
    }


def _handler(
    name: str,
    handler: HandlerSettings,
    settings: Settings,
    world: World,
    permissions: Permissions,
    minds: Minds | None,
) -> Handler:
    kind = handler.kind or name
    if kind == "commands":
        options = section(CommandsOptions, handler.model_extra or {}, f"handlers.{name}")
        scenes = _scenes(name, options, settings, world, permissions)
        return Commands(settings.words.prefixes, scenes)
    if kind == "assistant" and minds is not None:
        return _assistant(
            name,
            section(AssistantOptions, handler.model_extra or {}, f"handlers.{name}"),
            settings,
            minds,
        )
    if kind == "demo":
        return Demo(handler.model_extra or {})
    raise OperatorMistake(
        f'[handlers.{name}] kind = "{kind}" is not known; choose "assistant", "commands" or "demo"',
        zh=f'[handlers.{name}] 没有 kind = "{kind}"；可选 "assistant"、"commands"、"demo"。',
    )


def _assistant(name: str, options: AssistantOptions, settings: Settings, minds: Minds) -> Assistant:
    """Build what answers from the house's knowledge.

    Raises:
        OperatorMistake: it names a model that is not there.
    """
    store, models = minds.store, minds.models(settings)
    if options.model not in ("", NO_MODEL, *models):
        known = ", ".join(sorted(models)) or "—"
        raise OperatorMistake(
            f'[handlers.{name}] model = "{options.model}" is not in [models]; known: {known}',
            zh=f'[handlers.{name}] model = "{options.model}" 不在 [models] 里；已有：{known}',
        )

    def voice_for(wanted: str | None) -> Voice | None:
        model_name = next(iter(models), "") if wanted is None else wanted
        if model_name not in models:
            return None
        options = settings.models[model_name]
        return Voice(
            model=models[model_name],
            answer_tokens_max=options.answer_tokens_max,
            temperature=options.temperature,
        )

    errands = Errands(Tools({}, store.grants))
    gates = Gates(store.conduct, gate.shipped, gate.load)
    finder = Finder(options, store.documents, minds.room, gates, minds.room.freshen)
    return Assistant(
        name,
        options,
        AssistantParts(
            answering=Answering(options, finder, Writer(options, errands), voice_for),
            errands=errands,
            handover=Handover(name, options.handoff_words, store.conduct, store.grants),
            book=Book(store.asked, _price_of(settings)),
            asked=store.asked,
            conduct=store.conduct,
            chats=store.chats,
            roads=store.reader,
        ),
    )


def _price_of(settings: Settings) -> Callable[[Usage], int]:
    """Return what tells the price of a call, in millionths: prices are of a million tokens."""
    prices = {
        model.model: (model.price_prompt, model.price_answer) for model in settings.models.values()
    }

    def price(used: Usage) -> int:
        prompt, answer = prices.get(used.model, (0.0, 0.0))
        return round(used.prompt_tokens * prompt + used.answer_tokens * answer)

    return price


def build_reading_room(settings: Settings, store: SqlStore, world: World) -> ReadingRoom:
    """Build what knows documents; its indexes are files in the data directory."""
    library = Library(store.documents, settings.data, *_helpers(settings))
    return ReadingRoom(
        store.documents,
        library,
        world.clock,
        world.sleep,
        settings.language,
        settings.knowledge,
        teaching=Teaching(store.documents, store.asked, store.conduct, library.find, world.clock),
    )


def _helpers(settings: Settings) -> tuple[Embedder | None, Reranker | None]:
    """Build what helps the search where an operator has named it."""
    embedding, reranking = settings.embedding, settings.reranking
    return (
        OpenAiEmbedder("embedding", embedding.model, _line(embedding)) if embedding else None,
        HttpReranker("reranking", reranking.model, _line(reranking)) if reranking else None,
    )


def build_models(settings: Settings, world: World) -> dict[str, Model]:
    """Build the language models, each with those that answer in its place."""
    single = {name: _model(name, model) for name, model in settings.models.items()}
    return {
        name: Chain(
            (single[name], *(single[other] for other in model.fallbacks if other != name)),
            retries_max=model.retries_max,
            calls_max=model.calls_max,
            sleep=world.sleep,
        )
        for name, model in settings.models.items()
    }


def _model(name: str, model: ModelSettings) -> Model:
    return OpenAiModel(
        name,
        model.model,
        _line(model),
        sees_pictures=model.sees_pictures,
        prompt_tokens_max=model.prompt_tokens_max,
    )


def _line(endpoint: EndpointSettings) -> Line:
    return Line(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        within_s=endpoint.within_s,
        proxy=endpoint.proxy,
        ca_file=endpoint.ca_file,
    )


def _scenes(
    name: str,
    options: CommandsOptions,
    settings: Settings,
    world: World,
    permissions: Permissions,
) -> Scenes | None:
    """Build what runs the house's own commands; None where it has none."""
    if not (options.scene_dirs or options.public_dirs):
        return None
    scratch = settings.data / SCRATCH / f"{name}-{world.new_key()}"  # its successor has another
    pool = Pool(
        Folders(options.scene_dirs, options.public_dirs),
        scratch,
        WorkerLimits(
            memory_bytes_max=options.memory_bytes_max,
            output_bytes_max=options.output_bytes_max,
            variables_hidden=settings.secret_variables,
        ),
        options.workers_max,
        world.new_key,
    )
    return Scenes(
        pool,
        permissions,
        Files(
            Shelf(settings.data / MEDIA),
            options.file_bytes_max,
            sent_from=(scratch, *options.scene_dirs, *options.public_dirs, Path.cwd()),
            kept_in=settings.data,
        ),
        special=options.special,
        give_up_s=options.give_up_s,
        new_key=world.new_key,
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


def build_channels(
    settings: Settings, world: World, store: SqlStore, wakeup: Wakeup
) -> dict[str, Channel]:
    """Build the channels of all bots, by the bots' names.

    Raises:
        OperatorMistake: a channel is unknown, or one of its settings is wrong.
    """
    build = _channel_builder(world, store, wakeup)
    return {name: build(name, settings, ()) for name in settings.bots}


def _channel_builder(
    world: World, store: SqlStore, wakeup: Wakeup
) -> Callable[[str, Settings, tuple[RetiredSecret, ...]], Channel]:
    connections = Connections(wakeup)

    def build(name: str, settings: Settings, retired: tuple[RetiredSecret, ...]) -> Channel:
        bot = settings.bots[name]
        tools = ChannelTools(
            clock=world.clock,
            sleep=world.sleep,
            random=world.random,
            new_key=world.new_key,
            http=world.http,
            wakeup=wakeup,
            data_dir=settings.data,
            language=bot.language or settings.language,
            rooms=store.rooms,
            reader=store.reader,
            host=settings.server.host,
            public_url=settings.server.public_url,
            retired=retired,
            on_status=connections.changed,
        )
        return load_channel(bot.channel).build(name, bot.model_extra or {}, tools)

    return build


async def examined(name: str, settings: Settings) -> AsyncIterator[Finding]:
    """Yield what a bot's platform says about it; nothing where the channel cannot look.

    Raises:
        OperatorMistake: the bot's options are wrong.
    """
    if not issubclass(cast("type", load_channel(settings.bots[name].channel)), Examined):
        return
    channel = alone(name, settings)
    assert isinstance(channel, Examined)
    try:
        async for finding in channel.examine():
            yield finding
    finally:
        await channel.close()


def alone(
    name: str,
    settings: Settings,
    world: World | None = None,
    on_status: Callable[[str, Status], None] = lambda _bot, _status: None,
) -> Channel:
    """Build one bot outside a house, without a book: to look around, not to serve.

    Raises:
        OperatorMistake: the bot's options are wrong.
    """
    bot, world = settings.bots[name], world or World()
    tools = ChannelTools(
        clock=world.clock,
        sleep=world.sleep,
        random=world.random,
        new_key=world.new_key,
        http=world.http,
        wakeup=LocalWakeup(),
        data_dir=settings.data,
        language=settings.language,
        host=settings.server.host,
        public_url=settings.server.public_url,
        on_status=on_status,
    )
    return load_channel(bot.channel).build(name, bot.model_extra or {}, tools)


def database_of(settings: Settings) -> Path:
    """Return where the book lies: in the data directory, unless ``store.url`` says otherwise."""
    path = settings.store.url.removeprefix("sqlite:///")
    return Path(path) if path else settings.data / DATABASE


def open_store(settings: Settings, world: World | None = None) -> SqlStore:
    """Open the book where ``store.url`` says.

    Raises:
        OperatorMistake: the database cannot be used as it is.
    """
    world = world or World()
    if not settings.store.is_shared:
        return SqliteStore.open(database_of(settings), at=world.at, clock=world.clock)
    needs_postgres()
    from posthouse.store.postgres.store import PostgresStore

    return PostgresStore.open(settings.store.url, at=world.at, clock=world.clock)


def books_of(store: SqlStore) -> Books:
    """Return the parts of a store that operators' tools work on."""
    return Books(
        store.journal,
        store.reader,
        store.chats,
        store.holding,
        store.upkeep,
        store.grants,
        store.access,
    )


def _wakeup(settings: Settings) -> Wakeup:
    if not settings.store.is_shared:
        return LocalWakeup()
    from posthouse.wakeup.postgres import PostgresWakeup

    return PostgresWakeup(settings.store.url)


def needs_postgres() -> None:
    """Make sure that what only shared databases need is installed.

    Raises:
        OperatorMistake: it is not.
    """
    missing = [name for name in SHARED_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise OperatorMistake(
            f'PostgreSQL needs {" and ".join(missing)}: pip install "posthouse[postgres]"',
            zh=f'使用 PostgreSQL 需要 {"、".join(missing)}：pip install "posthouse[postgres]"',
        )


def build_house(settings: Settings, world: World | None = None) -> House:
    """Build a house that is ready to be opened; its book is opened here.

    Raises:
        OperatorMistake: the database, a bot or a handler cannot be used as it is.
    """
    world = world or World()
    store = open_store(settings, world)
    minds = Minds(settings, world, store)
    handlers = build_handlers(settings, world, store.grants, minds)
    wakeup = _wakeup(settings)
    builders = Builders(
        channel=_channel_builder(world, store, wakeup),
        handler=lambda name, new: _handler(
            name, new.handlers[name], new, world, store.grants, minds
        ),
    )
    channels = {name: builders.channel(name, settings, ()) for name in settings.bots}
    shutil.rmtree(settings.data / SCRATCH, ignore_errors=True)  # what a killed house has left
    return House(settings, world, store, wakeup, handlers, channels, builders, minds)


def invitation(settings: Settings, name: str, expires_s: float) -> str:
    """Return a link that lets somebody talk with the bot ``name``; the house need not run.

    Args:
        settings: the house's.
        name: a bot that lets people in by links.
        expires_s: how long the link is good; 0 for the bot's usual time.

    Raises:
        OperatorMistake: there is no such bot, or it lets nobody in by links.
    """
    bots = {name: settings.bots[name]} if name in settings.bots else {}
    alone = settings.model_copy(update={"bots": bots})
    built = build_channels(alone, World(), open_memory_store(), LocalWakeup())
    channel: object = built.get(name)
    if not isinstance(channel, Inviting):
        raise OperatorMistake(
            f"[bots.{name}] is no bot that lets people in by links; name one with"
            ' channel = "web" by --bot.',
            zh=f'[bots.{name}] 不能用链接邀请人；请用 --bot 指定 channel = "web" 的机器人。',
        )
    return channel.join_link(expires_s=expires_s)
