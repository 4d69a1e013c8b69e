"""The chat's own interface: people and rooms. Pages and the terminal chat use the same one.

Errors are ``{"code", "zh", "en"}``. Nobody learns about rooms they are not in. A change is answered
when it is in the road's book; 503 means: send it again, under the same key.
"""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from posthouse.channels.web.chat import Chat
from posthouse.channels.web.codec import TypingNow
from posthouse.channels.web.exchange import Endpoint, json, read_body
from posthouse.channels.web.pace import Buckets
from posthouse.channels.web.settings import NUMBER_MAX, ROOMS_PER_PERSON_MAX
from posthouse.channels.web.visitors import Seat, good_title, tidy
from posthouse.channels.web.words import Declined, asked_language
from posthouse.model.address import ChatKind
from posthouse.store.rooms import Room

INVITATION_S_MAX = 366 * 86400.0
PREFERENCE_AGE_S = 365 * 86400


class NameBody(Struct):
    name: str


class PreferencesBody(Struct):
    language: str = ""  # zh or en
    theme: str = ""  # light, dark or auto


class RoomBody(Struct):
    title: str = ""
    kind: ChatKind = ChatKind.GROUP


class TitleBody(Struct):
    title: str


class InvitationBody(Struct):
    expires_s: float = 0.0  # 0: the bot's usual


class ReadBody(Struct):
    number: int


class PeopleAndRooms:
    """Who is here, where they meet, and who may come in."""

    def __init__(self, chat: Chat, pace: Buckets) -> None:
        self._chat = chat
        self._pace = pace

    def table(self) -> list[tuple[str, str, Endpoint]]:
        return [
            ("GET", "/me", self._me),
            ("PUT", "/me", self._name),
            ("PUT", "/preferences", self._preferences),
            ("GET", "/rooms", self._rooms),
            ("POST", "/rooms", self._create),
            ("GET", "/rooms/{room}", self._room),
            ("PATCH", "/rooms/{room}", self._retitle),
            ("POST", "/rooms/{room}/invitations", self._invite),
            ("POST", "/rooms/{room}/leave", self._leave),
            ("DELETE", "/rooms/{room}/members/{person}", self._remove),
            ("POST", "/rooms/{room}/read", self._read),
            ("POST", "/rooms/{room}/typing", self._typing),
        ]

    async def _me(self, request: Request) -> Response:
        person = await self._chat.visitors.person(request)
        return json({"id": person.id, "name": person.name})

    async def _name(self, request: Request) -> Response:
        body = await read_body(request, NameBody)
        visitors = self._chat.visitors
        was_known = await visitors.known(request) is not None
        person, shown_in = await visitors.name(request, body.name)
        if not was_known:
            await self._chat.welcome(person, asked_language(request))
        for room in shown_in:
            self._chat.live.changed(room)
        response = json({"id": person.id, "name": person.name})
        visitors.remember(request, response, person)
        return response

    async def _preferences(self, request: Request) -> Response:
        body = await read_body(request, PreferencesBody)
        response = json({})
        for name, value, allowed in (
            ("language", body.language, {"zh", "en"}),
            ("theme", body.theme, {"light", "dark", "auto"}),
        ):
            if value and value not in allowed:
                raise Declined("bad_request")
            if value:
                response.set_cookie(
                    f"posthouse_{name}",
                    value,
                    max_age=PREFERENCE_AGE_S,
                    httponly=True,
                    samesite="lax",
                )
        return response

    # --- rooms --------------------------------------------------------------------------

    async def _rooms(self, request: Request) -> Response:
        return json(await self._chat.lines(await self._chat.visitors.person(request)))

    async def _create(self, request: Request) -> Response:
        person = await self._chat.visitors.person(request)
        body = await read_body(request, RoomBody)
        self._pace.check(person.id)
        is_private = body.kind is ChatKind.PRIVATE and not tidy(body.title)
        title = self._chat.options.bot_name if is_private else good_title(body.title)
        if len(await self._chat.lines(person)) >= ROOMS_PER_PERSON_MAX:
            raise Declined("rooms_too_many")
        room = await self._chat.open_room(person, body.kind, title, asked_language(request))
        me = await self._chat.rooms.member(room.id, person.id)
        assert me is not None
        return json(await self._chat.page(Seat(room, me)), status=201)

    async def _room(self, request: Request) -> Response:
        return json(await self._chat.page(await self._chat.visitors.seat(request)))

    async def _retitle(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        self._chat.visitors.check_owner(seat)
        title = good_title((await read_body(request, TitleBody)).title)
        self._pace.check(seat.me.id)
        await self._chat.rooms.retitle(seat.room.id, title)
        self._chat.live.changed(seat.room.id)
        return json({})

    async def _invite(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        self._chat.visitors.check_owner(seat)
        body = await read_body(request, InvitationBody)
        if seat.room.kind is not ChatKind.GROUP or not 0 <= body.expires_s <= INVITATION_S_MAX:
            raise Declined("bad_request")
        link, expires_at = self._chat.join_link(seat.room.id, body.expires_s)
        return json({"link": link, "expires_at": expires_at})

    async def _leave(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        return await self._let_out(seat.room, seat.me.id)

    async def _remove(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        self._chat.visitors.check_owner(seat)
        return await self._let_out(seat.room, request.path_params["person"])

    async def _let_out(self, room: Room, person: str) -> Response:
        await self._chat.rooms.leave(room.id, person, self._chat.clock())
        await self._chat.tell(room.id)
        return json({})

    async def _read(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        number = (await read_body(request, ReadBody)).number
        if not 0 <= number <= NUMBER_MAX:
            raise Declined("bad_request")
        await self._chat.rooms.mark_read(seat.room.id, seat.me.id, number)
        return json({})

    async def _typing(self, request: Request) -> Response:
        seat = await self._chat.visitors.seat(request)
        self._pace.check(seat.me.id)
        now = self._chat.clock()
        self._chat.live.passing(seat.room.id, TypingNow(seat.me.id, seat.me.name, now))
        return json({})
