"""A script that pushes: it speaks HTTP to the push API of a house on virtual time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import Message, Scope

from posthouse.api.guards import Failures
from posthouse.house import House
from posthouse.model.secret import hashed
from tests.house.kit import HouseKit

SECRET = "ph_secret"


class Answered(Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        code: str = self.json["code"]
        return code

    @property
    def states(self) -> list[str]:
        """What became of the push, chat by chat."""
        return [line["state"] for line in self.json["targets"]]


class Script:
    """Calls one house after another: a restarted one is asked like the first."""

    def __init__(self, house: HouseKit, secret: str = SECRET) -> None:
        self._house = house
        self._secret = secret

    @classmethod
    async def allowed(
        cls,
        house: HouseKit,
        *scopes: str,
        secret: str = SECRET,
        expires_at: float | None = None,
    ) -> Script:
        """A script with a token of its own."""
        await house.store.access.add_token(
            "ci", scopes or ("push",), hashed(secret), "cli", house.clock(), expires_at
        )
        return cls(house, secret)

    async def push(
        self,
        to: object = 1,
        text: str = "hello",
        *,
        key: str = "k1",
        wait: str = "",
        **more: object,
    ) -> Answered:
        """Push words, as most scripts do."""
        body = {"to": to, "text": text, **more}
        path = f"/api/v1/messages{f'?wait={wait}' if wait else ''}"
        return await self.ask("POST", path, body, **{"Idempotency-Key": key})

    async def ask(self, method: str, path: str, body: object = None, /, **headers: str) -> Answered:
        """Make any request; bytes are sent as they are, all else as JSON."""
        sent = {"Authorization": f"Bearer {self._secret}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await call(
            _app(self._house.house), method, path, raw if body is not None else b"", sent | headers
        )


def _app(house: House) -> Any:  # noqa: ANN401 - ASGI
    return Starlette(routes=house.messages().routes(), middleware=[Middleware(Failures)])


async def call(
    app: Any,  # noqa: ANN401 - ASGI
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Answered:
    """Make one request without a network."""
    path, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    said = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], found, said)
