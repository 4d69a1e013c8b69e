"""One HTTP exchange: a bounded body in, JSON or a problem in words out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from posthouse.channels.web.settings import BODY_BYTES_MAX
from posthouse.channels.web.visitors import Visitors
from posthouse.channels.web.words import Declined
from posthouse.model.errors import StorageFull, TryLater
from posthouse.store.media import FileTooLarge

_DIGITS = re.compile(r"[0-9]{1,15}")

log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]
BodyT = TypeVar("BodyT")


def guarded(endpoint: Endpoint, visitors: Visitors) -> Endpoint:
    """Answer every mistake in words; what nobody foresaw is logged and hides its details."""

    async def answer(request: Request) -> Response:
        try:
            visitors.check_origin(request)
            return await endpoint(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception as error:  # noqa: BLE001 - a page gets a sentence, never a traceback
            return problem(declined_by(error, request))

    return answer


def declined_by(error: Exception, request: Request) -> Declined:
    """Put an error into words for the person; a defect goes to the log."""
    match error:
        case Declined():
            return error
        case FileTooLarge():
            return Declined("too_large")
        case StorageFull(retry_after_s=wait_s):
            return Declined("storage_full", wait_s)
        case TryLater(retry_after_s=wait_s):
            return Declined("try_later", wait_s)
        case _:
            log.error(
                "web_request_failed", path=request.url.path, method=request.method, exc_info=error
            )
            return Declined("broken")


async def read_body(request: Request, kind: type[BodyT]) -> BodyT:
    """Read a JSON body of bounded size.

    Raises:
        Declined: it is too large, or not what is expected here.
    """
    check_declared_size(request, BODY_BYTES_MAX)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise Declined("too_large")
    try:
        return msgspec.json.decode(bytes(raw) or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Declined("bad_request") from None


def check_declared_size(request: Request, bytes_max: int) -> None:
    """Refuse at once what says that it is too large; what lies is cut while it streams in."""
    length = request.headers.get("content-length", "")
    if length.strip("0123456789") or int(length or "0") > bytes_max:
        raise Declined("too_large")


def query_number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, "")
    if not value:
        return default
    if not _DIGITS.fullmatch(value):
        raise Declined("bad_request")
    return int(value)


def resumed_after(request: Request) -> int | None:
    """Return the version that a page coming back names in ``Last-Event-ID``."""
    value = request.headers.get("last-event-id", "")
    return int(value) if _DIGITS.fullmatch(value) else None


def json(what: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(what),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
    )


def problem(declined: Declined) -> Response:
    what = declined.problem
    response = json({"code": what.code, "zh": what.zh, "en": what.en}, what.status)
    if declined.retry_after_s is not None:
        response.headers["retry-after"] = str(max(1, round(declined.retry_after_s)))
    return response
