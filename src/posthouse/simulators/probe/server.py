"""The platform on a socket: HTTP and WebSocket on loopback, as the protocol page has it."""

from __future__ import annotations

import asyncio
import hmac
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Self

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.probe import desk
from posthouse.simulators.probe.bots import Bot, BotClass
from posthouse.simulators.probe.connection import Line
from posthouse.simulators.probe.desk import Call, Desk, Manner, Reply
from posthouse.simulators.probe.faults import FaultPlan, FaultSettings
from posthouse.simulators.probe.pusher import Errand, Patience, Pusher, Road
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.state import ProbePlatform
from posthouse.simulators.probe.webhook import Webhook
from posthouse.simulators.probe.wire import (
    BODY_BYTES_MAX,
    EditBody,
    MessageBody,
    Saying,
    WebhookBody,
    decode,
)
from posthouse.simulators.timing import Sleep

PUSH_SOCKETS_MAX = 512
PING_S = 30.0
STOP_S = 1.0  # how long a stopping platform waits for its guests

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Said(Struct, frozen=True):
    """What ``POST /v1/say`` answers."""

    message_id: str | None
    acknowledged_at: float | None


class ProbeServer:
    """A running platform. ``address`` is good between ``start`` and ``stop``."""

    def __init__(
        self,
        platform: ProbePlatform,
        *,
        faults: FaultPlan | None = None,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
        port: int = 0,
    ) -> None:
        self.platform = platform
        self.faults = faults or FaultPlan()
        self.address = ""
        self._sleep = sleep
        self._port = port
        self._desk = Desk(platform, self.faults)
        self._lines = {bot.bot: Line(platform, bot, self._desk, sleep) for bot in platform.bots}
        self._pusher = Pusher(
            platform, self.faults, self, patience=patience or Patience(), sleep=sleep
        )
        self._requests = 0

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen on loopback.

        Raises:
            OSError: the port is taken.
        """
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=PUSH_SOCKETS_MAX),
            timeout=aiohttp.ClientTimeout(total=None),  # the injected clock decides
        )
        self._runner = web.AppRunner(self._app(), shutdown_timeout=STOP_S, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close every socket; what was not acknowledged stays so."""
        await self._pusher.reset()
        await asyncio.gather(*(line.close() for line in self._lines.values()))
        await self._session.close()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- for those in the same process ----------------------------------------------------------

    def say(self, saying: Saying) -> Errand:
        """Let somebody do something; ``done`` of the result tells when the house has it.

        Raises:
            Refusal: no such bot, a field is missing, or the ledger is full.
        """
        return self._pusher.put(self.platform.say(saying))

    async def tell(self, saying: Saying) -> Said:
        """Let somebody do something, and wait until the house has it."""
        errand = self.say(saying)
        await asyncio.shield(errand.done)
        return _said(errand)

    def set_webhook(self, bot: Bot, url: str | None) -> None:
        """Post a bot's events to ``url`` from now on."""
        if url is None:
            self.platform.webhooks.pop(bot.bot, None)
            return
        self.platform.webhooks[bot.bot] = url
        self._pusher.road_opened(bot)

    async def reset(self) -> None:
        """Forget what happened; what is still waiting is abandoned."""
        await self._pusher.reset()
        self.platform.reset()

    def road(self, bot: Bot) -> Road | None:
        """Say where a bot's events go at the moment."""
        url = self.platform.webhooks.get(bot.bot)
        if url is not None and bot.bot_class is not BotClass.CONNECTION:
            return Webhook(self.platform, self._session, url, self._sleep)
        line = self._lines[bot.bot]
        return line if line.holder is not None else None

    # --- routes -------------------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self._at_the_door])
        bot, messages = "/v1/bots/{bot}", "/v1/bots/{bot}/messages"
        chat = "/v1/bots/{bot}/chats/{chat}"
        app.router.add_get(bot, self._get_bot)
        app.router.add_put(f"{bot}/webhook", self._put_webhook)
        app.router.add_post(messages, self._post_message)
        app.router.add_patch(f"{messages}/{{id}}", self._patch_message)
        app.router.add_delete(f"{messages}/{{id}}", self._delete_message)
        app.router.add_get(f"{chat}/messages", self._get_messages)
        app.router.add_post(f"{chat}/typing", self._post_typing)
        app.router.add_post(f"{bot}/media", self._post_media)
        app.router.add_get(f"{bot}/media/{{ref}}", self._get_media)
        app.router.add_get("/v1/connect", self._connect)
        app.router.add_post("/v1/say", self._post_say)
        app.router.add_get("/v1/ledger", self._get_ledger)
        app.router.add_delete("/v1/ledger", self._delete_ledger)
        app.router.add_put("/v1/faults", self._put_faults)
        app.router.add_get("/v1/health", self._get_health)
        return app

    @web.middleware
    async def _at_the_door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Limit the crowd, and turn a refusal into its response."""
        if self._requests >= self.platform.limits.requests_max:
            return _json(Refusal(503, "busy").body, 503)
        self._requests += 1
        try:
            return await handler(request)
        except Refusal as refusal:
            return _json(refusal.body, refusal.status)
        except web.HTTPRequestEntityTooLarge:
            return _json(Refusal(413, "too_long").body, 413)
        finally:
            self._requests -= 1

    def _authorised(self, request: web.Request, name: str) -> Bot:
        bot = self.platform.bot(name)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), bot.token.encode()):
            raise Refusal(401, "bad_token")
        return bot

    def _bot(self, request: web.Request) -> Bot:
        return self._authorised(request, request.match_info["bot"])

    # --- the house's calls --------------------------------------------------------------------

    async def _get_bot(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        card = msgspec.to_builtins(bot)
        del card["token"], card["secret"]
        return _json({**card, "webhook_url": self.platform.webhooks.get(bot.bot)})

    async def _put_webhook(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        self.set_webhook(bot, decode(await request.read(), WebhookBody).url)
        return web.Response(status=204)

    async def _post_message(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        body = decode(await request.read(), MessageBody)
        return await self._take(request, bot, desk.send(self.platform, bot, body))

    async def _patch_message(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        body = decode(await request.read(), EditBody)
        call = desk.edit(self.platform, bot, request.match_info["id"], body)
        return await self._take(request, bot, call)

    async def _delete_message(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        call = desk.recall(self.platform, bot, request.match_info["id"])
        return await self._take(request, bot, call)

    async def _get_messages(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        since = decode(request.query.get("since", "") or "0", float)
        chat, key = request.match_info["chat"], request.query.get("key")
        call = desk.look_up(self.platform, bot, chat, since, key)
        return await self._take(request, bot, call)

    async def _post_typing(self, request: web.Request) -> web.StreamResponse:
        bot = self._bot(request)
        return await self._take(request, bot, desk.typing(request.match_info["chat"]))

    async def _post_media(self, request: web.Request) -> web.StreamResponse:
        self._bot(request)
        name, mime = request.query.get("name", ""), request.query.get("mime", "")
        return _json({"media_ref": self.platform.keep_media(name, mime, await request.read())})

    async def _get_media(self, request: web.Request) -> web.StreamResponse:
        self._bot(request)
        media, content = self.platform.media(request.match_info["ref"])
        headers = {"Content-Type": media.mime or "application/octet-stream"}
        return web.Response(body=content, headers=headers)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        bot = self._authorised(request, request.query.get("bot", ""))
        held = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=BODY_BYTES_MAX, timeout=STOP_S)
        await held.prepare(request)
        await self._lines[bot.bot].serve(
            held,
            cut=lambda: _hang_up(request),
            opened=lambda: self._pusher.road_opened(bot),
        )
        return held

    async def _take(self, request: web.Request, bot: Bot, call: Call) -> web.StreamResponse:
        """Handle a call, and answer it as its fault says."""
        reply = self._desk.take(bot, call, is_by_connection=False)
        if reply.delay_s:
            await self._sleep(reply.delay_s)
        is_there = request.transport is not None and not request.transport.is_closing()
        self._desk.close(reply, is_written=is_there)
        match reply.manner:
            case Manner.WHOLE:
                return _response(reply)
            case Manner.HALF:
                return await _half(request, _response(reply))
            case Manner.CUT:
                return _cut(request)

    # --- the laboratory's side ----------------------------------------------------------------

    async def _post_say(self, request: web.Request) -> web.StreamResponse:
        errand = self.say(decode(await request.read(), Saying))
        if request.query.get("wait") == "1":
            await asyncio.shield(errand.done)
        return _json(_said(errand))

    async def _get_ledger(self, _: web.Request) -> web.StreamResponse:
        return _json(self.platform.ledger())

    async def _delete_ledger(self, _: web.Request) -> web.StreamResponse:
        await self.reset()
        return web.Response(status=204)

    async def _put_faults(self, request: web.Request) -> web.StreamResponse:
        try:
            self.faults.change(decode(await request.read(), FaultSettings))
        except OperatorMistake as mistake:
            raise Refusal(400, "bad_request", str(mistake)) from None
        return web.Response(status=204)

    async def _get_health(self, _: web.Request) -> web.StreamResponse:
        return _json({"bots": [bot.bot for bot in self.platform.bots]})


def _said(errand: Errand) -> Said:
    entry = errand.event.entry
    return Said(entry.message_id, entry.acknowledged_at)


def _json(body: object, status: int = 200) -> web.Response:
    encoded = msgspec.json.encode(body)
    return web.Response(status=status, body=encoded, content_type="application/json")


def _response(reply: Reply) -> web.Response:
    if reply.body is None:
        return web.Response(status=reply.status or 204)
    response = _json(reply.body, reply.status)
    if reply.retry_after_s is not None:
        response.headers["Retry-After"] = f"{reply.retry_after_s:g}"
    return response


async def _half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up; half of nothing is a cut."""
    if not isinstance(whole.body, bytes):
        return _cut(request)
    response = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    response.content_length = len(whole.body)
    await response.prepare(request)
    await response.write(whole.body[: len(whole.body) // 2])
    _hang_up(request)
    return response


def _cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection: the house's kernel says so, nothing else does."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


def _hang_up(request: web.Request) -> None:
    """Close the connection after what was written; nothing more follows."""
    if request.transport is not None:
        request.transport.close()
