"""Feishu and Lark: one app as one bot, over the long connection or a webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import structlog
from msgspec import Struct
from starlette.routing import BaseRoute

from posthouse.channels import relay_line
from posthouse.channels.channel import (
    ChannelTools,
    ConnectionState,
    Door,
    Inlet,
    Letter,
    Part,
    Status,
    Verb,
)
from posthouse.channels.feishu import codec, outgoing
from posthouse.channels.feishu.bundles import Bundles
from posthouse.channels.feishu.client import CallFailed, Client
from posthouse.channels.feishu.codec import Identity
from posthouse.channels.feishu.examination import Examination, connections_of
from posthouse.channels.feishu.growing import Cards
from posthouse.channels.feishu.history import GAP_S_MAX, missed_in
from posthouse.channels.feishu.long_connection import (
    ANSWER_PRESSES_WITHIN_S,
    POLICY,
    LongConnection,
)
from posthouse.channels.feishu.messages import Messages
from posthouse.channels.feishu.names import Names
from posthouse.channels.feishu.outpost import FeishuOutpost
from posthouse.channels.feishu.places import Places
from posthouse.channels.feishu.settings import FeishuOptions, OutpostOptions, webhook_path
from posthouse.channels.feishu.uploads import Uploads
from posthouse.channels.feishu.webhook import Webhook, secrets_of
from posthouse.channels.finding import Finding
from posthouse.channels.keep_connected import BadCredentials, Pulse, keep_connected
from posthouse.channels.options import read_options
from posthouse.channels.relay_client import RelayClient
from posthouse.channels.relay_line import RelayLine, holder_of
from posthouse.model.address import Chat, Entrance
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent, Outcome
from posthouse.model.errors import PosthouseError, TryLater
from posthouse.model.event import Event
from posthouse.model.message import Content, Media
from posthouse.store.media import Shelf

MEDIA_FOLDER = "media"
LOOK_FOR_OTHERS_AFTER_S = 20.0  # an earlier connection of our own may still be counted until then
FILL_FIRST_S = 30.0  # then live reading begins beside it

log = structlog.get_logger("posthouse.feishu")


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncGenerator[asyncio.Task[None]]:
    """Let something run while something else does, and no longer."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Bot(Struct, frozen=True):
    open_id: str = ""
    app_name: str = ""


class _BotAnswer(Struct, frozen=True):
    bot: _Bot = _Bot()


class FeishuChannel:
    """One app."""

    def __init__(self, name: str, options: FeishuOptions, tools: ChannelTools) -> None:
        self._name = name
        self._options = options
        self._tools = tools
        self._capabilities = options.capabilities()
        self._status = Status(state=ConnectionState.OFF, since_at=tools.clock())
        self._me: Identity | None = None  # known after the platform was asked
        secrets = secrets_of(options.encrypt_key, options.verification_token, tools.retired)
        path = webhook_path(name, options.webhook_path)
        self._webhook = Webhook(path, secrets, options.body_bytes_max, self._keep, tools.clock)
        self._door: Door | None = None
        self._open: _Open | None = None

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> FeishuChannel:
        """Build the bot ``name``.

        Raises:
            OperatorMistake: a key of the options is wrong.
        """
        return cls(name, read_options(FeishuOptions, name, options), tools)

    @classmethod
    def build_outpost(
        cls, name: str, options: Mapping[str, object], tools: ChannelTools, inlet: Inlet
    ) -> FeishuOutpost:
        """Build what stands on a relay for the bot ``name``.

        Raises:
            OperatorMistake: a key of the options is wrong, or a secret to speak with.
        """
        return FeishuOutpost(name, read_options(OutpostOptions, name, options), tools, inlet)

    def __repr__(self) -> str:
        return f"FeishuChannel({self._name}: {self._options.app_id}, {self._status.state})"

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def status(self) -> Status:
        return self._status

    # --- in -----------------------------------------------------------------------------

    def attach(self, door: Door) -> None:
        self._door = door

    def routes(self) -> Sequence[BaseRoute]:
        return (self._webhook.route(),) if self._options.entrance == "webhook" else ()

    async def _keep(self, payload: bytes) -> bytes | None:
        """Write what a webhook brought into the book; returns what a press shows."""
        door, came_at = self._door, self._tools.clock()
        if door is None:
            raise TryLater
        events = await self._decode((payload,))
        if not events:
            return None
        if not codec.is_callback(payload):
            await door.accept(events, Entrance.WEBHOOK)
            return None
        left_s = came_at + ANSWER_PRESSES_WITHIN_S - self._tools.clock()
        shown = await door.answer(events, Entrance.WEBHOOK, max(0.0, left_s))
        if shown is not None:
            await door.answered(events, is_written=True)  # a toast that nobody sees is no loss
        return shown

    async def run(self, door: Door) -> None:
        tools, line = self._tools, self._opened.relay_line
        await keep_connected(
            partial(self._hold, door=door) if line is None else partial(self._fetch, line, door),
            POLICY if line is None else relay_line.POLICY,
            tools.clock,
            tools.sleep,
            tools.random,
            self._note,
        )

    async def _hold(self, pulse: Pulse, door: Door) -> None:
        """Learn who the bot is, then hold the connection; a webhook needs none."""
        await self._learn_who_i_am()
        async with self._filling_the_gap(door):
            if self._options.entrance == "long_connection":
                async with _beside(self._look_for_others()):
                    await self._line.connect_and_read(pulse, door)
                return
            pulse.connected()
            while True:
                await self._tools.sleep(POLICY.idle_s / 2)
                pulse.heard()

    async def _fetch(self, line: RelayLine, door: Door, pulse: Pulse) -> None:
        """Fetch from the relay; what it never got is asked for once nothing waits there."""
        await self._learn_who_i_am()
        is_drained = asyncio.Event()

        async def fill() -> None:
            await is_drained.wait()
            await self._fill_the_gap(door)

        async with _beside(fill()):
            await line.connect_and_read(pulse, door, is_drained.set)

    @asynccontextmanager
    async def _filling_the_gap(self, door: Door) -> AsyncGenerator[None]:
        """Ask for what was missed, before live reading begins if that takes no longer than this."""
        async with _beside(self._fill_the_gap(door)) as filling:
            await asyncio.wait({filling}, timeout=FILL_FIRST_S)
            yield

    async def _look_for_others(self) -> None:
        """Say when other programs take part of the messages: each goes to one connection only."""
        await self._tools.sleep(LOOK_FOR_OTHERS_AFTER_S)
        try:
            count = await connections_of(self._client)
        except (PosthouseError, aiohttp.ClientError, TimeoutError, OSError):
            return
        if count > 1:
            log.warning("feishu_shared", bot=self._name, count=count)

    async def _fill_the_gap(self, door: Door) -> None:
        reader, me, now = self._tools.reader, self._me, self._tools.clock()
        if reader is None or me is None:
            return
        chats, bundles = (
            await reader.heard_lately(self._name, now - GAP_S_MAX),
            self._opened.bundles,
        )
        count = 0
        try:
            for chat in chats:
                async for missed in missed_in(chat, self._client, me, now):
                    events = [each for each in await bundles.opened(missed) if each is not None]
                    receipts = await door.accept(events, Entrance.LONG_CONNECTION)
                    count += sum(receipts.new)
        except CallFailed as problem:
            log.warning("no_history", bot=self._name, problem=str(problem))
        except (BadCredentials, TryLater, aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.warning("history_cut", bot=self._name, problem=type(problem).__name__)
        if count:
            log.info("gap_filled", bot=self._name, count=count, chats=len(chats))

    async def _learn_who_i_am(self) -> None:
        """Ask for the bot's own open_id: only a mention of that one addresses it."""
        if self._me is None:
            bot = (await self._client.get("/bot/v3/info", _BotAnswer)).bot
            if not bot.open_id:
                raise CallFailed("Feishu knows no bot for this app: enable its bot feature.")
            self._me = Identity(bot=self._name, app_id=self._options.app_id, open_id=bot.open_id)
            log.info("feishu_bot", bot=self._name, name=bot.app_name)

    async def _decode(self, payloads: Sequence[bytes]) -> Sequence[Event]:
        """Read payloads; what is deliberately ignored is left out.

        Raises:
            TryLater: nobody knows yet who the bot is, so nobody can say whom a mention means.
        """
        if self._me is None:
            raise TryLater
        now, here = self._tools.clock(), self._opened
        events = [codec.decode(payload, self._me, now) for payload in payloads]
        placed = await here.bundles.opened(await here.places.completed(events))
        return [here.names.with_names(event) for event in placed if event is not None]

    def _note(self, status: Status) -> None:
        self._status = status
        self._tools.on_status(self._name, status)

    async def examine(self) -> AsyncIterator[Finding]:
        """Look at the app with calls that change nothing; see ``examination``."""
        tools = self._tools
        url = tools.public_url
        webhook = f"{url.rstrip('/')}{self._webhook.path}" if url else ""
        opened = self._opened
        if opened.relay is not None:
            async for finding in relay_line.examine(opened.relay, self._relay_name, tools.clock):
                yield finding
        looking = Examination(self._name, self._client, self._options, webhook)
        async for finding in looking.findings():
            yield finding

    async def download(self, media: Media) -> AsyncIterator[bytes]:
        async for chunk in self._client.download(media.ref):
            yield chunk

    # --- out ----------------------------------------------------------------------------

    def encode(self, content: Content, letter: Letter) -> bytes:
        return outgoing.encode(content, letter)

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:  # noqa: ARG002 - callbacks show no messages
        return None

    def encode_toast(self, text: str) -> bytes:
        return outgoing.toast(text)

    async def perform(self, part: Part, chat: Chat) -> Outcome:  # noqa: ARG002 - the body knows where
        if part.verb in {Verb.EDIT, Verb.RECALL} and not part.message_ids:
            return NotSent("no_platform_id", is_final=True)
        return await self._opened.messages.perform(part)

    async def close(self) -> None:
        if self._open is not None:
            await self._open.names.close()
            await self._open.client.close()
            if self._open.relay is not None:
                await self._open.relay.close()

    # --- made when first needed: sessions belong to the event loop ------------------------

    @property
    def _opened(self) -> _Open:
        if self._open is None:
            self._open = self._opening()
        return self._open

    @property
    def _client(self) -> Client:
        return self._opened.client

    @property
    def _line(self) -> LongConnection:
        return self._opened.line

    def _opening(self) -> _Open:
        tools, options = self._tools, self._options
        client = Client(tools.http(), options, tools.clock)
        names = Names(client)
        uploads = Uploads(client, Shelf(tools.data_dir / MEDIA_FOLDER))
        line = LongConnection(client, self._decode, tools.clock, tools.sleep, options.silence_s)
        messages = Messages(client, Cards(client, tools.clock), uploads)
        relay = self._relay()
        return _Open(
            client=client,
            names=names,
            places=Places(client),
            bundles=Bundles(client, names),
            line=line,
            messages=messages,
            relay=relay,
            relay_line=None if relay is None else self._line_to(relay),
        )

    def _relay(self) -> RelayClient | None:
        options = self._options
        if options.entrance != "relay" or options.relay is None:
            return None
        return RelayClient(self._tools.http, options.relay)

    def _line_to(self, relay: RelayClient) -> RelayLine:
        tools = self._tools
        holder = holder_of(tools.data_dir, tools.new_key)
        return RelayLine(self._relay_name, holder, relay, self._decode, tools.clock)

    @property
    def _relay_name(self) -> str:
        """What the relay calls the bot."""
        relay = self._options.relay
        return (relay.bot if relay else "") or self._name


class LarkChannel(FeishuChannel):
    """The same outside China: another domain, and nothing else."""

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> FeishuChannel:
        """Build the bot ``name``.

        Raises:
            OperatorMistake: a key of the options is wrong.
        """
        return super().build(name, {"domain": "lark", **options}, tools)


class _Open(Struct, frozen=True, kw_only=True):
    """What belongs to the event loop."""

    client: Client
    names: Names
    places: Places
    bundles: Bundles
    line: LongConnection
    messages: Messages
    relay: RelayClient | None = None
    relay_line: RelayLine | None = None
