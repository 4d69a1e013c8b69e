"""Who is asking, and whether they may: cookies, join links, the own machine, foreign sites."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from posthouse.channels.web.crypto import Identity, Invitation, Signer
from posthouse.channels.web.mentions import bot_names
from posthouse.channels.web.pace import Buckets
from posthouse.channels.web.settings import NAME_CHARS_MAX, TITLE_CHARS_MAX
from posthouse.channels.web.words import Declined
from posthouse.model.address import Person
from posthouse.store.rooms import Member, Room, Rooms

COOKIE_AGE_S = 365 * 86400
_ENTRIES_PER_S, _ENTRIES_BURST = 0.5, 10  # new people from one address
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]+)?")
_JOINERS = frozenset({"\u200d", "\ufe0f"})  # inside emoji


class Seat(Struct, frozen=True):
    """A room, and the member who asks."""

    room: Room
    me: Member


class Visitors:
    """The doorkeeper of one web bot."""

    def __init__(  # noqa: PLR0913 - it knows everything that decides about a request, once
        self,
        bot: str,
        bot_name: str,
        rooms: Rooms,
        signer: Signer,
        *,
        is_open_here: bool,
        public_url: str,
        clock: Callable[[], float],
        new_key: Callable[[], str],
    ) -> None:
        self._bot = bot
        self._bot_names = {person.name.casefold() for person in bot_names(bot_name)}
        self._rooms = rooms
        self._signer = signer
        self._is_open_here = is_open_here
        self._public = urlsplit(public_url)
        self._clock = clock
        self._new_key = new_key
        self._cookie = f"posthouse_{bot}_{signer.installation}"
        self._entries = Buckets(_ENTRIES_PER_S, _ENTRIES_BURST, clock)

    # --- who ----------------------------------------------------------------------------

    async def known(self, request: Request) -> Person | None:
        """Return who asks, by their signed cookie; None for a stranger."""
        identity = self._signer.identified(request.cookies.get(self._cookie, ""))
        if identity is None or identity.bot != self._bot:
            return None
        name = await self._rooms.person_name(self._bot, identity.person)
        return None if name is None else Person(id=identity.person, name=name)

    async def person(self, request: Request) -> Person:
        """Return who asks.

        Raises:
            Declined: nobody we know.
        """
        person = await self.known(request)
        if person is None:
            raise Declined("needs_name" if self.is_local(request) else "not_signed_in")
        return person

    async def seat(self, request: Request) -> Seat:
        """Return the room in the address and the member who asks.

        Raises:
            Declined: nobody we know; or no such room, or not their room: no one can tell which.
        """
        person = await self.person(request)
        room = await self._rooms.room(self._bot, request.path_params["room"])
        member = None if room is None else await self._rooms.member(room.id, person.id)
        if room is None or member is None:
            raise Declined("room_not_found")
        return Seat(room, member)

    # --- may they -----------------------------------------------------------------------

    def is_local(self, request: Request) -> bool:
        """Whether somebody at this very machine asks, so that they may enter without a link.

        A proxy makes everybody look local, so whatever came through one is not; nor is a page
        of another name that resolves to this machine.
        """
        peer = request.client.host if request.client else ""
        named = _HOST.fullmatch(request.headers.get("host", "").casefold())
        name = named[1].strip("[]") if named else ""
        is_forwarded = any(header in request.headers for header in _FORWARDING)
        return self._is_open_here and not is_forwarded and is_loopback(peer) and is_loopback(name)

    def check_origin(self, request: Request) -> None:
        """Refuse changes that another site's page asks for.

        Raises:
            Declined: it is another site's. Programs send no Origin, browsers always do.
        """
        if request.method in _SAFE_METHODS:
            return
        origin = request.headers.get("origin")
        if origin is None:
            if request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}:
                return
            raise Declined("foreign_origin")
        asked = urlsplit(origin)
        host = request.headers.get("host", "").casefold()
        ours = {host, self._public.netloc.casefold()} - {""}
        if asked.scheme not in {"http", "https"} or asked.netloc.casefold() not in ours:
            raise Declined("foreign_origin")

    def check_owner(self, seat: Seat) -> None:
        if seat.me.role != "owner":
            raise Declined("owner_only")

    # --- coming in ----------------------------------------------------------------------

    async def name(self, request: Request, wanted: str) -> tuple[Person, tuple[str, ...]]:
        """Give who asks a name, entering them first when they are new and may.

        Returns them and the rooms that show the name.

        Raises:
            Declined: the name is none, or they need a link.
        """
        known = await self.known(request)
        if known is None and not self.is_local(request):
            raise Declined("not_signed_in")
        return await self._enter(request, known, wanted)

    def invitation(self, token: str) -> Invitation:
        """Return what a join link says.

        Raises:
            Declined: it is not one of ours, or too old.
        """
        invitation = self._signer.invited(token, self._clock())
        if invitation is None or invitation.bot != self._bot:
            raise Declined("link_invalid")
        return invitation

    async def follow(self, request: Request, wanted: str) -> Person:
        """Let somebody with a valid invitation in; who is known keeps their name."""
        known = await self.known(request)
        return known or (await self._enter(request, None, wanted))[0]

    async def _enter(
        self, request: Request, known: Person | None, wanted: str
    ) -> tuple[Person, tuple[str, ...]]:
        name = self._good_name(wanted)
        if known is None:
            self._entries.check(request.client.host if request.client else "")
        person = Person(id=known.id if known else f"p{self._new_key()[:24]}", name=name)
        shown_in = await self._rooms.name_person(self._bot, person.id, name, self._clock())
        return person, shown_in

    def _good_name(self, wanted: str) -> str:
        name = tidy(wanted)
        if not 0 < len(name) <= NAME_CHARS_MAX or name.casefold() in self._bot_names:
            raise Declined("bad_name")
        return name

    def remember(self, request: Request, response: Response, person: Person) -> None:
        """Give the browser the cookie by which it is known from now on."""
        is_public = request.headers.get("host", "").casefold() == self._public.netloc.casefold()
        scheme = self._public.scheme if is_public else request.url.scheme
        response.set_cookie(
            self._cookie,
            self._signer.identify(Identity(self._bot, person.id)),
            max_age=COOKIE_AGE_S,
            httponly=True,
            samesite="lax",
            secure=scheme == "https",
        )


def is_loopback(host: str) -> bool:
    """Whether an address or a host's name can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def tidy(text: str) -> str:
    """Make a name fit one line: no control or direction characters, single spaces."""
    visible = "".join(
        character if character in _JOINERS or unicodedata.category(character)[0] != "C" else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return " ".join(visible.split())


def good_title(wanted: str) -> str:
    """Return a room's title.

    Raises:
        Declined: there is nothing to read in it, or too much.
    """
    title = tidy(wanted)
    if not 0 < len(title) <= TITLE_CHARS_MAX:
        raise Declined("bad_title")
    return title
