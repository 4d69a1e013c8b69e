"""A pretended language model behind OpenAI's protocol: chat, embeddings and reranking.

``POST /v1/chat/completions`` as its documentation describes it (streamed or whole, functions,
usage), ``POST /v1/embeddings``, and ``POST /v1/rerank`` as several providers offer it. Programs
steer it by ``POST /_sim/say`` (a line of the script), ``POST /_sim/forget`` and
``GET /_sim/visible`` (every request it was sent).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

import msgspec
from aiohttp import web

from posthouse.simulators.model.script import Fault, Line, Message, Script, pieces

HOST = "127.0.0.1"
REQUESTS_KEPT_MAX = 1000
BODY_BYTES_MAX = 32 * 1024 * 1024
DIMENSIONS = 64
SILENCE_S = 3600.0


class ModelServer:
    """The server; ``async with`` opens and closes it.

    Args:
        script: what it says.
        port: 0 for any free one.
        api_key: what callers must bring; empty: nothing.
        counts_tokens: whether it knows ``stream_options``; older servers refuse them.
        sleep: waits between pieces.
    """

    def __init__(
        self,
        script: Script | None = None,
        port: int = 0,
        api_key: str = "",
        *,
        counts_tokens: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.script = script or Script()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT_MAX)
        self.cancelled = 0  # answers whose reader went away
        self.somebody_left = asyncio.Event()
        self._port = port
        self._api_key = api_key
        self._counts_tokens = counts_tokens
        self._sleep = sleep
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/embeddings", self._embeddings),
                web.post("/v1/rerank", self._rerank),
                web.post("/_sim/say", self._say),
                web.post("/_sim/forget", self._forget),
                web.get("/_sim/visible", self._visible),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        _, port = self._runner.addresses[0][:2]
        self.address = f"http://{HOST}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what a model does ------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        messages = tuple(_message(each) for each in body["messages"])
        if "stream_options" in body and not self._counts_tokens:
            return _refusal(400, "Unrecognized request argument supplied: stream_options")
        line = self.script.line_for(messages)
        if line is None:
            return _refusal(404, f"nothing in the script answers {messages[-1].text[:200]!r}")
        if (refusal := await self._fault_before(line)) is not None:
            return refusal
        told = sum(len(each.text) for each in messages)
        usage = {"prompt_tokens": told // 2, "completion_tokens": len(line.text) // 2}
        usage["total_tokens"] = sum(usage.values())
        if not body.get("stream"):
            return web.json_response(_whole(body["model"], line, usage))
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return await self._stream(request, body["model"], line, usage if wants_usage else None)

    async def _fault_before(self, line: Line) -> web.Response | None:
        match line.fault:
            case Fault.BUSY:
                headers = {"Retry-After": f"{line.retry_after_s:g}"} if line.retry_after_s else {}
                return _refusal(429, "Rate limit reached", headers)
            case Fault.BROKEN:
                return _refusal(503, "The server is overloaded")
            case Fault.REFUSED:
                return _refusal(401, "Incorrect API key provided")
            case Fault.SILENT:
                await self._sleep(SILENCE_S)
        return None

    async def _stream(
        self, request: web.Request, model: str, line: Line, usage: dict[str, int] | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        is_whole = False
        try:
            deltas = _deltas(line)
            for place, delta in enumerate(deltas):
                if line.pause_s:
                    await self._sleep(line.pause_s)
                if place == len(deltas) // 2 and line.fault is Fault.GARBAGE:
                    await response.write(b'data: {"choices": [{"delta": {"content": "\n\n')
                if place == len(deltas) // 2 and line.fault is Fault.CUT:
                    is_whole = True
                    _reset(request)
                    return response
                await _event(response, model, delta)
            if line.fault is not Fault.UNFINISHED:
                reason = "tool_calls" if line.calls else "stop"
                await _event(response, model, {}, reason)
                if usage is not None:
                    await _send(response, {**_frame(model), "choices": [], "usage": usage})
                await response.write(b"data: [DONE]\n\n")
            is_whole = True
        finally:
            if not is_whole:
                self.cancelled += 1
                self.somebody_left.set()
        return response

    async def _embeddings(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [
            {"object": "embedding", "index": place, "embedding": vector(text)}
            for place, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response(
            {"object": "list", "model": body["model"], "data": data, "usage": usage}
        )

    async def _rerank(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        query = vector(body["query"])
        ranks = [
            {"index": place, "relevance_score": math.fsum(map(_times, query, vector(text)))}
            for place, text in enumerate(body["documents"])
        ]
        ranks.sort(key=lambda rank: -float(rank["relevance_score"]))
        return web.json_response({"results": ranks})

    async def _body(self, request: web.Request) -> dict[str, Any]:
        """Read a request, and remember it."""
        given = request.headers.get("Authorization", "")
        if self._api_key and given != f"Bearer {self._api_key}":
            raise web.HTTPUnauthorized(
                text=_error("Incorrect API key provided"), content_type="application/json"
            )
        body: dict[str, Any] = await request.json()
        self.requests.append({"path": request.path, **body})
        return body

    # --- how it is steered ------------------------------------------------------------------

    async def _say(self, request: web.Request) -> web.Response:
        try:
            self.script.add(msgspec.convert(await request.json(), Line))
        except (ValueError, msgspec.MsgspecError) as problem:
            return _refusal(422, str(problem))
        return web.json_response({})

    async def _forget(self, _: web.Request) -> web.Response:
        self.script.clear()
        return web.json_response({})

    async def _visible(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": list(self.requests), "cancelled": self.cancelled})


def vector(text: str) -> list[float]:
    """Give texts that share pairs of characters similar places: enough to try a search with."""
    places = [0.0] * DIMENSIONS
    folded = "".join(text.lower().split())
    for at in range(max(1, len(folded) - 1)):
        digest = hashlib.blake2b(folded[at : at + 2].encode(errors="replace"), digest_size=4)
        number = int.from_bytes(digest.digest())
        places[number % DIMENSIONS] += 1.0 if number & DIMENSIONS else -1.0
    length = math.hypot(*places) or 1.0
    return [place / length for place in places]


def _times(one: float, other: float) -> float:
    return one * other


def _message(message: dict[str, Any]) -> Message:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(part.get("text", "") for part in content)
    return Message(str(message["role"]), content)


def _deltas(line: Line) -> list[dict[str, Any]]:
    words = [{"content": piece} for piece in pieces(line.text)]
    calls: list[dict[str, Any]] = []
    for index, call in enumerate(line.calls):
        function = {"name": call.name, "arguments": ""}
        calls.append(_call_delta(index, function, {"id": f"call_{index}", "type": "function"}))
        calls += [_call_delta(index, {"arguments": each}) for each in pieces(call.arguments)]
    return [{"role": "assistant", "content": ""}, *words, *calls]


def _call_delta(
    index: int, function: dict[str, str], first: dict[str, str] | None = None
) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": function, **(first or {})}]}


def _frame(model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model}


async def _event(
    response: web.StreamResponse, model: str, delta: dict[str, Any], reason: str | None = None
) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    await _send(response, {**_frame(model), "choices": [choice]})


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _whole(model: str, line: Line, usage: dict[str, int]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": line.text}
    if line.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(line.calls)
        ]
    reason = "tool_calls" if line.calls else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": usage,
    }


def _error(text: str) -> str:
    return json.dumps({"error": {"message": text, "type": "error", "code": None}})


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=_error(text), content_type="application/json", headers=headers
    )
