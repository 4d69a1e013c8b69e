"""The probe: a channel for every class of platform, against the platform that ``simulate`` runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from starlette.routing import BaseRoute

from posthouse.channels.channel import (
    ChannelTools,
    ConnectionState,
    Door,
    Letter,
    Part,
    Status,
    Verb,
)
from posthouse.channels.keep_connected import Policy, Pulse, keep_connected
from posthouse.channels.options import read_options
from posthouse.model.address import Chat
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent, Outcome, Unknown
from posthouse.model.event import Event
from posthouse.model.message import Content, Media
from posthouse.testing.probe import codec
from posthouse.testing.probe.client import Client
from posthouse.testing.probe.long_connection import LongConnection
from posthouse.testing.probe.settings import ProbeClass, ProbeOptions
from posthouse.testing.probe.webhook import Identity, Webhook


class ProbeChannel:
    """One probe bot."""

    def __init__(self, name: str, options: ProbeOptions, tools: ChannelTools) -> None:
        self._name = name
        self._options = options
        self._tools = tools
        self._capabilities = options.capabilities()
        self._status = Status(state=ConnectionState.OFF, since_at=tools.clock())
        self._bot_id = options.bot_id or f"bot-{options.bot or name}"
        self._webhook = Webhook(self._identity(), tools.clock)
        self._open_client: Client | None = None
        self._open_line: LongConnection | None = None

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> ProbeChannel:
        """Build the bot ``name``.

        Raises:
            OperatorMistake: a key of the options is wrong.
        """
        return cls(name, read_options(ProbeOptions, name, options), tools)

    def __repr__(self) -> str:
        return f"ProbeChannel({self._name}: {self._options.kind}, {self._status.state})"

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def status(self) -> Status:
        return self._status

    # --- in -----------------------------------------------------------------------------

    def attach(self, door: Door) -> None:
        self._webhook.attach(door)

    def routes(self) -> Sequence[BaseRoute]:
        return () if self._options.has_long_connection else (self._webhook.route(),)

    async def run(self, door: Door) -> None:
        if not self._options.has_long_connection:
            await asyncio.Event().wait()
        await keep_connected(
            partial(self._read, door=door),
            Policy(),
            self._tools.clock,
            self._tools.sleep,
            self._tools.random,
            self._note,
        )

    async def _read(self, pulse: Pulse, door: Door) -> None:
        await self._line.connect_and_read(pulse, door)

    def decode(self, payload: bytes) -> Event:
        """Read one envelope; bytes that make no sense become ``Undecodable``."""
        return codec.decode(payload, self._name, self._bot_id, self._tools.clock())

    def _note(self, status: Status) -> None:
        self._status = status
        self._tools.on_status(self._name, status)

    # --- out ----------------------------------------------------------------------------

    def encode(self, content: Content, letter: Letter) -> bytes:
        return codec.encode(content, letter)

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:  # noqa: ARG002 - the response needs no address
        return codec.encode_slot(content) if self._capabilities.slot_s else None

    async def perform(self, part: Part, chat: Chat) -> Outcome:
        refusal = self._refusal(part)
        if refusal is not None:
            return refusal
        try:
            call = codec.to_call(
                part, chat.platform_id, chooses_id=self._capabilities.can_overwrite
            )
        except codec.UNREADABLE:
            return NotSent("refused_by_platform bad_request", is_final=True)
        if self._options.kind is ProbeClass.CONNECTION:
            return await self._line.perform(call)
        return await self._client.perform(call)

    def _refusal(self, part: Part) -> Outcome | None:
        """Say what the bot cannot do, without troubling the platform."""
        if part.verb in {Verb.EDIT, Verb.RECALL} and not part.message_ids:
            return NotSent("no_platform_id", is_final=True)
        if part.verb is Verb.LOOK_UP and not self._capabilities.can_look_up:
            return Unknown("cannot_look_up")  # never NotSent: that would mean "it is not there"
        return None

    async def download(self, media: Media) -> AsyncIterator[bytes]:
        async for chunk in self._client.download(media.ref, self._options.body_bytes_max):
            yield chunk

    async def close(self) -> None:
        if self._open_client is not None:
            await self._open_client.close()

    # --- made when first needed: sessions belong to the event loop ------------------------

    @property
    def _client(self) -> Client:
        if self._open_client is None:
            options = self._options
            self._open_client = Client(
                self._tools.http(),
                options.base_url,
                options.bot or self._name,
                options.token.get_secret_value(),
                options.answer_within_s,
            )
        return self._open_client

    @property
    def _line(self) -> LongConnection:
        if self._open_line is None:
            within_s = self._options.answer_within_s
            self._open_line = LongConnection(self._client, self.decode, within_s)
        return self._open_line

    def _identity(self) -> Identity:
        return Identity(
            name=self._name,
            bot_id=self._bot_id,
            secret=self._options.secret.get_secret_value().encode(),
            retired=tuple(
                (each.value.encode(), each.until_at)
                for each in self._tools.retired
                if each.name == "secret"
            ),
            body_bytes_max=self._options.body_bytes_max,
            slot_s=self._capabilities.slot_s,
        )
