"""Calls to the probe platform, and what their ends mean. Nothing here raises.

Two tables decide: ``_BY_ERROR`` for calls that got no answer, ``_BY_CODE`` for refusals. What is in
neither is unclear, because a wrong "certainly not sent" would say a message twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.channel import Verb
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown
from posthouse.model.errors import Refused
from posthouse.testing.probe.codec import UNREADABLE, Call

CONNECT_WITHIN_S = 5.0
CREDENTIALS_RETRY_S = 60.0  # an operator has to act first
ANSWER_BYTES_MAX = 1024 * 1024
CHUNK_BYTES = 64 * 1024


class Answer(Struct, frozen=True):
    """What the platform said, whichever road it came by."""

    status: int
    body: bytes
    retry_after_s: float | None = None


class _Done(Struct, frozen=True):
    message_id: str = ""


class _Found(Struct, frozen=True):
    message_id: str


class _Search(Struct, frozen=True):
    messages: tuple[_Found, ...]


class _Refusal(Struct, frozen=True):
    code: str


# The first that fits counts: several of these are special cases of a later one.
_BY_ERROR: tuple[tuple[type[BaseException], Outcome], ...] = (
    (aiohttp.ConnectionTimeoutError, NotSent("cannot_reach")),
    (aiohttp.ClientConnectorError, NotSent("cannot_reach")),  # DNS, connect, TLS
    (aiohttp.ClientSSLError, NotSent("cannot_reach")),
    (aiohttp.InvalidURL, NotSent("cannot_reach")),
    (TimeoutError, Unknown("timed_out")),
)

_BY_CODE: Mapping[str, NotSent] = {
    "bad_token": NotSent("refused_by_platform bad_token", CREDENTIALS_RETRY_S),
    "cannot_edit": NotSent("cannot_edit", is_final=True),
    "cannot_recall": NotSent("cannot_recall", is_final=True),
    "recall_too_late": NotSent("recall_too_late", is_final=True),
    "no_such_message": NotSent("not_found_on_platform", is_final=True),
    "too_long": NotSent("too_long", is_final=True),
    "ledger_full": NotSent("refused_by_platform ledger_full", is_final=True),
}


def outcome_of_error(error: BaseException, verb: Verb) -> Outcome:
    """Say what is known about a call that got no answer."""
    fits = (outcome for kind, outcome in _BY_ERROR if isinstance(error, kind))
    return _for_verb(next(fits, Unknown("cut")), verb)


def outcome_of_answer(answer: Answer, verb: Verb) -> Outcome:
    """Say what an answer means."""
    return _for_verb(_outcome(answer, verb), verb)


def _for_verb(outcome: Outcome, verb: Verb) -> Outcome:
    """A search that was refused found nothing out; ``NotSent`` would mean "it is not there"."""
    is_search = verb is Verb.LOOK_UP and isinstance(outcome, NotSent)
    if is_search and outcome != _ABSENT and isinstance(outcome, NotSent):
        return Unknown(outcome.reason)
    return outcome


_ABSENT = NotSent("not_found_on_platform")


def _outcome(answer: Answer, verb: Verb) -> Outcome:
    match answer.status:
        case 200 | 204:
            return _success(answer.body, verb)
        case 429:
            return NotSent("rate_limited", answer.retry_after_s)
        case status if 400 <= status < 500 or status == 507:
            return _refusal(answer)
        case _:
            return Unknown("platform_error")


def _success(body: bytes, verb: Verb) -> Outcome:
    try:
        if verb is Verb.LOOK_UP:
            found = msgspec.json.decode(body, type=_Search).messages
            return Sent(tuple(message.message_id for message in found)) if found else _ABSENT
        done = msgspec.json.decode(body or b"{}", type=_Done)
    except UNREADABLE:
        return Unknown("cut")  # half an answer
    return Sent((done.message_id,)) if done.message_id else Sent()


def _refusal(answer: Answer) -> Outcome:
    try:
        code = msgspec.json.decode(answer.body, type=_Refusal).code
    except UNREADABLE:
        code = str(answer.status)
    return _BY_CODE.get(code, NotSent(f"refused_by_platform {code}", is_final=True))


class Client:
    """The platform's HTTP side, as one bot."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, bot: str, token: str, within_s: float
    ) -> None:
        self._session = session
        self._base_url = f"{base_url.rstrip('/')}/v1"
        self._bot = quote(bot, safe="")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = aiohttp.ClientTimeout(total=within_s, connect=CONNECT_WITHIN_S)

    async def perform(self, call: Call) -> Outcome:
        """Make a call by HTTP."""
        try:
            return outcome_of_answer(await self._request(call), call.verb)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return outcome_of_error(error, call.verb)

    async def _request(self, call: Call) -> Answer:
        method, path = self._road(call)
        async with self._session.request(
            method,
            f"{self._base_url}/bots/{self._bot}/{path}",
            data=None if call.body is None else msgspec.json.encode(call.body),
            headers={**self._headers, "Content-Type": "application/json"},
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            body = await response.content.read(ANSWER_BYTES_MAX)
            return Answer(response.status, body, _seconds(response.headers.get("Retry-After")))

    def _road(self, call: Call) -> tuple[str, str]:
        chat, message = quote(call.chat, safe=""), quote(call.message_id, safe="")
        match call.verb:
            case Verb.SEND:
                return "POST", "messages"
            case Verb.EDIT:
                return "PATCH", f"messages/{message}"
            case Verb.RECALL:
                return "DELETE", f"messages/{message}"
            case Verb.LOOK_UP:
                return "GET", f"chats/{chat}/messages?key={quote(call.key, safe='')}"
            case Verb.TYPING:
                return "POST", f"chats/{chat}/typing"

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open the long connection; pings come to the reader, since they are a sign of life.

        Raises:
            aiohttp.ClientError: it cannot be opened.
        """
        return await self._session.ws_connect(
            f"{self._base_url}/connect?bot={self._bot}",
            headers=self._headers,
            autoping=False,
            max_msg_size=ANSWER_BYTES_MAX,
        )

    async def download(self, ref: str, bytes_max: int) -> AsyncIterator[bytes]:
        """Yield a file's bytes.

        Raises:
            Refused: the platform does not give it, or it is longer than ``bytes_max``.
        """
        url = f"{self._base_url}/bots/{self._bot}/media/{quote(ref, safe='')}"
        async with self._session.get(url, headers=self._headers, timeout=self._timeout) as response:
            if response.status != 200:
                raise Refused(f"the platform does not give the file: {response.status}")
            taken = 0
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                taken += len(chunk)
                if taken > bytes_max:
                    raise Refused(f"the file is longer than {bytes_max} bytes")
                yield chunk

    async def close(self) -> None:
        await self._session.close()


def _seconds(header: str | None) -> float | None:
    """Read a ``Retry-After`` in seconds; one that is no number of them is as if not given."""
    try:
        return max(0.0, min(float(header), RETRY_AFTER_S_MAX)) if header else None
    except ValueError:
        return None


RETRY_AFTER_S_MAX = 3600.0
