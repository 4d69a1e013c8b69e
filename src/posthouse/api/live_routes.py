"""Routes that may be others tomorrow: bots come and go while the house runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_FOUND = "posthouse.route"


class LiveRoutes(BaseRoute):
    """Stands among the routes of an application for all that ``routes`` returns at the moment.

    Args:
        routes: asked for every request.
        below: only requests whose path begins so are looked at.
    """

    def __init__(self, routes: Callable[[], Sequence[BaseRoute]], below: str = "") -> None:
        self._routes = routes
        self._below = below

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Look for the first route that takes the request, or at least its path."""
        if not scope["path"].startswith(scope.get("root_path", "") + self._below):
            return Match.NONE, {}
        partly: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._routes():
            match, below = route.matches(scope)
            if match is Match.FULL:
                return match, {**below, _FOUND: route}
            if match is Match.PARTIAL and partly[0] is Match.NONE:
                partly = match, {**below, _FOUND: route}
        return partly

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that was found."""
        await scope[_FOUND].handle(scope, receive, send)
