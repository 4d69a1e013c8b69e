"""Where clients come in: discovery hands out an address with a ticket, the handshake takes it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import msgspec
from aiohttp import web
from msgspec import Struct

from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.faults import DISCOVERY_CODES, Fault, FaultPlan, Verb
from posthouse.simulators.feishu.lines import Line, Place
from posthouse.simulators.feishu.post import Post
from posthouse.simulators.feishu.record import ConnectionEntry
from posthouse.simulators.feishu.settings import Switches, TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.feishu.wire import cut, half, json_response
from posthouse.simulators.timing import Sleep

DISCOVERY = "/callback/ws/endpoint"
SOCKET = "/ws/v2"
TICKET_LIVES_S = 120.0
TICKETS_MAX = 10_000
FRAME_BYTES_MAX = 64 * 1024 * 1024
OVER_LIMIT, _INVALID, _NULL = 1000040350, 1000040345, 1000040344
_AUTH_FAILED, _FORBIDDEN = 514, 403


class Ticket(Struct, frozen=True, kw_only=True):
    """Good for one handshake."""

    app: App
    service: int
    device_id: str
    until: float
    entry: ConnectionEntry


class _DiscoveryBody(Struct, frozen=True):
    AppID: str | None = None
    AppSecret: str | None = None


class Entrance:
    """Discovery and handshakes of all apps."""

    def __init__(
        self,
        tenant: Tenant,
        settings: TenantSettings,
        switches: dict[str, Switches],
        posts: dict[str, Post],
        faults: FaultPlan,
        sleep: Sleep,
    ) -> None:
        self._tenant = tenant
        self._settings = settings
        self._switches = switches
        self._posts = posts
        self._faults = faults
        self._sleep = sleep
        self._tickets: dict[str, Ticket] = {}
        self.base_url = ""

    # --- discovery ------------------------------------------------------------------------------

    async def discover(self, request: web.Request) -> web.StreamResponse:
        """Answer where to connect, or why not."""
        raw = await request.read()
        app, code, words = self._applicant(raw)
        name = app.name if app is not None else ""
        entry = ConnectionEntry(bot=name, began_at=self._tenant.now)
        self._tenant.notes.connections.add(entry)
        fault = self._faults.draw(name, Verb.DISCOVERY)
        if fault is Fault.SLOW or fault is Fault.DELAY:
            await self._sleep(self._faults.settings.delay_s)
        if fault in (Fault.SILENT_BEFORE, Fault.SILENT_AFTER):
            await asyncio.Event().wait()
        if fault in (Fault.RESET_BEFORE, Fault.RESET_AFTER):
            return cut(request)
        if fault in (Fault.UNAVAILABLE, Fault.ERROR_BEFORE, Fault.ERROR_AFTER):
            entry.code = HTTPStatus.SERVICE_UNAVAILABLE
            return json_response({"code": 1, "msg": "system busy"}, entry.code)
        if fault in DISCOVERY_CODES:
            code, words = DISCOVERY_CODES[fault]
        entry.code = code
        if code or app is None:
            entry.problem = words
            return json_response({"code": code, "msg": words})
        answer = json_response({"code": 0, "msg": "", "data": self._place_of(app, entry, fault)})
        return await half(request, answer) if fault is Fault.HALF_RESPONSE else answer

    def _applicant(self, raw: bytes) -> tuple[App | None, int, str]:
        try:
            body = msgspec.json.decode(raw, type=_DiscoveryBody)
        except msgspec.MsgspecError as error:
            self._tenant.notes.complain("", f"discovery: {error}", raw)
            return None, _INVALID, "app_id or app_secret is invalid"
        if not body.AppID or not body.AppSecret:
            self._tenant.notes.complain("", "discovery without AppID or AppSecret", raw)
            return None, _NULL, "app_id or app_secret is null"
        app = self._tenant.app_by_id(body.AppID)
        if app is None or app.app_secret != body.AppSecret:
            return app, _INVALID, "app_id or app_secret is invalid"
        if self._is_full(app):
            return app, OVER_LIMIT, "the number of connections exceeded the limit"
        return app, 0, ""

    def _is_full(self, app: App) -> bool:
        return len(self._posts[app.name].lines) >= self._switches[app.name].connections_max

    def _place_of(self, app: App, entry: ConnectionEntry, fault: Fault | None) -> dict[str, object]:
        new_id = self._tenant.new_id
        ticket = Ticket(
            app=app,
            service=33554432 + int(new_id(digits=4), 16),
            device_id=str(7 * 10**18 + int(new_id(digits=14), 16)),
            until=self._tenant.now + TICKET_LIVES_S,
            entry=entry,
        )
        key = f"{new_id(digits=8)}-{new_id(digits=4)}-{new_id(digits=4)}"
        while len(self._tickets) >= TICKETS_MAX:
            del self._tickets[next(iter(self._tickets))]
        self._tickets[key] = ticket
        address = self.base_url.replace("http", "ws", 1)
        url = (
            f"{address}{SOCKET}?fpid=493&aid=552564&device_id={ticket.device_id}"
            f"&access_key={new_id()}&service_id={ticket.service}&ticket={key}"
        )
        if fault is Fault.NO_CONFIG:
            return {"URL": url}
        return {"URL": url, "ClientConfig": self._switches[app.name].config}

    # --- handshake ------------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Open a long connection with a ticket, which is used up by it."""
        ticket = self._tickets.pop(request.query.get("ticket", ""), None)
        if ticket is None or ticket.until < self._tenant.now:
            self._tenant.notes.complain("", "a ticket is good for one handshake", request.path_qs)
            return _refused(_AUTH_FAILED, "auth failed", _INVALID)
        if request.query.get("service_id") != str(ticket.service):
            self._tenant.notes.complain(ticket.app.name, "another service_id", request.path_qs)
        refusal = self._refusal(request, ticket.app)
        if refusal is not None:
            ticket.entry.problem = "the handshake was refused"
            return refusal
        return await self._hold(request, ticket)

    def _refusal(self, request: web.Request, app: App) -> web.StreamResponse | None:
        fault = self._faults.draw(app.name, Verb.HANDSHAKE)
        match fault:
            case Fault.FORBIDDEN:
                return _refused(_FORBIDDEN, "forbidden", None)
            case Fault.AUTH_FAILED:
                return _refused(_AUTH_FAILED, "auth failed", 1000040343)
            case Fault.BARE:
                return web.Response(status=HTTPStatus.BAD_GATEWAY)
            case Fault.RESET_BEFORE:
                return cut(request)
        if fault is Fault.LIMIT or self._is_full(app):
            return _refused(_AUTH_FAILED, "exceed limit", OVER_LIMIT)
        return None

    async def _hold(self, request: web.Request, ticket: Ticket) -> web.StreamResponse:
        held = web.WebSocketResponse(
            autoping=False, max_msg_size=FRAME_BYTES_MAX, compress=False, timeout=1.0
        )
        await held.prepare(request)
        app = ticket.app
        place = Place(
            tenant=self._tenant,
            app=app,
            settings=self._settings,
            switches=self._switches[app.name],
            faults=self._faults,
            sleep=self._sleep,
        )
        line = Line(place, held, ticket.entry, ticket.service)
        ticket.entry.opened_at = self._tenant.now
        self._posts[app.name].opened(line)
        try:
            await line.run()
        finally:
            self._posts[app.name].closed(line)
        return held


def _refused(status: int, words: str, auth_code: int | None) -> web.Response:
    headers = {"Handshake-Status": str(status), "Handshake-Msg": words}
    if auth_code is not None:
        headers["Handshake-Autherrcode"] = str(auth_code)
    return web.Response(status=status, headers=headers, reason=words)
