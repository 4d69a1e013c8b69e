"""The house connects to an implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from posthouse.channels.channel import ConnectionState
from posthouse.model.delivery import Sent
from tests.channels.onebot.stage import Peer, failed, heartbeat, running, said


class Platform:
    """A server that implementations are: it remembers who came, and how."""

    def __init__(self) -> None:
        self.url = ""
        self.refuses_with = 0
        self.greeting: object = None
        self.tokens: list[str] = []
        self.peers: list[Peer] = []
        self._came = asyncio.Condition()

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.refuses_with:
            return web.Response(status=self.refuses_with)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        peer = Peer(socket)
        async with self._came:
            self.peers.append(peer)
            self._came.notify_all()
        if self.greeting is not None:
            await peer.say(self.greeting)
            await socket.close()
        await peer.serve()
        return socket

    async def until_came(self, times: int) -> Peer:
        async with self._came:
            await self._came.wait_for(lambda: len(self.peers) >= times)
        return self.peers[-1]


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    made = Platform()
    app = web.Application()
    app.router.add_get("/", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"ws://{host}:{port}/"
    try:
        yield made
    finally:
        await runner.cleanup()


async def test_it_connects_with_the_token_and_talks(tmp_path: Path) -> None:
    async with platform() as there, running(tmp_path, {"url": there.url, "token": "t"}) as stage:
        peer = await there.until_came(1)
        assert there.tokens == ["Bearer t"]
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        await peer.say(said("hi"))
        await stage.door.until_accepted(1)
        assert await stage.send() == Sent(("9001",))
        assert not stage.channel.routes()


async def test_it_comes_back_after_a_loss(tmp_path: Path) -> None:
    async with platform() as there, running(tmp_path, {"url": there.url}) as stage:
        first = await there.until_came(1)
        await stage.statuses.until_state(ConnectionState.CONNECTED)
        await first.socket.close()
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.clock.advance(60.0)
        second = await there.until_came(2)
        await second.say(said("hi"))
        await stage.door.until_accepted(1)


async def test_a_refused_token_is_said(tmp_path: Path) -> None:
    async with platform() as there:
        there.refuses_with = 401
        async with running(tmp_path, {"url": there.url, "token": "wrong"}) as stage:
            refused = await stage.statuses.until_state(ConnectionState.REFUSED)
            assert refused.is_alarming


async def test_a_token_refused_after_the_handshake_is_said_as_well(tmp_path: Path) -> None:
    async with platform() as there:
        there.greeting = failed(1403, "token验证失败") | {"echo": None}
        async with running(tmp_path, {"url": there.url, "token": "wrong"}) as stage:
            await stage.statuses.until_state(ConnectionState.REFUSED)


async def test_another_account_than_the_settings_say_is_refused(tmp_path: Path) -> None:
    async with platform() as there:
        there.greeting = said("hi")
        async with running(tmp_path, {"url": there.url, "self_id": "5"}) as stage:
            refused = await stage.statuses.until_state(ConnectionState.REFUSED)
            assert "self_id" in refused.detail
            assert stage.door.events == []


async def test_three_missed_heartbeats_are_the_end(tmp_path: Path) -> None:
    async with platform() as there, running(tmp_path, {"url": there.url}) as stage:
        peer = await there.until_came(1)
        await peer.say(heartbeat(5000), said("hi"))
        await stage.door.until_accepted(1)
        stage.clock.advance(16.0)
        lost = await stage.statuses.until_state(ConnectionState.WAITING)
        assert "dead" in lost.detail


async def test_it_asks_for_what_it_missed(tmp_path: Path) -> None:
    """What was said between two connections, in the order it was said, once."""
    async with platform() as there, running(tmp_path, {"url": there.url}) as stage:
        first = await there.until_came(1)
        await first.say(said("before", 1))
        await stage.door.until_accepted(1)
        there.greeting = None
        missed = [said("missed 3", 3), said("missed 2", 2), said("before", 1)]
        own = said("ours", 9, user_id=10001, post_type="message_sent", target_id=20001)
        old = said("old", 8, time=1)
        missed[0]["time"] += 1
        await first.socket.close()
        await stage.statuses.until_state(ConnectionState.WAITING)
        stage.clock.advance(60.0)
        second = await there.until_came(2)
        second.answers["get_friend_msg_history"] = {
            "status": "ok",
            "retcode": 0,
            "data": {"messages": [*missed, own, old]},
        }
        await second.say(said("live", 4))
        await stage.door.until_accepted(4)
        ids = [getattr(event, "message_id", "") for event in stage.door.events]
        assert ids == ["1", "2", "3", "4"]
        call = second.called("get_friend_msg_history")[0]
        assert call["params"] == {"user_id": 20001, "count": 100}
