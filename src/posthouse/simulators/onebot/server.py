"""The whole platform running: accounts that are connected, and the control surface over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot.desk import Desk
from posthouse.simulators.onebot.faults import FaultPlan, FaultSettings
from posthouse.simulators.onebot.happenings import AnyHappening
from posthouse.simulators.onebot.people import happen
from posthouse.simulators.onebot.post import Errand, Post
from posthouse.simulators.onebot.roads import STOP_S, Entrance, Place, dial
from posthouse.simulators.onebot.segments import Malformed
from posthouse.simulators.onebot.state import Event, Failed, Full, Network
from posthouse.simulators.onebot.switches import Switches, SwitchSettings
from posthouse.simulators.timing import Sleep, end

BODY_BYTES_MAX = 8 * 1024 * 1024
GOING_AWAY = 1001

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


class Told(Struct, frozen=True):
    """What ``POST /v1/say`` answers."""

    message_id: int | None
    is_pushed: bool | None  # None: not waited for
    event: dict[str, object]


class OneBotServer:
    """A running platform. ``address`` (control) is good between ``start`` and ``stop``."""

    def __init__(
        self,
        network: Network,
        *,
        faults: FaultPlan | None = None,
        sleep: Sleep = asyncio.sleep,
        port: int = 0,
    ) -> None:
        self.network = network
        self.faults = faults or FaultPlan()
        self.address = ""
        self.switches = {name: Switches() for name in network.accounts}
        self._sleep = sleep
        self._port = port
        self._desk = Desk(network, self.faults, self._emit)
        self._posts: dict[str, Post] = {}
        self._entrances: dict[str, Entrance] = {}
        self._diallers: list[asyncio.Task[None]] = []

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen on loopback, and let every account dial.

        Raises:
            OSError: a port is taken.
        """
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        self._runner = web.AppRunner(self._app(), shutdown_timeout=STOP_S, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
            host, port = self._runner.addresses[0][:2]
            self.address = self.network.base_url = f"http://{host}:{port}"
            for name in self.network.accounts:
                await self._open(name)
        except OSError:
            await self.stop()
            raise

    async def _open(self, name: str) -> None:
        account, switches = self.network.accounts[name], self.switches[name]
        post = self._posts[name] = Post(self.network, name, self.faults, switches, self._sleep)
        place = Place(self.network, account, self._desk, post, switches, self._sleep)
        if account.forward_port is not None:
            entrance = Entrance(place)
            await entrance.open()
            self._entrances[name] = entrance
        for url in account.urls:
            self._diallers.append(asyncio.create_task(dial(place, self._session, url)))

    async def stop(self) -> None:
        """Close every socket."""
        await asyncio.gather(*(self.hang_up(name, GOING_AWAY) for name in self._posts))
        await end(*self._diallers)
        for post in self._posts.values():
            await post.stop()
        for entrance in self._entrances.values():
            await entrance.close()
        await self._session.close()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- for those in the same process ------------------------------------------------------------

    def say(self, what: AnyHappening) -> Errand:
        """Let something happen; ``done`` of the result tells whether somebody was told of it.

        Raises:
            OperatorMistake: there is no such account.
            Failed: it cannot happen.
            Malformed: the words make no message.
        """
        return self._emit(happen(self.network, what))

    async def tell(self, what: AnyHappening) -> Told:
        """Let something happen, and wait until its event was pushed or missed."""
        errand = self.say(what)
        return _told(errand, is_pushed=await asyncio.shield(errand.done))

    def forward_url(self, name: str) -> str:
        """Return where bot programs dial an account; such as ws://127.0.0.1:6701."""
        return self._entrances[name].url

    async def until_connected(self, name: str) -> None:
        """Wait until an account's events go somewhere."""
        await self._posts[name].until_connected()

    async def until_disconnected(self, name: str) -> None:
        """Wait until an account's events go nowhere any more."""
        await self._posts[name].until_disconnected()

    async def hang_up(self, name: str, code: int = 1000) -> None:
        """Close an account's connections properly."""
        await asyncio.gather(*(line.close(code) for line in list(self._posts[name].lines)))

    def cut(self, name: str) -> None:
        """Cut an account's connections without a word."""
        for line in self._posts[name].lines:
            line.cut()

    def reset(self) -> None:
        """Forget what happened; accounts, connections, faults and switches stay."""
        for post in self._posts.values():
            post.reset()
        self.network.reset()

    def _emit(self, event: Event) -> Errand:
        return self._posts[event.account.name].put(event)

    # --- the control surface ----------------------------------------------------------------------

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_at_the_door])
        router, switches = app.router, "/v1/accounts/{bot}/switches"
        router.add_post("/v1/say", self._post_say)
        router.add_get("/v1/record", self._get_record)
        router.add_delete("/v1/record", self._delete_record)
        router.add_get("/v1/chats/{bot}/{chat}", self._get_chat)
        router.add_put("/v1/faults", self._put_faults)
        router.add_get(switches, self._get_switches)
        router.add_put(switches, self._put_switches)
        router.add_delete("/v1/accounts/{bot}/connections", self._delete_connections)
        router.add_put("/v1/files/{name}", self._put_file)
        router.add_get("/v1/files/{name}", self._get_file)
        router.add_get("/v1/health", self._get_health)
        return app

    async def _post_say(self, request: web.Request) -> web.StreamResponse:
        errand = self.say(await _body(request, AnyHappening))  # type: ignore[arg-type] # a union
        is_pushed = None
        if request.query.get("wait") == "1":
            is_pushed = await asyncio.shield(errand.done)
        return _json(_told(errand, is_pushed=is_pushed))

    async def _get_record(self, _: web.Request) -> web.StreamResponse:
        return _json(self.network.record())

    async def _delete_record(self, _: web.Request) -> web.StreamResponse:
        self.reset()
        return web.Response(status=204)

    async def _get_chat(self, request: web.Request) -> web.StreamResponse:
        bot, chat = self._name(request), request.match_info["chat"]
        seen = [e for e in self.network.record().messages if (e.bot, e.chat) == (bot, chat)]
        return _json({"messages": seen})

    async def _put_faults(self, request: web.Request) -> web.StreamResponse:
        self.faults.change(await _body(request, FaultSettings))
        return web.Response(status=204)

    async def _get_switches(self, request: web.Request) -> web.StreamResponse:
        return _json(self.switches[self._name(request)].shown())

    async def _put_switches(self, request: web.Request) -> web.StreamResponse:
        switches = self.switches[self._name(request)]
        switches.change(await _body(request, SwitchSettings))
        return _json(switches.shown())

    async def _delete_connections(self, request: web.Request) -> web.StreamResponse:
        name = self._name(request)
        if request.query.get("how") == "cut":
            self.cut(name)
        else:
            await self.hang_up(name)
        return web.Response(status=204)

    async def _put_file(self, request: web.Request) -> web.StreamResponse:
        url = self.network.keep_file(request.match_info["name"], await request.read())
        return _json({"url": url})

    async def _get_file(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.network.file(request.match_info["name"]))

    async def _get_health(self, _: web.Request) -> web.StreamResponse:
        accounts = [
            {
                "bot": each.name,
                "self_id": each.self_id,
                "connections": len(self._posts[each.name].lines),
                "forward_url": self._entrances[each.name].url
                if each.name in self._entrances
                else None,
            }
            for each in self.network.accounts.values()
        ]
        return _json({"accounts": accounts})

    def _name(self, request: web.Request) -> str:
        return self.network.account(request.match_info["bot"]).name


@web.middleware
async def _at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what cannot be into its response."""
    try:
        return await handler(request)
    except (OperatorMistake, Malformed, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _json({"message": str(error)}, 400)
    except Full as error:
        return _json({"message": str(error)}, 507)
    except Failed as error:
        return _json({"message": str(error)}, 409)


async def _body(request: web.Request, expected: type[T]) -> T:
    return msgspec.json.decode(await request.read(), type=expected)


def _json(body: object, status: int = 200) -> web.Response:
    encoded = msgspec.json.encode(body)
    return web.Response(status=status, body=encoded, content_type="application/json")


def _told(errand: Errand, *, is_pushed: bool | None) -> Told:
    entry = errand.event.entry
    return Told(entry.message_id if entry else None, is_pushed, errand.event.body)
