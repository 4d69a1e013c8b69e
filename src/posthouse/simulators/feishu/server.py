"""The tenant running: discovery, long connections, REST and the control surface on one address."""

from __future__ import annotations

import asyncio
from typing import Self

import aiohttp
from aiohttp import web

from posthouse.simulators.feishu.cardkit import CardKit
from posthouse.simulators.feishu.console import Console
from posthouse.simulators.feishu.control import Control
from posthouse.simulators.feishu.desk import Desk
from posthouse.simulators.feishu.directory import Directory
from posthouse.simulators.feishu.entrance import DISCOVERY, SOCKET, Entrance
from posthouse.simulators.feishu.exchange import Exchange
from posthouse.simulators.feishu.faults import FaultPlan
from posthouse.simulators.feishu.files import UPLOAD_BYTES_MAX, Files
from posthouse.simulators.feishu.reactions import Reactions
from posthouse.simulators.feishu.settings import TenantSettings
from posthouse.simulators.feishu.tenant import Tenant
from posthouse.simulators.feishu.webhook import CONNECT_WITHIN_S
from posthouse.simulators.timing import Sleep

STOP_S = 1.0  # how long a stopping tenant waits for its guests
SOCKETS_MAX = 512


class FeishuServer(Exchange):
    """A running tenant. ``address`` is good between ``start`` and ``stop``."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        settings: TenantSettings | None = None,
        faults: FaultPlan | None = None,
        sleep: Sleep = asyncio.sleep,
        port: int = 0,
    ) -> None:
        super().__init__(tenant, settings=settings, faults=faults, sleep=sleep)
        self.address = ""
        self._port = port
        self._desk = Desk(tenant, self.settings, self.tokens, self.faults, sleep)
        self._entrance = Entrance(
            tenant, self.settings, self.switches, self._posts, self.faults, sleep
        )

    async def start(self) -> None:
        """Listen on loopback.

        Raises:
            OSError: the port is taken.
        """
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=SOCKETS_MAX),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S),
        )
        self._runner = web.AppRunner(
            self._app(), shutdown_timeout=STOP_S, access_log=None, handler_cancellation=True
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self.stop()
            raise
        host, port = self._runner.addresses[0][:2]
        self.address = self._entrance.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close every socket; what was not acknowledged stays so."""
        for post in self._posts.values():
            await post.stop()
        await asyncio.gather(*(self.kick(name) for name in self._posts))
        await self._session.close()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=UPLOAD_BYTES_MAX)
        app.router.add_post(DISCOVERY, self._entrance.discover)
        app.router.add_get(SOCKET, self._entrance.connect)
        desks = (
            self.messages.endpoints(),
            Reactions(self.tenant, self.people, self.emit).endpoints(),
            CardKit(self.tenant, self.settings, self.cards).endpoints(),
            Directory(self.tenant).endpoints(),
            Files(self.tenant).endpoints(),
        )
        endpoints = tuple(each for desk in desks for each in desk)
        console = Console(self._posts, self.switches, endpoints)
        app.add_routes(self._desk.routes((*endpoints, *console.endpoints())))
        app.add_routes(Control(self).routes())
        return app
