"""The benchmarks' platform: sends cost nothing, and a webhook checks a signature."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope
from starlette.types import Send as SendAnswer

from posthouse.channels.channel import ChannelTools, Door, Part, Verb
from posthouse.model.address import Chat, ChatKind, Entrance, Person, Place
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Outcome, Sent
from posthouse.model.errors import TryLater
from posthouse.model.event import MessageReceived, message_key
from posthouse.model.message import Text
from posthouse.testing.null_channel import NullChannel

BOT = "bench"
SECRET = b"bench"
PATH = "/webhooks/bench"
CAPABILITIES = Capabilities(resend_key_window_s=3600.0, can_edit=True, can_recall=True)

_SENT = Sent(("null",))


class Said(Struct, frozen=True):
    """A message on the benchmarks' wire."""

    chat: str
    id: str
    text: str
    at: float
    padding: str = ""  # platforms' envelopes are larger than what was said


_decoder = msgspec.json.Decoder(Said)


def encode(said: Said) -> bytes:
    """Put a message on the wire."""
    return msgspec.json.encode(said)


def decode(body: bytes) -> MessageReceived:
    """Take a message from the wire."""
    said = _decoder.decode(body)
    return MessageReceived(
        key=message_key(said.chat, said.id),
        place=Place(BOT, said.chat, ChatKind.PRIVATE),
        sender=Person(f"person-{said.chat}", "Bench"),
        message_id=said.id,
        parts=(Text(said.text),),
        at=said.at,
        is_addressed=True,
    )


def sign(body: bytes) -> str:
    """Sign a body as the webhook wants it."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class Answers:
    """Counts what is sent and lets somebody wait for a number of it."""

    def __init__(self) -> None:
        self.count = 0
        self._goal = 0
        self._is_reached = asyncio.Event()

    def add(self) -> None:
        """Count one."""
        self.count += 1
        if self.count >= self._goal:
            self._is_reached.set()

    async def reach(self, goal: int) -> None:
        """Wait until so many have been counted."""
        self._goal = goal
        if self.count < goal:
            self._is_reached.clear()
            await self._is_reached.wait()


class BenchChannel(NullChannel):
    """Counts what it is asked to send; ``on_send`` hears of each, ``on_part`` what it is."""

    on_send: Callable[[], None] = staticmethod(lambda: None)

    @staticmethod
    def ignore(part: Part) -> None:
        """Do nothing with what is sent."""

    on_part: Callable[[Part], None] = ignore

    def __init__(self) -> None:
        super().__init__(CAPABILITIES)
        self._door: Door | None = None

    @classmethod
    def build(cls, name: str, options: Mapping[str, object], tools: ChannelTools) -> BenchChannel:  # noqa: ARG003 - it has no options
        """Build it; there is nothing to choose."""
        return cls()

    def attach(self, door: Door) -> None:
        """Remember where the webhook leads."""
        self._door = door

    async def perform(self, part: Part, chat: Chat) -> Outcome:  # noqa: ARG002 - it has no chats
        """Succeed at once."""
        if part.verb is Verb.SEND:
            type(self).on_send()
            type(self).on_part(part)
        return _SENT

    def routes(self) -> Sequence[BaseRoute]:
        """Return the webhook, a plain ASGI application."""
        return (Route(PATH, _Webhook(self)),)

    async def take(self, body: bytes, signature: str) -> int:
        """Verify, decode and accept one payload; returns the HTTP status."""
        if self._door is None or not hmac.compare_digest(sign(body), signature):
            return 403
        try:
            await self._door.accept((decode(body),), Entrance.WEBHOOK)
        except TryLater:
            return 503
        return 200


class _Webhook:
    """Reads a request and answers with a status and no body."""

    def __init__(self, channel: BenchChannel) -> None:
        self._channel = channel

    async def __call__(self, scope: Scope, receive: Receive, send: SendAnswer) -> None:
        """Answer one request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        signature = dict(scope["headers"]).get(b"x-signature", b"").decode("latin-1")
        status = await self._channel.take(body, signature)
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
