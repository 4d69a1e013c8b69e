"""Events and callbacks posted to an app's address, sealed and signed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.simulators.feishu import sealing
from posthouse.simulators.feishu.apps import App
from posthouse.simulators.feishu.events import Event
from posthouse.simulators.feishu.lines import Place
from posthouse.simulators.feishu.post import Attempt
from posthouse.simulators.timing import end, is_done_within

CHALLENGE_WITHIN_S = 1.0
CONNECT_WITHIN_S = 2.0
ANSWER_BYTES_MAX = 1024 * 1024
LATE, NOT_REACHED, NOT_OK, NO_SENSE = 200341, 200342, 200671, 200672

Cut = Callable[[], None]


class Answer(Struct, frozen=True):
    """What an address answered."""

    status: int
    body: bytes


class Webhook:
    """One address of an app."""

    def __init__(self, place: Place, session: aiohttp.ClientSession, url: str) -> None:
        self._place = place
        self._session = session
        self._url = url

    def cut(self) -> None:
        """Nothing is open between two events."""

    async def push(self, event: Event, *, hangs_up: bool) -> Attempt:
        """Post an event; 200 in time acknowledges it, and the body of a callback is its answer."""
        is_old = event.is_callback and self._place.switches.card_style == "v1"
        body, headers = self._old_card(event) if is_old else self._written(event.body)
        answer = await self._post(body, headers, self._place.settings.ack_s, hangs_up=hangs_up)
        if isinstance(answer, Attempt):
            return answer
        if answer.status != HTTPStatus.OK:
            return Attempt(problem=f"HTTP {answer.status}", code=NOT_OK)
        return _read(answer) if event.is_callback else Attempt()

    async def challenge(self) -> str:
        """Ask the address to prove that it is the app's; returns what is wrong, or nothing."""
        challenge = self._place.tenant.new_id()
        asked = {
            "challenge": challenge,
            "token": self._token(),
            "type": "url_verification",
        }
        body, _ = self._written(asked)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = await self._post(body, headers, CHALLENGE_WITHIN_S, hangs_up=False)
        if isinstance(answer, Attempt):
            return answer.problem
        if answer.status != HTTPStatus.OK:
            return f"HTTP {answer.status}"
        try:
            said = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            return "the answer is no JSON"
        is_right = isinstance(said, dict) and said.get("challenge") == challenge
        return "" if is_right else "the answer has not the challenge"

    async def _post(
        self, body: bytes, headers: Mapping[str, str], within_s: float, *, hangs_up: bool
    ) -> Answer | Attempt:
        posting = asyncio.ensure_future(self._posted(body, headers, hangs_up=hangs_up))
        try:
            if not await is_done_within(self._place.sleep, within_s, posting):
                return Attempt(problem=f"no answer within {within_s:g} s", code=LATE)
            return posting.result()
        except (aiohttp.ClientError, OSError) as error:
            return Attempt(problem=f"not reached: {error}", code=NOT_REACHED)
        finally:
            await end(posting)

    async def _posted(
        self, body: bytes, headers: Mapping[str, str], *, hangs_up: bool
    ) -> Answer | Attempt:
        async with self._session.post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            if hangs_up:
                response.close()
                return Attempt(problem="hung up", code=LATE)
            return Answer(response.status, (await response.content.read(ANSWER_BYTES_MAX)))

    # --- what is sent ---------------------------------------------------------------------------

    def _written(self, body: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """Write a body as the app wants it, and what proves that it is genuine."""
        app, switches, tenant = self._place.app, self._place.switches, self._place.tenant
        raw = msgspec.json.encode(self._with_token(body))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if not app.encrypt_key:
            return raw, headers
        if switches.is_sealed:
            raw = sealing.seal(app.encrypt_key, raw, bytes.fromhex(tenant.new_id()))
        if switches.signature != "none":
            signed = sealing.signature(*self._stamps(headers), app.encrypt_key, raw)
            headers["X-Lark-Signature"] = self._as_told(signed)
        return raw, headers

    def _old_card(self, event: Event) -> tuple[bytes, dict[str, str]]:
        """Write a press as the old message card address gets it: flat, not sealed."""
        pressed = event.body["event"]
        operator, context = pressed["operator"], pressed["context"]
        raw = msgspec.json.encode(
            {
                "open_id": operator["open_id"],
                "user_id": operator.get("user_id", ""),
                "open_message_id": context["open_message_id"],
                "open_chat_id": context["open_chat_id"],
                "tenant_key": operator["tenant_key"],
                "token": pressed["token"],
                "action": pressed["action"],
            }
        )
        headers = {"Content-Type": "application/json; charset=utf-8"}
        stamps = self._stamps(headers)
        if self._place.switches.signature != "none":
            signed = sealing.card_signature(*stamps, self._place.app.verification_token, raw)
            headers["X-Lark-Signature"] = self._as_told(signed)
        return raw, headers

    def _stamps(self, headers: dict[str, str]) -> tuple[str, str]:
        timestamp, nonce = str(int(self._place.tenant.now)), self._place.tenant.new_id(digits=10)
        headers["X-Lark-Request-Timestamp"] = timestamp
        headers["X-Lark-Request-Nonce"] = nonce
        return timestamp, nonce

    def _as_told(self, signed: str) -> str:
        is_right = self._place.switches.signature == "right"
        return signed if is_right else signed[::-1]

    def _with_token(self, body: dict[str, Any]) -> dict[str, Any]:
        if self._place.switches.token == "right":  # noqa: S105 - a switch
            return body
        if "header" in body:
            return {**body, "header": {**body["header"], "token": self._token()}}
        return {**body, "token": self._token()}

    def _token(self) -> str:
        app: App = self._place.app
        is_right = self._place.switches.token == "right"  # noqa: S105 - a switch
        return app.verification_token if is_right else "somebody-elses-token"


def _read(answer: Answer) -> Attempt:
    """Read the answer to a press: an object, an empty one for nothing to say."""
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return Attempt(problem="the answer is no JSON", code=NO_SENSE)
    if not isinstance(said, dict):
        return Attempt(problem="the answer is no object", code=NO_SENSE)
    return Attempt(answer=said)
