"""Everything that the house answers over HTTP, in one application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from posthouse.api import openapi
from posthouse.api.admin import Admin
from posthouse.api.answers import error_of_status
from posthouse.api.guards import BoundedBody, Failures, KnownHosts, SafeHeaders
from posthouse.api.health import Health
from posthouse.api.live_routes import LiveRoutes
from posthouse.api.messages import Messages
from posthouse.api.metrics import Metrics
from posthouse.settings.settings import ServerSettings

WEBHOOKS = "/webhooks/"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def build_app(  # noqa: PLR0913 - the parts of the application, one of each
    settings: ServerSettings,
    *,
    health: Health,
    metrics: Metrics,
    admin: Admin,
    messages: Messages | None = None,
    routes: Sequence[BaseRoute] = (),
    of_channels: Callable[[], Sequence[BaseRoute]] = tuple,
) -> Starlette:
    """Put the parts together.

    Args:
        settings: limits, and the names under which the house may be called.
        health: whether it is well.
        metrics: its numbers.
        admin: the door for operators' tools.
        messages: the door for scripts.
        routes: pages of the house.
        of_channels: webhooks and pages of the channels, as they are at the moment. Those below
            ``/webhooks/`` are looked at first, since platforms call them most; the others last,
            so that none hides ours.
    """
    guards = [
        Middleware(SafeHeaders),
        Middleware(Failures),
        Middleware(KnownHosts, names=host_names(settings)),
        Middleware(
            BoundedBody,
            bytes_max=settings.body_bytes_max,
            upload_bytes_max=settings.upload_bytes_max,
            receive_within_s=settings.receive_within_s,
        ),
    ]
    pushes = (*messages.routes(), *openapi.routes()) if messages is not None else ()
    return Starlette(
        routes=[
            LiveRoutes(of_channels, below=WEBHOOKS),
            *health.routes(),
            *metrics.routes(),
            *admin.routes(),
            *pushes,
            *routes,
            LiveRoutes(of_channels),
        ],
        middleware=guards,
        exception_handlers={HTTPException: _answer_status},
    )


def host_names(settings: ServerSettings) -> tuple[str, ...]:
    """Return the names that a request may be addressed to; empty for any.

    Only on loopback does the house know all its names, and only there may people come in without
    a word.
    """
    if not is_loopback(settings.host):
        return ()
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return (*LOOPBACK_NAMES, settings.host.lower(), *([public.lower()] if public else []))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def _answer_status(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # what the handler was registered for
    return error_of_status(problem.status_code, problem.headers)
