"""What a request brings: the kind of its body, and the body as one of our types."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.datastructures import Headers

from posthouse.model.errors import NotUnderstood

JSON = "application/json"

T = TypeVar("T")


def media_type(headers: Headers) -> str:
    """Return what the body says it is, without parameters; empty when it says nothing."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def decoded(body: bytes, kind: type[T]) -> T:
    """Read a body of JSON.

    Raises:
        NotUnderstood: it is no JSON, or not of this kind; the message says where.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise NotUnderstood(str(problem), zh=f"请求内容不符合格式：{problem}") from None
