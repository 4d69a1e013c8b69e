"""``/_sim``: how programs speak as people, break things, and read what happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct, structs

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu import page
from posthouse.simulators.feishu.exchange import Exchange, Told
from posthouse.simulators.feishu.faults import ANY_APP, Fault, FaultSettings, Verb
from posthouse.simulators.feishu.happenings import (
    Enter,
    Members,
    Menu,
    Press,
    Raise,
    React,
    Recall,
    Say,
)
from posthouse.simulators.feishu.people import Happened
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.tenant import Party, Person
from posthouse.simulators.feishu.wire import json_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


class FaultOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the next calls of a verb go wrong."""

    verb: Verb
    fault: Fault
    app: str = ANY_APP
    times: int = 1


class Kick(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End an app's connections."""

    app: str = ""
    is_cut: bool = False
    code: int = 1000
    words: str = "bye"


class Refuse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuse whatever is sent to somebody or somewhere; code 0: no longer."""

    to: str
    code: int


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an app's events and callbacks go; an empty address is the long connection."""

    app: str = ""
    url: str | None = None
    card_url: str | None = None


class OneApp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    app: str = ""


class Control:
    """The control surface of a running tenant. It needs no token: it listens on loopback only."""

    def __init__(self, server: Exchange) -> None:
        self._server = server
        self._people = server.people

    def routes(self) -> Iterator[web.RouteDef]:
        """Return what is served."""
        told: dict[str, tuple[type, Callable[[Any], Happened]]] = {
            "say": (Say, self._people.say),
            "recall": (Recall, self._people.recall),
            "react": (React, self._people.react),
            "join": (Members, self._people.join),
            "leave": (Members, self._people.leave),
            "enter": (Enter, self._people.enter),
            "menu": (Menu, self._people.choose),
            "event": (Raise, self._people.raise_event),
        }
        for name, (kind, do) in told.items():
            yield web.post(f"/_sim/{name}", _safe(self._telling(kind, do)))
        for method, path, handler in (
            ("POST", "/press", self._press),
            ("POST", "/fault", self._fault),
            ("PUT", "/faults", self._put_faults),
            ("GET", "/faults", self._get_faults),
            ("GET", "/visible", self._visible),
            ("GET", "/record", self._record),
            ("DELETE", "/record", self._reset),
            ("GET", "/settings", self._get_settings),
            ("PUT", "/settings", self._put_settings),
            ("GET", "/apps/{app}/switches", self._get_switches),
            ("PUT", "/apps/{app}/switches", self._put_switches),
            ("POST", "/kick", self._kick),
            ("POST", "/expire", self._expire),
            ("POST", "/refuse", self._refuse),
            ("POST", "/webhook", self._webhook),
            ("GET", "/ids", self._ids),
            ("GET", "/health", self._health),
        ):
            yield web.route(method, f"/_sim{path}", _safe(handler))
        yield from page.Page(self._server).routes()

    # --- people ---------------------------------------------------------------------------------

    def _telling(self, kind: type, do: Callable[[Any], Happened]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            told = self._server.tell(do(await _body(request, kind)))
            return json_response(await _told(told, is_waited=request.query.get("wait") == "1"))

        return handle

    async def _press(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._server.press(await _body(request, Press)))

    # --- what happened --------------------------------------------------------------------------

    async def _visible(self, request: web.Request) -> web.StreamResponse:
        chats: dict[str, dict[str, Any]] = {}
        for each in self._server.visible(request.query.get("chat", "")):
            chat = self._server.tenant.chats[each.chat]
            shown = chats.setdefault(
                each.chat,
                {"chat_id": chat.chat_id, "kind": chat.kind, "title": chat.title, "messages": []},
            )
            shown["messages"].append(each)
        return json_response({"chats": chats, "complaints": self._server.complaints})

    async def _record(self, _: web.Request) -> web.StreamResponse:
        return json_response(self._server.record())

    async def _reset(self, _: web.Request) -> web.StreamResponse:
        await self._server.reset()
        return web.Response(status=204)

    # --- what goes wrong ------------------------------------------------------------------------

    async def _fault(self, request: web.Request) -> web.StreamResponse:
        order = await _body(request, FaultOrder)
        apps = self._server.tenant.apps
        for name in apps if order.app == ANY_APP else (self._server.tenant.app(order.app).name,):
            self._server.faults.add(name, order.verb, (order.fault,) * order.times)
        return web.Response(status=204)

    async def _put_faults(self, request: web.Request) -> web.StreamResponse:
        self._server.faults.change(await _body(request, FaultSettings))
        return web.Response(status=204)

    async def _get_faults(self, _: web.Request) -> web.StreamResponse:
        return json_response(self._server.faults.settings)

    async def _get_settings(self, _: web.Request) -> web.StreamResponse:
        return json_response(self._server.settings)

    async def _put_settings(self, request: web.Request) -> web.StreamResponse:
        return await _change(request, self._server.settings)

    async def _get_switches(self, request: web.Request) -> web.StreamResponse:
        name = self._server.tenant.app(request.match_info["app"]).name
        return json_response(self._server.switches[name])

    async def _put_switches(self, request: web.Request) -> web.StreamResponse:
        name = self._server.tenant.app(request.match_info["app"]).name
        return await _change(request, self._server.switches[name])

    async def _kick(self, request: web.Request) -> web.StreamResponse:
        kick = await _body(request, Kick)
        if kick.is_cut:
            self._server.cut(kick.app)
        else:
            await self._server.kick(kick.app, kick.code, kick.words)
        return web.Response(status=204)

    async def _expire(self, request: web.Request) -> web.StreamResponse:
        named = await _body(request, OneApp)
        self._server.tokens.expire(self._server.tenant.app(named.app))
        return web.Response(status=204)

    async def _refuse(self, request: web.Request) -> web.StreamResponse:
        refuse = await _body(request, Refuse)
        refused = self._server.tenant.refused
        if refuse.code:
            refused[refuse.to] = refuse.code
        else:
            refused.pop(refuse.to, None)
        return web.Response(status=204)

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        """Save addresses as the console does: only those that answer the challenge."""
        address = await _body(request, Address)
        app = self._server.tenant.app(address.app)
        switches = self._server.switches[app.name]
        for url in {address.url, address.card_url} - {None, ""}:
            problem = await self._server.challenge(app.name, str(url))
            if problem:
                return json_response({"message": f"Challenge code 没有返回: {problem}"}, 409)
        switches.webhook = switches.webhook if address.url is None else address.url
        if address.card_url is not None:
            switches.card_webhook = address.card_url
        return json_response(switches)

    async def _ids(self, _: web.Request) -> web.StreamResponse:
        tenant = self._server.tenant
        parties: dict[str, Party] = {**tenant.people, **tenant.apps}
        people = {
            key: {
                "name": who.name if isinstance(who, Person) else who.bot_name,
                "union_id": tenant.union_id(who),
                "user_id": tenant.user_id(who),
                "open_id": {app.name: tenant.open_id(app, who) for app in tenant.apps.values()},
            }
            for key, who in parties.items()
        }
        chats = {key: chat.chat_id for key, chat in tenant.chats.items()}
        return json_response({"people": people, "chats": chats})

    async def _health(self, _: web.Request) -> web.StreamResponse:
        apps = [
            {
                "app": each.name,
                "app_id": each.app_id,
                "app_secret": each.app_secret,
                "encrypt_key": each.encrypt_key,
                "verification_token": each.verification_token,
                "connections": self._server.connections(each.name),
            }
            for each in self._server.tenant.apps.values()
        ]
        return json_response({"apps": apps})


def _safe(handler: Handler) -> Handler:
    """Turn what cannot be into its response."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (OperatorMistake, msgspec.MsgspecError, UnicodeDecodeError, Refusal) as error:
            return json_response({"message": str(error)}, 400)

    return handle


async def _body(request: web.Request, expected: type[T]) -> T:
    return msgspec.json.decode(await request.read() or b"{}", type=expected)


async def _change(request: web.Request, current: Struct) -> web.StreamResponse:
    """Change what is named; the rest stays."""
    given = msgspec.json.decode(await request.read(), type=dict[str, Any])
    merged = msgspec.convert({**msgspec.to_builtins(current), **given}, type(current))
    for name in structs.asdict(merged):
        setattr(current, name, getattr(merged, name))
    return json_response(current)


async def _told(told: Told, *, is_waited: bool) -> dict[str, Any]:
    is_taken = await told.taken() if is_waited else None
    told_to = [each.event.app.name for each in told.errands]
    return {"message_id": told.message_id, "told": told_to, "is_taken": is_taken}
