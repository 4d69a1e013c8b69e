"""Settings in, running house out. The only module that names concrete classes."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from posthouse.api.desk import Books
from posthouse.channels.catalogue import load as load_channel
from posthouse.channels.channel import Channel, ChannelTools, Inviting, Status
from posthouse.channels.finding import Examined, Finding
from posthouse.gateway.connections import Connections
from posthouse.handlers.assistant.answering import Answering
from posthouse.handlers.assistant.book import Book
from posthouse.handlers.assistant.calls import Voice
from posthouse.handlers.assistant.errands import Errands
from posthouse.handlers.assistant.finding import Finder
from posthouse.handlers.assistant.gates import Gates
from posthouse.handlers.assistant.handler import Assistant
from posthouse.handlers.assistant.handler import Parts as AssistantParts
from posthouse.handlers.assistant.handover import Handover
from posthouse.handlers.assistant.lent import LentTool, reference
from posthouse.handlers.assistant.purses import Purses
from posthouse.handlers.assistant.settings import NO_MODEL, AssistantOptions
from posthouse.handlers.assistant.tools import Tool, Tools
from posthouse.handlers.assistant.writing import Writer
from posthouse.handlers.commands.files import Files
from posthouse.handlers.commands.folders import Folders
from posthouse.handlers.commands.handler import Commands
from posthouse.handlers.commands.pool import Pool
from posthouse.handlers.commands.process import Limits as WorkerLimits
from posthouse.handlers.commands.scenes import Scenes
from posthouse.handlers.commands.settings import CommandsOptions
from posthouse.handlers.demo import Demo
from posthouse.handlers.handler import Handler
from posthouse.handlers.lending import Lender
from posthouse.handlers.permissions import Permissions
from posthouse.house import MEDIA, Builders, House
from posthouse.knowledge.embedding import Embedder, Reranker
from posthouse.knowledge.gate import gate
from posthouse.knowledge.library import Library
from posthouse.knowledge.room import ReadingRoom
from posthouse.knowledge.sources.grounds import Grounds
from posthouse.knowledge.teaching import Teaching
from posthouse.llm.chain import Chain
from posthouse.llm.connection import Line
from posthouse.llm.embeddings import HttpReranker, OpenAiEmbedder
from posthouse.llm.model import Model
from posthouse.llm.openai_compatible import OpenAiModel
from posthouse.llm.prices import price_of
from posthouse.model.errors import OperatorMistake
from posthouse.model.secret import RetiredSecret
from posthouse.settings.mistakes import section
from posthouse.settings.settings import (
    EndpointSettings,
    HandlerSettings,
    ModelSettings,
    Settings,
)
from posthouse.store.media import Shelf
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore, open_memory_store
from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.wakeup import Wakeup
from posthouse.world import World

DATABASE = "posthouse.db"
SHARED_NEEDS = ("psycopg", "greenlet")  # of the extra `postgres`
SCRATCH = "scenes"  # temporary files of workers, below the data directory


class Minds:
    """What assistants think with: the library, and the models; nothing is opened before its use."""

    def __init__(self, settings: Settings, world: World, store: SqlStore) -> None:
        self.room = build_reading_room(settings, store, world)
        self.store = store
        self._world = world
        self.handlers: Mapping[str, Handler] = {}  # of the house, as they are at each moment
        self._models: list[tuple[Mapping[str, ModelSettings], dict[str, Model]]] = []

    def models(self, settings: Settings) -> dict[str, Model]:
        """Return the models of these settings; those of older ones answer until the end."""
        for known, models in self._models:
            if known == settings.models:
                return models
        models = build_models(settings, self._world)
        self._models.append((settings.models, models))
        return models

    def lender(self, name: str) -> Lender | None:
        """Return what lends the commands of a handler, as it is now."""
        handler = self.handlers.get(name)
        return handler.lending if isinstance(handler, Commands) else None

    async def close(self) -> None:
        """Let go of files and connections."""
        await self.room.close()
        for _, models in self._models:
            for model in models.values():
                await model.close()


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
    if has_commands(name, handler):
        options = section(CommandsOptions, handler.model_extra or {}, f"handlers.{name}")
        scenes = _scenes(name, options, settings, world, permissions)
        is_granted_only = handler.access == "granted"
        return Commands(settings.words.prefixes, scenes, is_granted_only=is_granted_only)
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
    _demand_model(name, options.model, models)
    errands = Errands(Tools(_tools(name, options, settings, minds), store.grants))
    writer, voice_for = Writer(options, errands), partial(_voice, settings, models)
    gates = Gates(store.conduct, gate.shipped, gate.load)
    finder = Finder(options, store.documents, minds.room, gates, minds.room.freshen)
    price = price_of(settings.models)
    return Assistant(
        name,
        options,
        AssistantParts(
            answering=Answering(options, finder, writer, voice_for),
            errands=errands,
            handover=Handover(name, options.handoff_words, store.conduct, store.grants),
            book=Book(store.asked),
            documents=store.documents,
            purses=Purses(name, store.asked, price, options.trial_tokens_per_day),
            asked=store.asked,
            conduct=store.conduct,
            chats=store.chats,
            roads=store.reader,
        ),
    )


def _demand_model(name: str, wanted: str, models: Mapping[str, Model]) -> None:
    if wanted in ("", NO_MODEL, *models):
        return
    known = ", ".join(sorted(models)) or "—"
    raise OperatorMistake(
        f'[handlers.{name}] model = "{wanted}" is not in [models]; known: {known}',
        zh=f'[handlers.{name}] model = "{wanted}" 不在 [models] 里；已有：{known}',
    )


def _voice(settings: Settings, models: Mapping[str, Model], wanted: str | None) -> Voice | None:
    """Return the model that answers: the one that is wanted, the first where none is named."""
    name = next(iter(models), "") if wanted is None else wanted
    if name not in models:
        return None
    options = settings.models[name]
    return Voice(
        model=models[name],
        answer_tokens_max=options.answer_tokens_max,
        temperature=options.temperature,
    )


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
        grounds=Grounds(settings.data, settings.source_roots),
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


def _tools(
    name: str, options: AssistantOptions, settings: Settings, minds: Minds
) -> dict[str, Tool]:
    """Build the functions of an assistant: commands, looked for where they are at that moment.

    Raises:
        OperatorMistake: a setting names a handler that has no commands.
    """
    wanted = tuple(map(reference, options.tools))
    for each in wanted:
        if (other := settings.handlers.get(each.handler)) and has_commands(each.handler, other):
            continue
        raise OperatorMistake(
            f'[handlers.{name}] tools: "{each.handler}" is no handler of the kind "commands"',
            zh=f'[handlers.{name}] tools："{each.handler}" 不是 kind = "commands" 的处理程序。',
        )
    return {each.name: LentTool(each, partial(minds.lender, each.handler)) for each in wanted}


@asynccontextmanager
async def commands_alone(
    settings: Settings, names: Collection[str]
) -> AsyncIterator[Mapping[str, Lender]]:
    """Load the commands of some handlers outside a house: to look at them, not to run them.

    Raises:
        OperatorMistake: one of the settings is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="posthouse-") as folder:
        apart = settings.model_copy(update={"data": Path(folder)})
        world, store = World(), open_memory_store()
        async with AsyncExitStack() as opened:
            opened.push_async_callback(store.close)
            lenders: dict[str, Lender] = {}
            for name in names:
                handler = apart.handlers.get(name)
                if handler is None or not has_commands(name, handler):
                    continue
                commands = _handler(name, handler, apart, world, store.grants, None)
                assert isinstance(commands, Commands)
                opened.push_async_callback(commands.close)
                await commands.open()
                if commands.lending is not None:
                    lenders[name] = commands.lending
            yield lenders


def has_commands(name: str, handler: HandlerSettings) -> bool:
    """Whether a handler of this name is one of the kind ``commands``."""
    return (handler.kind or name) == "commands"


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
        tools = replace(
            channel_tools(name, settings, world, wakeup),
            rooms=store.rooms,
            reader=store.reader,
            retired=retired,
            on_status=connections.changed,
        )
        return _channel(name, settings, tools)

    return build


def _channel(name: str, settings: Settings, tools: ChannelTools) -> Channel:
    bot = settings.bots[name]
    return load_channel(bot.channel).build(name, bot.model_extra or {}, tools)


def channel_tools(name: str, settings: Settings, world: World, wakeup: Wakeup) -> ChannelTools:
    """Return what any bot is lent when it is built, without a book."""
    return ChannelTools(
        clock=world.clock,
        sleep=world.sleep,
        random=world.random,
        new_key=world.new_key,
        http=world.http,
        wakeup=wakeup,
        data_dir=settings.data,
        language=settings.bots[name].language or settings.language,
        host=settings.server.host,
        public_url=settings.server.public_url,
    )


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
    tools = channel_tools(name, settings, world or World(), LocalWakeup())
    return _channel(name, settings, replace(tools, on_status=on_status))


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
    house = House(settings, world, store, wakeup, handlers, channels, builders, minds)
    minds.handlers = house.handlers
    return house


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
