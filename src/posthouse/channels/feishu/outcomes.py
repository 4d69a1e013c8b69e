"""What Feishu's answers mean. Pure: the same code says different things at different endpoints.

Source: open.feishu.cn, the error tables of each endpoint and "General error codes". Success is
``code`` 0, never the HTTP status. What stands in no table is final when the platform refuses, and
unclear when it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.channels.feishu.contents import UNREADABLE
from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown

CREDENTIALS_RETRY_S = 60.0  # an operator has to act first
TOKEN_RETRY_S = 5.0  # a second token that is refused as well: the platform's own trouble
QUOTA_RETRY_S = 3600.0
RETRY_S_MAX = 600.0


class Endpoint(StrEnum):
    """The calls whose codes we know."""

    SEND = "send"
    REPLY = "reply"
    EDIT = "edit"  # text or post
    UPDATE_CARD = "update_card"
    RECALL = "recall"
    REACT = "react"
    UPLOAD = "upload"
    CARDKIT = "cardkit"
    READ = "read"


class Reply(Struct, frozen=True):
    """What came back from a call."""

    status: int
    code: int | None  # None: the body was not the platform's
    body: bytes = b""
    retry_after_s: float | None = None

    @property
    def is_ok(self) -> bool:
        return self.code == 0

    @property
    def has_failed(self) -> bool:
        """Whether the platform broke down over it: nobody can tell how far it came."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class _Codes(Struct, frozen=True):
    code: int


class _Message(Struct, frozen=True):
    message_id: str = ""


class _Data(Struct, frozen=True):
    data: _Message = _Message()


def read_reply(status: int, body: bytes, reset_s: str | None) -> Reply:
    """Read an answer; ``reset_s`` is the header that says how long to wait."""
    try:
        code: int | None = msgspec.json.decode(body, type=_Codes).code
    except UNREADABLE:
        code = None
    return Reply(status, code, body, _seconds(reset_s))


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, min(float(header), RETRY_S_MAX)) if header else None
    except ValueError:
        return None


# --- codes ---------------------------------------------------------------------------------

_LATER = NotSent("rate_limited", retry_after_s=1.0)
_GONE = NotSent("not_found_on_platform", is_final=True)
_DONE = Sent()

TOKEN_CODES = frozenset({99991661, 99991663, 99991664, 99991665, 99991668, 99991671})
CREDENTIAL_CODES = frozenset({10003, 10014, 10015, 99991401, 99991662, 99991673})
_OPERATOR_CODES = frozenset({99991662, 99991672, 99991673, 99991401, 10014, 10015, 230006})

_ANYWHERE: Mapping[int, Outcome] = {
    99991400: _LATER,  # too many calls of this app
    230020: _LATER,  # too many messages in this chat
    11232: _LATER,
    11233: _LATER,
    11247: NotSent("rate_limited", retry_after_s=QUOTA_RETRY_S),  # the day's quota of messages
    99991403: NotSent("rate_limited", retry_after_s=QUOTA_RETRY_S),  # the month's quota of calls
    230049: Unknown("platform_error"),  # an earlier call with this key is still being worked on
    230025: NotSent("too_long", is_final=True),
    **dict.fromkeys(TOKEN_CODES, NotSent("refused_by_platform", retry_after_s=TOKEN_RETRY_S)),
    **dict.fromkeys(
        _OPERATOR_CODES, NotSent("refused_by_platform", retry_after_s=CREDENTIALS_RETRY_S)
    ),
}

_AT: Mapping[Endpoint, Mapping[int, Outcome]] = {
    Endpoint.EDIT: {
        230011: _GONE,
        230110: _GONE,
        99992354: _GONE,
        230072: NotSent("cannot_edit 230072", is_final=True),  # edited 20 times
        230075: NotSent("cannot_edit 230075", is_final=True),  # the tenant's window is over
        230071: NotSent("cannot_edit 230071", is_final=True),  # not its sender
    },
    Endpoint.UPDATE_CARD: {
        230011: _GONE,
        230110: _GONE,
        99992354: _GONE,
        230031: NotSent("cannot_edit 230031", is_final=True),  # older than 14 days
    },
    Endpoint.RECALL: {
        230011: _DONE,
        230110: _DONE,
        99992354: _GONE,
        230009: NotSent("recall_too_late", is_final=True),
        230026: NotSent("cannot_recall", is_final=True),
    },
    Endpoint.REACT: {
        230011: _GONE,
        230110: _GONE,
        231003: _GONE,
        99992354: _GONE,
        231015: _LATER,  # somebody else reacts at this moment
        99991672: NotSent("cannot_react", is_final=True),  # words shall not wait for the scope
    },
    Endpoint.CARDKIT: {
        99991672: NotSent("cannot_draft", is_final=True),  # not the scope for cards that grow
        200810: NotSent(
            "refused_by_platform", retry_after_s=1.0
        ),  # somebody presses a button of it
        200750: NotSent("draft_closed", is_final=True),  # older than 14 days
        200850: NotSent("draft_closed", is_final=True),  # streams no longer
        300309: NotSent("draft_closed", is_final=True),
    },
}


def outcome_of(reply: Reply, endpoint: Endpoint) -> Outcome:
    """Say what an answer means."""
    if reply.code == 0:
        return _success(reply)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotSent("rate_limited", retry_after_s=reply.retry_after_s or 1.0)
    if reply.code is None:
        return _without_code(reply)
    known = _AT.get(endpoint, {}).get(reply.code) or _ANYWHERE.get(reply.code)
    if known is None:
        refused = NotSent(f"refused_by_platform {reply.code}", is_final=True)
        return Unknown("platform_error") if reply.has_failed else refused
    return _with_details(known, reply)


def _with_details(outcome: Outcome, reply: Reply) -> Outcome:
    """Put the platform's own number and patience into an outcome that has neither."""
    if not isinstance(outcome, NotSent) or outcome.is_final:
        return outcome
    if outcome.reason == "refused_by_platform":
        return NotSent(f"refused_by_platform {reply.code}", outcome.retry_after_s)
    return NotSent(outcome.reason, reply.retry_after_s or outcome.retry_after_s)


def _success(reply: Reply) -> Outcome:
    try:
        message_id = msgspec.json.decode(reply.body, type=_Data).data.message_id
    except UNREADABLE:
        return Sent()
    return Sent((message_id,)) if message_id else Sent()


def _without_code(reply: Reply) -> Outcome:
    """An answer that is not the platform's: a proxy or a gateway spoke for it."""
    if reply.has_failed:
        return Unknown("platform_error")
    if reply.status >= HTTPStatus.BAD_REQUEST:
        return NotSent(f"refused_by_platform {reply.status}", retry_after_s=CREDENTIALS_RETRY_S)
    return Unknown("cut")


# --- calls without an answer ---------------------------------------------------------------

# The first that fits counts: several of these are special cases of a later one.
_BY_ERROR: tuple[tuple[type[BaseException], Outcome], ...] = (
    (aiohttp.ConnectionTimeoutError, NotSent("cannot_reach")),
    (aiohttp.ClientConnectorError, NotSent("cannot_reach")),  # DNS, connect, TLS, the proxy
    (aiohttp.ClientSSLError, NotSent("cannot_reach")),
    (aiohttp.InvalidURL, NotSent("cannot_reach")),
    (TimeoutError, Unknown("timed_out")),
)


def outcome_of_error(error: BaseException) -> Outcome:
    """Say what is known about a call that got no answer."""
    fits = (outcome for kind, outcome in _BY_ERROR if isinstance(error, kind))
    return next(fits, Unknown("cut"))
