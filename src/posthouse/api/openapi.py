"""The description of the API for scripts: a document for machines, and a page for people."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse import __version__
from posthouse.api.answers import ERRORS, as_json
from posthouse.api.ask import STREAM, Question, Reply
from posthouse.api.message import KEY, NAME_PATTERN, Answer, Edit, Message, Uploaded

DOCUMENT_PATH = "/api/v1/openapi.json"
PAGE_PATH = "/api/docs"
REF = "#/components/schemas/{name}"
CACHED_S = 300

Json = Mapping[str, object]


class Error(Struct, frozen=True):
    """What is wrong, in both languages."""

    code: str
    zh: str
    en: str


def routes() -> Sequence[BaseRoute]:
    """Return where the description is found; whoever reads it learns no secret."""
    return (
        Route(DOCUMENT_PATH, _document, methods=["GET"]),
        Route(PAGE_PATH, _page, methods=["GET"]),
    )


@cache
def document() -> Json:
    """Describe the API as OpenAPI 3.1; what the server reads with describes what it takes."""
    kinds = (Message, Edit, Answer, Uploaded, Question, Reply, Error)
    refs, components = msgspec.json.schema_components(kinds, ref_template=REF)
    message, edit, answer, uploaded, question, reply, error = refs
    described = _Describer(error)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Posthouse", "version": __version__, "description": _ABOUT},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/messages": _pushes(described, message, answer),
            "/api/v1/messages/{key}": _one_push(described, edit, answer),
            "/api/v1/uploads": _uploads(described, uploaded),
            "/api/v1/ask": _questions(described, question, reply),
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _pushes(described: _Describer, message: Json, answer: Json) -> Json:
    return {
        "post": described.operation(
            "push",
            "Say something in chats 发消息",
            [_WAIT, _WAIT_S, _IDEMPOTENCY_KEY],
            answers={200: answer, 202: answer},
            body=message,
            errors=("not_found", "key_used", "wrong_type"),
        )
    }


def _one_push(described: _Describer, edit: Json, answer: Json) -> Json:
    of_one = [_KEY, _WAIT, _WAIT_S]
    return {
        "get": described.operation(
            "look",
            "What became of a push 查看结果",
            [*of_one, _TOKEN],
            answers={200: answer},
            errors=("not_found",),
        ),
        "patch": described.operation(
            "edit",
            "Other words for a push 修改",
            of_one,
            answers={200: answer, 202: answer},
            body=edit,
            errors=("not_found", "taken_back", "wrong_type"),
        ),
        "delete": described.operation(
            "recall",
            "Take a push back 撤回",
            of_one,
            answers={200: answer, 202: answer},
            errors=("not_found",),
        ),
    }


def _uploads(described: _Describer, uploaded: Json) -> Json:
    return {
        "post": described.operation(
            "upload",
            "Keep a file for pushes 上传文件",
            [_NAME],
            answers={201: uploaded},
            body={"type": "string", "format": "binary"},
            body_type="application/octet-stream",
            errors=("wrong_type",),
        )
    }


def _questions(described: _Describer, question: Json, reply: Json) -> Json:
    return {
        "post": described.operation(
            "ask",
            "What a bot would answer; no chat hears of it 试问",
            [],
            answers={200: reply},
            stream=_STREAM,
            body=question,
            errors=("not_found", "wrong_type", "used_up"),
        )
    }


_ABOUT = (
    "Scripts push messages with a token of `posthouse tokens add`. The same Idempotency-Key and "
    "body is the same message, however often it is sent. 脚本用令牌推送消息；同一个 key 只发一次。"
)
_WAIT: Json = {
    "name": "wait",
    "in": "query",
    "description": "wait for the outcome and say what became of it 等待结果",
    "schema": {"enum": ["sent"]},
}
_WAIT_S: Json = {
    "name": "wait_s",
    "in": "query",
    "description": "how long at most; never more than 60 最多等几秒",
    "schema": {"type": "integer", "minimum": 0, "maximum": 999},
}
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "names the push; without one it gets a fresh key 推送的 key",
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}
_KEY: Json = {
    "name": "key",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}
_TOKEN: Json = {
    "name": "token",
    "in": "query",
    "description": "another token's push, with the scope `read` 其他令牌的推送",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
}
_NAME: Json = {
    "name": "name",
    "in": "query",
    "description": "of the file 文件名",
    "schema": {"type": "string", "pattern": NAME_PATTERN},
}
_STREAM = (
    "with `Accept: text/event-stream`: the events `step` and `growing` (the answer as far as it is "
    "written), then `done` with the whole reply, or `failed` with an error 边答边读"
)
_EVERYWHERE = (
    "not_understood",
    "not_authenticated",
    "not_allowed",
    "too_slow",
    "too_large",
    "wrong_host",
    "try_later",
)


class _Describer:
    def __init__(self, error: object) -> None:
        self._error = error

    def operation(  # noqa: PLR0913 - what an operation has
        self,
        name: str,
        summary: str,
        parameters: Sequence[Json],
        *,
        answers: Mapping[int, object],
        body: object = None,
        body_type: str = "application/json",
        stream: str = "",
        errors: Sequence[str] = (),
    ) -> Json:
        responses = {
            str(status): _answer("done", schema, stream) for status, schema in answers.items()
        }
        for code in (*_EVERYWHERE, *errors):
            status, said = ERRORS[code]
            responses[str(status)] = _answer(f"{code}: {said.en} {said.zh}", self._error)
        described: dict[str, object] = {
            "operationId": name,
            "summary": summary,
            "parameters": parameters,
            "responses": dict(sorted(responses.items())),
        }
        if body is not None:
            described["requestBody"] = {"required": True, "content": {body_type: {"schema": body}}}
        return described


def _answer(description: str, schema: object, stream: str = "") -> Json:
    content: dict[str, Json] = {"application/json": {"schema": schema}}
    if stream:
        content[STREAM] = {"schema": {"type": "string", "description": stream}}
    return {"description": description, "content": content}


# ── the page ─────────────────────────────────────────────────────────────────────────────────


async def _document(_request: Request) -> Response:
    return as_json(document(), headers={"Cache-Control": f"max-age={CACHED_S}"})


async def _page(_request: Request) -> Response:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    return HTMLResponse(page(), headers={"Content-Security-Policy": policy})


@cache
def page() -> str:
    """Return the description as one page without scripts."""
    described = document()
    paths: Mapping[str, Mapping[str, Json]] = described["paths"]  # type: ignore[assignment]  # ours
    components: Mapping[str, Mapping[str, Json]] = described["components"]  # type: ignore[assignment]  # ours
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    )
    kinds = "".join(
        f"<h3 id='{escape(name)}'>{escape(name)}</h3>{_pretty(schema)}"
        for name, schema in components["schemas"].items()
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'><title>Posthouse API</title>"
        f"<style>{_STYLE}</style></head><body><main><h1>Posthouse API</h1><p>{escape(_ABOUT)}</p>"
        f"<p><a href='v1/openapi.json'>openapi.json</a></p>{operations}"
        f"<h2>Schemas</h2>{kinds}</main></body></html>"
    )


_STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:60rem;margin:auto;padding:1rem}"
    "pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:.4rem;font-size:.85rem}"
    "h2 b{text-transform:uppercase}table{border-collapse:collapse;width:100%}"
    "td{border-top:1px solid #8886;padding:.3rem .6rem .3rem 0;vertical-align:top}"
)


def _operation(method: str, path: str, operation: Json) -> str:
    parameters: Sequence[Mapping[str, str]] = operation["parameters"]  # type: ignore[assignment]  # ours
    responses: Mapping[str, Mapping[str, str]] = operation["responses"]  # type: ignore[assignment]  # ours
    rows = [
        (f"<code>{escape(each['name'])}</code>", each["in"], escape(each.get("description", "")))
        for each in parameters
    ]
    rows += [(status, "", escape(each["description"])) for status, each in responses.items()]
    table = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>" for a, b, c in rows)
    body = operation.get("requestBody")
    return (
        f"<h2><b>{method}</b> <code>{escape(path)}</code></h2>"
        f"<p>{escape(str(operation['summary']))}</p><table>{table}</table>"
        f"{'' if body is None else _pretty(body)}"
    )


def _pretty(value: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    return f"<pre>{escape(text)}</pre>"
