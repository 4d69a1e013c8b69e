"""``/api/v1/messages``: scripts say something to chats, once, whatever they repeat."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse.api.answers import as_json, error
from posthouse.api.callers import Caller, Callers
from posthouse.api.message import KEY, NAME_PATTERN, Edit, Message, read
from posthouse.api.pushing import NotFound, Pushing
from posthouse.api.requests import JSON, media_type
from posthouse.model.errors import NotUnderstood, PosthouseError
from posthouse.model.scopes import READ, may_push
from posthouse.store.access import Access
from posthouse.store.media import FileTooLarge
from posthouse.store.pushes import KeyUsed, Push, TakenBack

PATH = "/api/v1/messages"
KEY_PATH = "/api/v1/messages/{key}"
UPLOADS_PATH = "/api/v1/uploads"
WAIT_S = 15.0
WAIT_S_MAX = 60.0
TOKEN_DIGITS_MAX = 15

_KEY = re.compile(KEY)
_NAME = re.compile(NAME_PATTERN)
_SECONDS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")

Work = Callable[[Request, Caller], Awaitable[Response]]


class Messages:
    """Answers who has a token.

    Args:
        pushing: what is behind the door.
        access: knows the tokens.
        clock: seconds since the epoch.
        new_key: makes the keys of pushes that bring none.
    """

    def __init__(
        self,
        pushing: Pushing,
        access: Access,
        clock: Callable[[], float],
        new_key: Callable[[], str],
    ) -> None:
        self._pushing = pushing
        self._callers = Callers(access, clock)
        self._new_key = new_key

    def routes(self) -> Sequence[BaseRoute]:
        """Return where it answers."""
        return (
            Route(PATH, self._for(self._post), methods=["POST"]),
            Route(KEY_PATH, self._on_push, methods=["GET", "PATCH", "DELETE"]),
            Route(UPLOADS_PATH, self._for(self._upload), methods=["POST"]),
        )

    async def _on_push(self, request: Request) -> Response:
        """Do one thing or another: one route, so that the answer 405 can name all its methods."""
        match request.method:
            case "PATCH":
                return await self._for(self._patch)(request)
            case "DELETE":
                return await self._for(self._delete)(request)
        return await self._for(self._get, reads=True)(request)

    # --- who ----------------------------------------------------------------------------------

    def _for(self, work: Work, *, reads: bool = False) -> Callable[[Request], Awaitable[Response]]:
        """Let a request through whose token may push or, where that is enough, read."""

        async def answer(request: Request) -> Response:
            caller = await self._callers.of(request)
            if caller is None:
                return error("not_authenticated", headers={"WWW-Authenticate": "Bearer"})
            if not (may_push(caller.scopes) or (reads and READ in caller.scopes)):
                return error("not_allowed")
            try:
                return await work(request, caller)
            except PosthouseError as problem:
                return _refusal(problem)

        return answer

    # --- what ---------------------------------------------------------------------------------

    async def _post(self, request: Request, caller: Caller) -> Response:
        wait_s = _wait_of(request)
        key = self._key_of(request)
        message = read(await _json(request), Message)
        push = await self._pushing.push(caller, key, message)
        return await self._answer(push, wait_s, {"Location": f"{PATH}/{key}"})

    async def _get(self, request: Request, caller: Caller) -> Response:
        wait_s = _wait_of(request)
        token = _token_of(request, caller)
        push = await self._pushing.find(token, _named(request))
        answer, _ = await self._pushing.answer(push, wait_s or 0.0)
        return as_json(answer)

    async def _patch(self, request: Request, caller: Caller) -> Response:
        wait_s = _wait_of(request)
        push = await self._pushing.find(caller.token, _named(request))
        edit = read(await _json(request), Edit)
        return await self._answer(await self._pushing.edit(push, edit), wait_s or 0.0)

    async def _delete(self, request: Request, caller: Caller) -> Response:
        wait_s = _wait_of(request)
        push = await self._pushing.find(caller.token, _named(request))
        return await self._answer(await self._pushing.recall(push), wait_s or 0.0)

    async def _upload(self, request: Request, caller: Caller) -> Response:  # noqa: ARG002 - any
        name = request.query_params.get("name", "")
        if name and not _NAME.match(name):
            raise NotUnderstood("`name` is not the name of a file", zh="name 不是文件名")
        if media_type(request.headers) in {JSON, "application/x-www-form-urlencoded"}:
            return error("wrong_type")  # a form's limits are those of words, not of files
        try:
            uploaded = await self._pushing.upload(request.stream(), name)
        except FileTooLarge:
            return error("too_large")
        return as_json(uploaded, 201)

    # --- in words -----------------------------------------------------------------------------

    async def _answer(
        self, push: Push, wait_s: float | None, headers: dict[str, str] | None = None
    ) -> Response:
        """Answer 202 as long as something is still to happen, or nobody asked."""
        answer, is_decided = await self._pushing.answer(push, wait_s)
        is_over = is_decided and wait_s is not None
        return as_json(answer, 200 if is_over else 202, headers)

    def _key_of(self, request: Request) -> str:
        keys = request.headers.getlist("idempotency-key")
        if not keys:
            return self._new_key()
        if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
            raise NotUnderstood(
                "Idempotency-Key has 1 to 128 letters, digits and . _ : @ + = -",
                zh="Idempotency-Key 由 1 到 128 个字母、数字和 . _ : @ + = - 组成",
            )
        return keys[0]


class _WrongType(NotUnderstood):
    """The body must be JSON: Content-Type: application/json."""


def _refusal(problem: PosthouseError) -> Response:
    zh, en = problem.zh, str(problem)
    match problem:
        case KeyUsed():
            return error("key_used", zh=zh, en=en)
        case TakenBack():
            return error("taken_back", zh=zh, en=en)
        case NotFound():
            return error("not_found", zh=zh, en=en)
        case _WrongType():
            return error("wrong_type", en=en)
    raise problem  # the guards have the words for what everybody raises


async def _json(request: Request) -> bytes:
    if media_type(request.headers) != JSON:
        raise _WrongType
    return await request.body()


def _named(request: Request) -> str:
    key: str = request.path_params["key"]
    if not _KEY.fullmatch(key):
        raise NotFound("no push has such a key", zh="没有这样的 key")
    return key


def _wait_of(request: Request) -> float | None:
    """Return how long to wait for the outcome; None when nobody asked for it."""
    query = request.query_params
    wait, seconds = query.get("wait"), query.get("wait_s")
    if wait not in {None, "sent"}:
        raise NotUnderstood("`wait` can only be `sent`", zh="wait 只能是 sent")
    if seconds is not None and not _SECONDS.fullmatch(seconds):
        raise NotUnderstood("`wait_s` is a number of seconds", zh="wait_s 是秒数")
    if wait is None:
        return None
    return WAIT_S if seconds is None else min(float(seconds), WAIT_S_MAX)


def _token_of(request: Request, caller: Caller) -> int:
    """Return whose push is looked at: with ``read``, also another token's."""
    wanted = request.query_params.get("token")
    if wanted is None:
        return caller.token
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= TOKEN_DIGITS_MAX):
        raise NotUnderstood("`token` is the number of a token", zh="token 是令牌的编号")
    if int(wanted) != caller.token and READ not in caller.scopes:
        raise NotFound("no push has such a key", zh="没有这样的 key")
    return int(wanted)
