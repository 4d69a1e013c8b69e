"""Routes that change while the application answers."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from posthouse.api.live_routes import LiveRoutes
from tests.house.scripts import call


async def _say(request: Request) -> Response:
    return PlainTextResponse(request.path_params.get("what", "nothing"))


async def test_what_is_added_answers_and_what_is_gone_does_not() -> None:
    routes: list[BaseRoute] = [Route("/old/{what}", _say, methods=["GET"])]
    app = Starlette(routes=[LiveRoutes(lambda: routes)])
    assert (await call(app, "GET", "/old/word", b"", {})).body == b"word"
    assert (await call(app, "POST", "/old/word", b"", {})).status == 405
    routes[:] = [
        Route("/new/{what}", _say, methods=["GET"]),
        Route("/new/{what}", _say, methods=["POST"]),
        Mount("/below", routes=[Route("/{what}", _say)]),
    ]
    assert (await call(app, "GET", "/old/word", b"", {})).status == 404
    for method, path in (("GET", "/new/word"), ("POST", "/new/word"), ("GET", "/below/word")):
        assert (await call(app, method, path, b"", {})).body == b"word"


async def test_only_what_begins_as_it_should_is_looked_at() -> None:
    routes = [Route("/{what:path}", _say)]
    app = Starlette(routes=[LiveRoutes(lambda: routes, below="/webhooks/")])
    assert (await call(app, "GET", "/webhooks/bot", b"", {})).body == b"webhooks/bot"
    assert (await call(app, "GET", "/webhook", b"", {})).status == 404
