"""What every answer of the API looks like; an error is ``{code, zh, en}``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from posthouse.model.errors import NotThere, PosthouseError, Refused, TryLater, UsedUp
from posthouse.settings.language import Said

ERRORS: Mapping[str, tuple[int, Said]] = {
    "not_understood": (400, Said("请求内容无法识别", "the request makes no sense")),
    "not_authenticated": (
        401,
        Said("需要有效的令牌", "a valid token is needed: Authorization: Bearer …"),
    ),
    "not_allowed": (403, Said("不允许这个请求", "this request is not allowed")),
    "not_found": (404, Said("没有这个地址", "there is nothing at this address")),
    "method_not_allowed": (
        405,
        Said("这个地址不接受此方法", "this address does not take that method"),
    ),
    "too_slow": (408, Said("请求内容来得太慢", "the body of the request came too slowly")),
    "operator_mistake": (409, Said("需要操作员改正", "the operator must change something")),
    "leased_elsewhere": (
        409,
        Said("另一个驿站正在取这个机器人的消息", "another house fetches this bot's messages"),
    ),
    "lease_over": (409, Said("租约已过，请重新取", "the lease is over, ask again")),
    "taken_back": (410, Said("这条推送已被撤回", "this push has been taken back")),
    "too_large": (413, Said("请求内容超过上限", "the body of the request is larger than allowed")),
    "wrong_type": (
        415,
        Said("请求内容的类型不对", "the body is of another type than this address takes"),
    ),
    "wrong_host": (
        421,
        Said(
            "地址栏里的主机名不是本机；若经反向代理访问，请设置 server.public_url",
            "not a name of this house; behind a reverse proxy, set server.public_url",
        ),
    ),
    "key_used": (
        422,
        Said(
            "这个 Idempotency-Key 已用于另一份内容",
            "this Idempotency-Key came with another body before",
        ),
    ),
    "used_up": (
        429,
        Said("今天的额度已用完", "what may be used today is used up"),
    ),
    "failed": (
        500,
        Said("内部错误，详情见日志", "something failed inside, the log has the details"),
    ),
    "try_later": (
        503,
        Said("暂时无法处理，请稍后重试", "cannot be taken right now, try again later"),
    ),
}

_BY_STATUS = {status: code for code, (status, _) in ERRORS.items()}


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with ``value`` as JSON; nothing in between may keep it."""
    return Response(
        msgspec.json.encode(value),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        "application/json",
    )


def error(
    code: str,
    *,
    zh: str = "",
    en: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with an error of ``ERRORS``, in its own words or better ones."""
    status, said = ERRORS[code]
    return as_json({"code": code, "zh": zh or said.zh, "en": en or said.en}, status, headers)


def error_of_status(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with the error that a bare HTTP status stands for."""
    fallback = "failed" if status >= 500 else "not_understood"  # noqa: PLR2004 - server errors
    code = _BY_STATUS.get(status, fallback)
    said = ERRORS[code][1]
    return as_json({"code": code, "zh": said.zh, "en": said.en}, status, headers)


def error_of(problem: PosthouseError) -> Response:
    """Answer with what one of our own errors says."""
    zh, en = problem.zh, str(problem)
    if isinstance(problem, TryLater):
        seconds = str(int(problem.retry_after_s))
        code = "used_up" if isinstance(problem, UsedUp) else "try_later"
        return error(code, zh=zh, en=en, headers={"Retry-After": seconds})
    if isinstance(problem, NotThere):
        return error("not_found", zh=zh, en=en)
    return error("not_allowed" if isinstance(problem, Refused) else "not_understood", zh=zh, en=en)
