"""A process of its own that stands in for Feishu: it brings messages, and times the answers.

``python -m posthouse.cli.bench.feishu_wire`` prints its address, and later one line of JSON for
each line of JSON that it reads: how many messages, how many at once, and, where they come by the
clock, how many a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMsgType, web

from posthouse.simulators.feishu import frames
from posthouse.simulators.feishu.frames import DATA, Frame

CHATS = 500
SERVICE = 33554678
SOCKET = "/ws/v2"
PADDING = "x" * 200


class Feishu:
    """As much of it as a bot needs that hears and says nothing."""

    def __init__(self) -> None:
        self.address = ""
        self._held: web.WebSocketResponse | None = None
        self._held_by = asyncio.Event()
        self._prefix = f"{time.time_ns():x}"
        self._count = 0
        self._due_at: dict[str, float] = {}
        self._times_s: list[float] = []
        self._free = asyncio.Semaphore(0)
        self._all_are_back = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/callback/ws/endpoint", self._discover)
        app.router.add_get(SOCKET, self._hold)
        app.router.add_route("*", "/open-apis/{rest:.*}", self._answer)
        return app

    async def _discover(self, _: web.Request) -> web.Response:
        url = f"{self.address.replace('http', 'ws', 1)}{SOCKET}?service_id={SERVICE}"
        return web.json_response({"code": 0, "msg": "", "data": {"URL": url}})

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.match_info["rest"]
        if path.startswith("auth/"):
            return web.json_response({"code": 0, "tenant_access_token": "t-0", "expire": 7200})
        named = {"name": "Somebody"}
        data = {"user": named} if path.startswith("contact/") else {**named, "chat_mode": "p2p"}
        return web.json_response({"code": 0, "bot": {"open_id": "ou_me"}, "data": data})

    async def _hold(self, request: web.Request) -> web.WebSocketResponse:
        held = web.WebSocketResponse()
        await held.prepare(request)
        self._held = held
        self._held_by.set()
        async for message in held:
            if message.type is WSMsgType.BINARY:
                self._hear(message.data)
        return held

    def _hear(self, raw: bytes) -> None:
        frame = frames.decode(raw)
        due_at = self._due_at.pop(frame.header("message_id"), None)
        if due_at is None:
            return  # a ping
        self._times_s.append(time.perf_counter() - due_at)
        self._free.release()
        if not self._due_at:
            self._all_are_back.set()

    async def bring(self, messages: int, at_once: int, per_s: float) -> dict[str, float]:
        """Bring messages: so many at once, or so many a second whatever comes back."""
        await self._held_by.wait()
        self._times_s.clear()
        self._free = asyncio.Semaphore(at_once)
        began_at = time.perf_counter()
        for number in range(messages):
            due_at = began_at + number / per_s if per_s else 0.0
            await (asyncio.sleep(due_at - time.perf_counter()) if per_s else self._free.acquire())
            await self._send(due_at or time.perf_counter())
        self._all_are_back.clear()
        if self._due_at:
            await self._all_are_back.wait()
        elapsed_s = time.perf_counter() - began_at
        times = sorted(self._times_s)
        return {
            "rate": messages / elapsed_s,
            "p50_s": times[len(times) // 2],
            "p99_s": times[int(len(times) * 0.99)],
            "max_s": times[-1],
        }

    async def _send(self, due_at: float) -> None:
        assert self._held is not None
        self._count += 1
        message_id = f"{self._prefix}{self._count:x}"
        self._due_at[message_id] = due_at
        await self._held.send_bytes(frames.encode(_frame(message_id, self._count)))


def _frame(message_id: str, number: int) -> Frame:
    headers = {
        "timestamp": f"{time.time() * 1000:.0f}",
        "type": "event",
        "message_id": message_id,
        "sum": "1",
        "seq": "0",
        "trace_id": message_id,
        "instance_id": "instance",
    }
    return Frame(
        seq_id=number,
        log_id=1 << 50,
        service=SERVICE,
        method=DATA,
        headers=tuple(headers.items()),
        payload=json.dumps(_event(message_id, number), separators=(",", ":")).encode(),
        log_id_new=message_id,
    )


def _event(message_id: str, number: int) -> dict[str, Any]:
    now_ms = f"{time.time() * 1000:.0f}"
    chat = number % CHATS
    ids = {"open_id": f"ou_{chat:032x}", "union_id": f"on_{chat:032x}"}
    message = {
        "message_id": f"om_{message_id}",
        "create_time": now_ms,
        "update_time": now_ms,
        "chat_id": f"oc_{chat:032x}",
        "chat_type": "p2p",
        "message_type": "text",
        "content": json.dumps({"text": f"m-{number} {PADDING}"}),
    }
    return {
        "schema": "2.0",
        "header": {
            "event_id": message_id,
            "event_type": "im.message.receive_v1",
            "create_time": now_ms,
            "token": "",
            "app_id": "cli_0",
            "tenant_key": "tenant",
        },
        "event": {"sender": {"sender_id": ids, "sender_type": "user"}, "message": message},
    }


async def _lines() -> AsyncIterator[dict[str, Any]]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield json.loads(line)


async def serve() -> None:
    """Serve, and do what is read, until there is nothing more to read."""
    feishu = Feishu()
    runner = web.AppRunner(feishu.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    feishu.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    _tell({"address": feishu.address})
    async for asked in _lines():
        _tell(await feishu.bring(**asked))
    await runner.cleanup()


def _tell(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - its output


def main() -> None:
    """Run from the command line."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
