"""What becomes of one REST call: who asks, may they, does something go wrong, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from aiohttp import BodyPartReader, web

from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.calls import Answer, Body, Call, Download, Endpoint, Part
from posthouse.simulators.feishu.faults import Fault, FaultPlan, Verb
from posthouse.simulators.feishu.files import UPLOAD_BYTES_MAX
from posthouse.simulators.feishu.pace import Windows
from posthouse.simulators.feishu.record import CallEntry
from posthouse.simulators.feishu.refusals import CHAT_RATE, NO_SCOPE, TOO_MANY, Refusal
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.feishu.tokens import Tokens
from posthouse.simulators.feishu.wire import cut, half, json_response
from posthouse.simulators.timing import Sleep

BASE = "/open-apis"
TOKEN_PATH = f"{BASE}/auth/v3/tenant_access_token/internal"
PARTS_MAX = 10

_BEFORE = frozenset({Fault.RESET_BEFORE, Fault.SILENT_BEFORE, Fault.ERROR_BEFORE})
_REFUSING = frozenset({Fault.TOO_MANY, Fault.CHAT_RATE, Fault.BAD_TOKEN, Fault.REFUSED})

Act = Callable[[], Answer]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Asked(msgspec.Struct, frozen=True):
    """What a message to be sent is known by."""

    receive_id: str = ""
    uuid: str = ""


class Desk:
    """Takes the calls of all apps: does each at once or never, and answers as its fault says."""

    def __init__(
        self,
        tenant: Tenant,
        settings: TenantSettings,
        tokens: Tokens,
        faults: FaultPlan,
        sleep: Sleep,
    ) -> None:
        self._tenant = tenant
        self._settings = settings
        self._tokens = tokens
        self._faults = faults
        self._sleep = sleep
        self._windows = Windows(lambda: tenant.now)
        self._late: set[asyncio.Task[web.Response]] = set()  # done though nobody waits any more

    def routes(self, endpoints: tuple[Endpoint, ...]) -> Iterator[web.RouteDef]:
        """Return what is served."""
        yield web.post(TOKEN_PATH, self._give_token)
        for each in endpoints:
            yield web.route(each.method, BASE + each.path, self._handler(each))
        yield web.route("*", f"{BASE}/{{rest:.*}}", self._unknown)

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._take(request, endpoint)

        return handle

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        shown = f"{request.method} {request.path}"
        self._tenant.notes.complain("", f"no such endpoint: {shown}", await request.read())
        return web.Response(status=HTTPStatus.NOT_FOUND, text="404 page not found")

    # --- calls ----------------------------------------------------------------------------------

    async def _take(self, request: web.Request, endpoint: Endpoint) -> web.StreamResponse:
        entry = self._enter(request, endpoint.verb)
        raw, parts = await _read(request)
        self._announce(entry, raw)

        def act() -> Answer:
            app = self._admit(request, endpoint, entry)
            call = Call(
                app=app,
                entry=entry,
                notes=self._tenant.notes,
                path=dict(request.match_info),
                query=dict(request.query),
                raw=raw,
                parts=parts,
            )
            done = endpoint.do(call)
            return done if isinstance(done, Download) else _whole(done, is_flat=endpoint.is_flat)

        return await self._course(request, entry, act, raw)

    async def _give_token(self, request: web.Request) -> web.StreamResponse:
        entry = self._enter(request, Verb.TOKEN)
        raw, _ = await _read(request)
        app_id, secret = _credentials(raw)
        app = self._tenant.app_by_id(app_id) if isinstance(app_id, str) else None
        entry.bot = app.name if app is not None else ""

        def act() -> Answer:
            token, left_s = self._tokens.issue(app_id, secret)
            return {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": left_s}

        return await self._course(request, entry, act, b"(credentials)")

    def _enter(self, request: web.Request, verb: Verb) -> CallEntry:
        entry = CallEntry(
            bot=self._name(request),
            chat="",
            verb=verb,
            method=request.method,
            path=request.path.removeprefix(BASE),
            key="",
            message_id="" if verb is Verb.SEND else request.match_info.get("message_id", ""),
            log_id=self._tenant.new_id("2026", 28),
            began_at=self._tenant.now,
        )
        self._tenant.notes.calls.add(entry)
        self._tenant.stir()
        return entry

    def _announce(self, entry: CallEntry, raw: bytes) -> None:
        """Note what a call is about, though it may never be done."""
        if entry.verb is not Verb.SEND:
            return
        try:
            asked = msgspec.json.decode(raw, type=_Asked)
        except msgspec.MsgspecError:
            return
        chat = self._tenant.chat(asked.receive_id)
        replied = self._tenant.messages.get(entry.path.removesuffix("/reply").rpartition("/")[2])
        chat = replied.chat if chat is None and replied is not None else chat
        entry.key, entry.chat = asked.uuid, chat.key if chat is not None else ""

    def _name(self, request: web.Request) -> str:
        try:
            return self._tokens.holder(request.headers.get("Authorization", "")).name
        except Refusal:
            return ""

    def _admit(self, request: web.Request, endpoint: Endpoint, entry: CallEntry) -> App:
        """Say who asks.

        Raises:
            Refusal: nobody that may.
        """
        app = self._tokens.holder(request.headers.get("Authorization", ""))
        if endpoint.scopes and app.missing_scopes.issuperset(endpoint.scopes):
            named = ", ".join(endpoint.scopes)
            words = f"Access denied. One of the following scopes is required: [{named}]"
            raise Refusal(NO_SCOPE, words)
        if self._settings.is_paced:
            self._check_pace(f"{app.name} {endpoint.method} {endpoint.path}")
        entry.bot = app.name
        return app

    def _check_pace(self, key: str) -> None:
        limits = ((self._settings.calls_per_s, 1), (self._settings.calls_per_min, 60))
        for calls_max, span_s in limits:
            reset_s = self._windows.over(key, calls_max, span_s)
            if reset_s is not None:
                raise _too_many(reset_s)

    # --- faults ---------------------------------------------------------------------------------

    async def _course(
        self, request: web.Request, entry: CallEntry, act: Act, raw: bytes
    ) -> web.StreamResponse:
        """Do what is asked, as far as its fault allows, and answer."""
        fault = entry.fault = self._faults.draw(entry.bot, entry.verb)
        if fault in _BEFORE:
            response = self._error(entry) if fault is Fault.ERROR_BEFORE else None
        elif fault is Fault.SLOW:
            task = asyncio.ensure_future(self._done_slowly(entry, act, raw))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            response = await asyncio.shield(task)
        else:
            response = self._done(entry, act, raw)
        if fault is Fault.DELAY:
            await self._sleep(self._faults.settings.delay_s)
        if fault is Fault.ERROR_AFTER:
            response = self._error(entry)
        return await self._written(request, entry, response)

    async def _done_slowly(self, entry: CallEntry, act: Act, raw: bytes) -> web.Response:
        await self._sleep(self._faults.settings.delay_s)
        return self._done(entry, act, raw)

    def _done(self, entry: CallEntry, act: Act, raw: bytes) -> web.Response:
        """Act, and make a response of what comes of it."""
        try:
            if entry.fault in _REFUSING:
                raise self._refusal(entry.fault)
            answer = act()
        except Refusal as refusal:
            if refusal.is_malformed:
                self._tenant.notes.complain(
                    entry.bot, f"{entry.method} {entry.path}: {refusal}", raw
                )
            return self._refused(entry, refusal)
        entry.status, entry.code = HTTPStatus.OK, 0
        if isinstance(answer, Download):
            return self._file(entry, answer)
        return self._stamped(entry, json_response(answer))

    def _refusal(self, fault: Fault | None) -> Refusal:
        settings = self._faults.settings
        match fault:
            case Fault.TOO_MANY:
                return _too_many(settings.reset_s)
            case Fault.CHAT_RATE:
                return Refusal(CHAT_RATE, "This operation triggers the frequency limit.")
            case Fault.BAD_TOKEN:
                return self._tokens.refused()
        return Refusal(settings.code, "refused on purpose")

    def _refused(self, entry: CallEntry, refusal: Refusal) -> web.Response:
        entry.status, entry.code = refusal.status, refusal.code
        body = {
            "code": refusal.code,
            "msg": refusal.message,
            "error": {
                "log_id": entry.log_id,
                "troubleshooter": f"https://open.feishu.cn/search?log_id={entry.log_id}",
            },
        }
        response = self._stamped(entry, json_response(body, refusal.status))
        if refusal.reset_s is not None:
            response.headers["x-ogw-ratelimit-limit"] = str(self._settings.calls_per_s)
            response.headers["x-ogw-ratelimit-reset"] = str(refusal.reset_s)
        return response

    def _error(self, entry: CallEntry) -> web.Response:
        entry.status, entry.code = HTTPStatus.BAD_GATEWAY, None
        return web.Response(status=entry.status, text="<html>502 Bad Gateway</html>")

    def _file(self, entry: CallEntry, answer: Download) -> web.Response:
        plain, quoted = answer.name.encode("ascii", "replace").decode(), quote(answer.name)
        disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}"
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": disposition.replace("\r", "").replace("\n", ""),
        }
        return self._stamped(entry, web.Response(body=answer.content, headers=headers))

    def _stamped(self, entry: CallEntry, response: web.Response) -> web.Response:
        response.headers["X-Tt-Logid"] = entry.log_id
        response.headers["X-Request-Id"] = entry.log_id
        return response

    async def _written(
        self, request: web.Request, entry: CallEntry, response: web.Response | None
    ) -> web.StreamResponse:
        """Write the response, half of it, or none."""
        fault, entry.ended_at = entry.fault, self._tenant.now
        if response is None or fault in (Fault.RESET_AFTER, Fault.SILENT_AFTER):
            if fault in (Fault.SILENT_BEFORE, Fault.SILENT_AFTER):
                await asyncio.Event().wait()  # until the client hangs up
            return cut(request)
        if fault is Fault.HALF_RESPONSE:
            return await half(request, response)
        is_there = request.transport is not None and not request.transport.is_closing()
        entry.is_clear = is_there and response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return response


def _too_many(reset_s: int) -> Refusal:
    words = "request trigger frequency limit"
    return Refusal(TOO_MANY, words, HTTPStatus.TOO_MANY_REQUESTS, reset_s=reset_s)


def _whole(body: Body, *, is_flat: bool) -> Body:
    envelope: Body = {"code": 0, "msg": "success"}
    return {**envelope, **body} if is_flat else {**envelope, "data": body}


def _credentials(raw: bytes) -> tuple[object, object]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None, None
    return (body.get("app_id"), body.get("app_secret")) if isinstance(body, dict) else (None, None)


async def _read(request: web.Request) -> tuple[bytes, dict[str, Part]]:
    """Read a body: bytes, or the parts of a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read(), {}
    parts: dict[str, Part] = {}
    left = UPLOAD_BYTES_MAX
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or len(parts) >= PARTS_MAX:
            continue
        content = bytearray()
        while left > 0 and (chunk := await part.read_chunk(64 * 1024)):
            content += chunk
            left -= len(chunk)
        parts[part.name or ""] = Part(bytes(content), part.filename)
    return b"", parts
