"""The web as a channel: what the road says a room has, and what a room says the road has.

A delivery *is* the row in the room, keyed by the delivery's key, so a repeat finds itself and no
answer is ever shown twice, whatever instant the process died at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import structlog
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
from posthouse.channels.options import read_options
from posthouse.channels.web import codec
from posthouse.channels.web.chat import Chat
from posthouse.channels.web.codec import DraftGrown, TypingNow
from posthouse.channels.web.crypto import Signer, read_key
from posthouse.channels.web.errands import Errands
from posthouse.channels.web.live import Live
from posthouse.channels.web.pages import Pages
from posthouse.channels.web.routes import routes
from posthouse.channels.web.settings import ANSWER_CHARS_MAX, CHOICES_MAX, WebOptions
from posthouse.channels.web.visitors import Visitors, is_loopback
from posthouse.model.address import Chat as RoadChat
from posthouse.model.capabilities import Capabilities, DraftKind
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.model.message import Content, Media
from posthouse.store.media import Shelf
from posthouse.store.rooms import BOT, NewMessage

KEY_FILE = "web.key"
MEDIA_FOLDER = "media"
ERRANDS_EACH_S = 15.0  # what a crash or a full house left over is told again this often
SWEEP_EACH_S = 3600.0
UPLOADS_KEPT_S = 86400.0  # a file that was brought and not sent
_SWEEP_BATCH = 200

CAPABILITIES = Capabilities(
    resend_key_window_s=1e9,  # the key is the row's own: it is good as long as the room is
    can_edit=True,
    can_recall=True,
    draft=DraftKind.MESSAGE,
    has_draft_buttons=True,
    text_max=ANSWER_CHARS_MAX,
    choices_max=CHOICES_MAX,
    has_markdown=True,
    has_media=True,
)

log = structlog.get_logger()


class WebChannel:
    """One web bot: its rooms, its pages, and its side of the road."""

    def __init__(self, chat: Chat, tools: ChannelTools) -> None:
        self._chat = chat
        self._tools = tools
        # Its pages are the house's own: they are there as long as the house is.
        self._status = Status(state=ConnectionState.CONNECTED, since_at=tools.clock())

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> WebChannel:
        """Build the bot ``name``; makes the signing key at the first start.

        Raises:
            OperatorMistake: a key of the options is wrong, or the house keeps no rooms.
        """
        settings = read_options(WebOptions, name, options)
        if tools.rooms is None:
            raise OperatorMistake(f"[bots.{name}] the store of this house keeps no web rooms")
        signer = Signer(read_key(tools.data_dir / KEY_FILE))
        visitors = Visitors(
            name,
            settings.bot_name,
            tools.rooms,
            signer,
            is_open_here=settings.anonymous == "loopback" and is_loopback(tools.host),
            public_url=tools.public_url,
            clock=tools.clock,
            new_key=tools.new_key,
        )
        chat = Chat(
            bot=name,
            options=settings,
            rooms=tools.rooms,
            reader=tools.reader,
            visitors=visitors,
            signer=signer,
            errands=Errands(name, settings.bot_name, tools.rooms),
            live=Live(tools.wakeup, settings.streams_max),
            shelf=Shelf(tools.data_dir / MEDIA_FOLDER),
            clock=tools.clock,
            new_key=tools.new_key,
            public_url=tools.public_url,
        )
        return cls(chat, tools)

    @property
    def title(self) -> str:
        """What people call the bot."""
        return self._chat.options.bot_name

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def status(self) -> Status:
        return self._status

    def join_link(self, room: str = "", expires_s: float = 0.0) -> str:
        """Return a link that lets people into a room, or (``""``) into the house.

        Args:
            room: the room's id.
            expires_s: how long it is good; 0 for the bot's usual ``join_link_s``.
        """
        return self._chat.join_link(room, expires_s)[0]

    # --- running ------------------------------------------------------------------------

    def attach(self, door: Door) -> None:
        self._chat.errands.attach(door)

    async def run(self, door: Door) -> None:
        """Tell the road what a crash left over, again and again, and sweep up old uploads."""
        self.attach(door)
        next_sweep_at = 0.0
        while True:
            await self._run_errands()
            if self._tools.clock() >= next_sweep_at:
                await self._sweep()
                next_sweep_at = self._tools.clock() + SWEEP_EACH_S
            await self._tools.sleep(ERRANDS_EACH_S)

    async def _run_errands(self) -> None:
        try:
            await self._chat.errands.run_all()
        except TryLater as error:
            log.info("web_errands_wait", bot=self._chat.bot, problem=str(error))
        except Exception:
            log.exception("web_errands_failed", bot=self._chat.bot)

    async def _sweep(self) -> None:
        before_at = self._tools.clock() - UPLOADS_KEPT_S
        try:
            for ref in await self._chat.rooms.forget_uploads(before_at, _SWEEP_BATCH):
                await asyncio.to_thread(self._chat.shelf.remove, ref)
        except (TryLater, OSError) as error:
            log.warning("web_sweep_failed", bot=self._chat.bot, problem=str(error))

    async def close(self) -> None:
        """Let open pages go; they come back by themselves."""
        self._chat.live.end()

    def routes(self) -> Sequence[BaseRoute]:
        return routes(self._chat, Pages(self._chat, self._tools.language))

    # --- what the bot says --------------------------------------------------------------

    def encode(self, content: Content, letter: Letter) -> bytes:
        return codec.encode(content, letter)

    def encode_slot(self, content: Content, letter: Letter) -> bytes | None:  # noqa: ARG002
        return None  # a page does not wait for the answer inside its request

    def encode_toast(self, text: str) -> bytes:
        return text.encode()

    async def perform(self, part: Part, chat: RoadChat) -> Outcome:
        try:
            return await self._perform(part, chat.platform_id)
        except TryLater as error:
            return NotSent("cannot_reach", error.retry_after_s)
        except msgspec.DecodeError:
            return NotSent("cannot_encode", is_final=True)  # no bytes of ours
        except Exception:
            log.exception("web_perform_failed", bot=self._chat.bot, verb=part.verb)
            return Unknown("platform_error")

    async def _perform(self, part: Part, room: str) -> Outcome:
        if await self._chat.rooms.room(self._chat.bot, room) is None:
            return NotSent("not_found_on_platform", is_final=True)
        match part.verb:
            case Verb.SEND:
                return await self._send(part, room)
            case Verb.EDIT:
                return await self._edit(part, room)
            case Verb.RECALL:
                return await self._recall(part, room)
            case Verb.TYPING:
                now = self._tools.clock()
                self._chat.live.passing(room, TypingNow(BOT, self._chat.options.bot_name, now))
                return Sent()
            case _:
                return Unknown("platform_error")  # no need to look up what is keyed

    async def _send(self, part: Part, room: str) -> Outcome:
        wire = codec.decode_wire(part.body)
        new = NewMessage(
            room=room,
            sender=BOT,
            key=part.key,
            said=wire.said,
            quote=wire.quote,
            is_draft=part.is_draft,
        )
        message, is_new = await self._chat.rooms.post(new, self._tools.clock())
        if is_new:
            self._chat.live.changed(room)
        return Sent((codec.message_id(room, message.number),))

    async def _edit(self, part: Part, room: str) -> Outcome:
        said = codec.decode_wire(part.body).said
        number = _number(part, room)
        if part.is_draft:
            return await self._grow(room, number, said.text, part.message_ids)
        now = self._tools.clock()
        if not await self._chat.rooms.rewrite(room, number, said, now, is_draft=False):
            return NotSent("not_found_on_platform", is_final=True)
        self._chat.live.drop_draft(room, number)
        self._chat.live.changed(room)
        return Sent(part.message_ids)

    async def _grow(self, room: str, number: int, text: str, ids: tuple[str, ...]) -> Outcome:
        """Show how far a draft has come, and store nothing: the next one says more."""
        message = await self._chat.rooms.message(room, number)
        if message is None or not message.is_draft:
            return NotSent("draft_closed", is_final=True)
        self._chat.live.passing(room, DraftGrown(number, 0, text))
        return Sent(ids)

    async def _recall(self, part: Part, room: str) -> Outcome:
        number = _number(part, room)
        if not await self._chat.rooms.withdraw(room, number, self._tools.clock()):
            return NotSent("not_found_on_platform", is_final=True)
        self._chat.live.drop_draft(room, number)
        self._chat.live.changed(room)
        return Sent(part.message_ids)

    # --- files --------------------------------------------------------------------------

    def download(self, media: Media) -> AsyncIterator[bytes]:
        return self._chat.shelf.read(media.ref)


def _number(part: Part, room: str) -> int:
    """Return the message that a part is about; 0, which no message has, when it is not ours."""
    for message_id in part.message_ids:
        number = codec.number_of(message_id)
        if number is not None and codec.message_id(room, number) == message_id:
            return number
    return 0
