"""The two ways a connection comes about: the account dials (reverse), or is dialled (forward)."""

from __future__ import annotations

import asyncio
import hmac

import aiohttp
from aiohttp import web
from msgspec import Struct

from posthouse.simulators.onebot.accounts import Account
from posthouse.simulators.onebot.desk import Desk
from posthouse.simulators.onebot.lines import FRAME_BYTES_MAX, Line, Socket
from posthouse.simulators.onebot.post import Post
from posthouse.simulators.onebot.record import ConnectionEntry
from posthouse.simulators.onebot.state import Network
from posthouse.simulators.onebot.switches import Switches
from posthouse.simulators.timing import Sleep

HANDSHAKE_S = 5.0
STOP_S = 1.0
EVENTS_ONLY, ACTIONS_ONLY, BOTH = "/event", "/api", "/"


class Place(Struct, frozen=True):
    """All that the connections of one account need."""

    network: Network
    account: Account
    desk: Desk
    post: Post
    switches: Switches
    sleep: Sleep

    def note(self, road: str, url: str) -> ConnectionEntry:
        """Write down that a connection is being made."""
        entry = ConnectionEntry(
            bot=self.account.name, road=road, url=url, began_at=self.network.now
        )
        self.network.notes.connections.add(entry)
        return entry

    async def serve(self, held: Socket, entry: ConnectionEntry, *, takes_events: bool) -> None:
        """Serve an open socket until it is closed."""
        line = Line(self, held, takes_events=takes_events)
        entry.opened_at = self.network.now
        await line.greet()
        self.post.attach(line)
        try:
            await line.run()
        finally:
            self.post.detach(line)
            entry.closed_at, entry.close_code = self.network.now, held.close_code


# --- reverse ------------------------------------------------------------------------------------


async def dial(place: Place, session: aiohttp.ClientSession, url: str) -> None:
    """Keep an account connected to its bot server until cancelled."""
    while True:
        await place.switches.until_dialling()
        entry = place.note("reverse", url)
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                held = await _connected(place.account, session, url)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            entry.problem = str(error) or type(error).__name__
        else:
            async with held:
                await place.serve(held, entry, takes_events=True)
        await place.sleep(place.account.reconnect_s)


async def _connected(
    account: Account, session: aiohttp.ClientSession, url: str
) -> aiohttp.ClientWebSocketResponse:
    headers = {
        "X-Self-ID": str(account.self_id),
        "X-Client-Role": "Universal",
        "User-Agent": "OneBot/11",
    }
    if account.token:
        headers["Authorization"] = f"Bearer {account.token}"
    return await session.ws_connect(
        url,
        headers=headers,
        autoping=False,  # who has stopped reading sends no pongs either
        max_msg_size=FRAME_BYTES_MAX,
        timeout=aiohttp.ClientWSTimeout(ws_close=STOP_S),
    )


# --- forward ------------------------------------------------------------------------------------


class Entrance:
    """A port where bot programs dial in, for one account."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.url = ""

    async def open(self) -> None:
        """Listen on loopback.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        for path in (BOTH, ACTIONS_ONLY, f"{ACTIONS_ONLY}/", EVENTS_ONLY, f"{EVENTS_ONLY}/"):
            app.router.add_get(path, self._enter)
        self._runner = web.AppRunner(app, shutdown_timeout=STOP_S, access_log=None)
        await self._runner.setup()
        port = self._place.account.forward_port or 0
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"ws://{host}:{port}"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        entry = self._place.note("forward", str(request.rel_url))
        refusal = self._refusal(request)
        if refusal is not None:
            entry.problem = f"{refusal.status}"
            return refusal
        held = web.WebSocketResponse(autoping=False, max_msg_size=FRAME_BYTES_MAX, timeout=STOP_S)
        await held.prepare(request)
        takes_events = request.path.rstrip("/") != ACTIONS_ONLY
        await self._place.serve(held, entry, takes_events=takes_events)
        return held

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Check the access token: 401 without one, 403 for a wrong one."""
        wanted = self._place.account.token
        header = request.headers.get("Authorization", "").removeprefix("Bearer ")
        given = header or request.query.get("access_token", "")
        if not wanted or hmac.compare_digest(given.encode(), wanted.encode()):
            return None
        return web.Response(status=403 if given else 401)
