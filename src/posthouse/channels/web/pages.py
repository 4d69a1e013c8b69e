"""The pages: the chat, the door behind a join link, and what a stranger sees.

Every address in a page is relative to it, so the chat works below any sub-path of any proxy. A page
starts with all it shows inside it, as JSON that no browser runs; a policy forbids inline scripts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from posthouse.channels.web.chat import Chat
from posthouse.channels.web.crypto import Invitation
from posthouse.channels.web.exchange import Endpoint, declined_by
from posthouse.channels.web.settings import (
    BODY_BYTES_MAX,
    FILES_PER_MESSAGE_MAX,
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
    TITLE_CHARS_MAX,
)
from posthouse.channels.web.view import RoomPage
from posthouse.channels.web.words import PAGE_WORDS, Declined, asked_language
from posthouse.look.pages import stamp_of, templates_of
from posthouse.model.address import Person
from posthouse.store.rooms import Room

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",  # a join link never leaves the house
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_FIELDS_MAX = 10
PACKAGE = "posthouse.channels.web"  # whose templates and static files these are


class Limits(msgspec.Struct, frozen=True):
    """What the page tells people before they try."""

    text_chars_max: int
    name_chars_max: int
    title_chars_max: int
    files_max: int
    upload_bytes_max: int


class Bot(msgspec.Struct, frozen=True):
    """How the page presents the bot."""

    name: str
    title: str
    welcome: dict[str, str]
    suggestions: tuple[str, ...]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a page starts with."""

    me: Person | None
    language: str
    theme: str
    bot: Bot
    limits: Limits
    rooms: object
    page: RoomPage | None = None  # the room that is open
    problem: str = ""  # why the room asked for is not


class Pages:
    """The pages of one web bot."""

    def __init__(self, chat: Chat, language: str) -> None:
        self._chat = chat
        self._language = language
        self.stamp = stamp_of(PACKAGE)

    @property
    def _path_name(self) -> str:
        return self._chat.options.path.rpartition("/")[2]

    def table(self) -> list[tuple[str, Endpoint, list[str]]]:
        path = self._chat.options.path
        return [
            ("/", self._home, ["GET"]),
            (path, self._chat_page, ["GET"]),
            (f"{path}/", self._without_slash, ["GET"]),
            (f"{path}/rooms/{{room}}", self._room_page, ["GET"]),
            (f"{path}/join/{{token}}", self._join, ["GET", "POST"]),
        ]

    def guarded(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """Show every mistake as a page in words."""

        async def answer(request: Request) -> Response:
            try:
                self._chat.visitors.check_origin(request)
                return await endpoint(request)
            except Exception as error:  # noqa: BLE001 - a page gets a sentence, never a traceback
                return self._declined(request, declined_by(error, request))

        return answer

    # --- pages --------------------------------------------------------------------------

    async def _home(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint's shape
        return _relative(self._chat.options.path.removeprefix("/"))

    async def _without_slash(self, request: Request) -> Response:  # noqa: ARG002
        return _relative(f"../{self._path_name}")

    async def _chat_page(self, request: Request) -> Response:
        person = await self._chat.visitors.known(request)
        if person is None and not self._chat.visitors.is_local(request):
            return self._closed(request)
        return self._show(request, await self._state(request, person))

    async def _room_page(self, request: Request) -> Response:
        visitors = self._chat.visitors
        person = await visitors.known(request)
        if person is None and not visitors.is_local(request):
            return self._closed(request)
        try:
            page = await self._chat.page(await visitors.seat(request))
        except Declined as declined:
            code = declined.problem.code
            state = await self._state(request, person, problem="" if person is None else code)
            return self._show(request, state, status=404 if person else 200)
        return self._show(request, await self._state(request, person, page))

    async def _state(
        self,
        request: Request,
        person: Person | None,
        page: RoomPage | None = None,
        problem: str = "",
    ) -> State:
        options = self._chat.options
        return State(
            me=person,
            language=self._language_of(request),
            theme=request.cookies.get("posthouse_theme", "auto"),
            bot=Bot(
                options.bot_name,
                options.title,
                {"zh": options.welcome_zh, "en": options.welcome_en},
                options.suggestions,
            ),
            limits=Limits(
                TEXT_CHARS_MAX,
                NAME_CHARS_MAX,
                TITLE_CHARS_MAX,
                FILES_PER_MESSAGE_MAX,
                options.upload_bytes_max,
            ),
            rooms=[] if person is None else await self._chat.lines(person),
            page=page,
            problem=problem,
        )

    # --- joining ------------------------------------------------------------------------

    async def _join(self, request: Request) -> Response:
        """Show who invites to what; only pressing the button lets somebody in.

        Programs that look at links ahead of people must not use them up or act for anybody.
        """
        invitation = self._chat.visitors.invitation(request.path_params["token"])
        room = await self._invited_room(invitation)
        if request.method != "POST":
            return await self._show_invitation(request, room)
        name = (await _form(request)).get("name", "")
        try:
            person = await self._chat.visitors.follow(request, name)
        except Declined as declined:
            if declined.problem.code != "bad_name":
                raise
            return await self._show_invitation(request, room, declined, name)
        response = _relative(await self._enter(request, room, person))
        self._chat.visitors.remember(request, response, person)
        return response

    async def _enter(self, request: Request, room: Room | None, person: Person) -> str:
        """Let somebody in; returns where to, seen from the join link."""
        if room is not None:
            await self._chat.join(room.id, person)
            return f"../rooms/{room.id}"
        if not await self._chat.lines(person):
            await self._chat.welcome(person, self._language_of(request))
        return f"../../{self._path_name}"

    async def _invited_room(self, invitation: Invitation) -> Room | None:
        if not invitation.room:
            return None
        room = await self._chat.rooms.room(self._chat.bot, invitation.room)
        if room is None:
            raise Declined("link_invalid")
        return room

    async def _show_invitation(
        self,
        request: Request,
        room: Room | None,
        declined: Declined | None = None,
        name: str = "",
    ) -> Response:
        person = await self._chat.visitors.known(request)
        members = await self._chat.rooms.members(room.id) if room else ()
        return self._page(
            request,
            "join.html",
            status=200 if declined is None else declined.problem.status,
            person=person,
            room_title=room.title if room else self._chat.options.title,
            is_room=room is not None,
            members=[member.name for member in members][:6],
            more=max(0, len(members) - 6),
            problem=self._sentence(request, declined),
            name=name,
            name_chars_max=NAME_CHARS_MAX,
        )

    # --- showing ------------------------------------------------------------------------

    def _show(self, request: Request, state: State, status: int = 200) -> Response:
        return self._page(request, "chat.html", status, state=_script_safe(state))

    def _closed(self, request: Request) -> Response:
        return self._page(request, "closed.html", status=403)

    def _declined(self, request: Request, declined: Declined) -> Response:
        problem = self._sentence(request, declined)
        return self._page(request, "problem.html", declined.problem.status, problem=problem)

    def _sentence(self, request: Request, declined: Declined | None) -> str:
        if declined is None:
            return ""
        is_chinese = self._language_of(request) == "zh"
        return declined.problem.zh if is_chinese else declined.problem.en

    def _page(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> Response:
        language = self._language_of(request)
        theme = request.cookies.get("posthouse_theme", "auto")
        html = (
            templates_of(PACKAGE)
            .get_template(template)
            .render(
                words=PAGE_WORDS[language],
                theme=theme if theme in {"light", "dark"} else "auto",
                root=self._root(request),
                stamp=self.stamp,
                title=self._chat.options.title,
                bot_name=self._chat.options.bot_name,
                path_name=self._path_name,
                **values,
            )
        )
        return HTMLResponse(html, status_code=status, headers=HEADERS)

    def _root(self, request: Request) -> str:
        """Return the way from this page to ``<path>/``, whatever stands before it."""
        below = request.scope["path"].rpartition(self._chat.options.path)[2].strip("/")
        return "../" if "/" in below else f"{self._path_name}/"

    def _language_of(self, request: Request) -> str:
        return asked_language(request) or self._language


def _relative(address: str) -> Response:
    return RedirectResponse(address, status_code=303, headers=HEADERS)


def _script_safe(state: State) -> str:
    """Encode JSON that can stand inside a script element: nothing in it ends the element."""
    raw = msgspec.json.encode(state).decode()
    return raw.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


async def _form(request: Request) -> dict[str, str]:
    """Read a small form; what cannot be read is no field."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise Declined("too_large")
    try:
        fields = parse_qs(raw.decode("utf-8", "replace"), max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise Declined("bad_request") from None
    return {name: values[0] for name, values in fields.items()}
