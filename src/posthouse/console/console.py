"""The console: every address, who may ask for it, and what guards it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from posthouse.console.asking import Ask, Entry, read_form
from posthouse.console.bots import BotPages
from posthouse.console.chats import Chats
from posthouse.console.door import Door, declined_by
from posthouse.console.house import Surroundings
from posthouse.console.knowledge import Knowledge
from posthouse.console.knowledge_gates import Gates
from posthouse.console.knowledge_handoffs import Handoffs, Spending
from posthouse.console.knowledge_questions import Questions
from posthouse.console.knowledge_rules import AssistantRules
from posthouse.console.knowledge_sources import Sources
from posthouse.console.knowledge_told import WhoWasTold
from posthouse.console.knowledge_trying import Trying
from posthouse.console.live import Live
from posthouse.console.messages import Messages
from posthouse.console.operators import Operators
from posthouse.console.origin import check_origin
from posthouse.console.pages import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    PACKAGE,
    PATH,
    THEME_COOKIE,
    THEMES,
    Pages,
    Times,
    go,
    root_of,
)
from posthouse.console.people import People
from posthouse.console.problems import Declined
from posthouse.console.renewal import Renewal
from posthouse.console.rules import Rules
from posthouse.console.search import Search
from posthouse.console.sign_in import SignIn
from posthouse.console.today import Today
from posthouse.look.pages import Static
from posthouse.model.errors import Refused, TryLater

PREFERENCES_S = 365 * 86400

log = structlog.get_logger("posthouse.console")

Endpoint = Callable[[Request], Awaitable[Response]]


class Console:
    """Built once, mounted beside the API.

    Args:
        around: the house.
        sign_in: lets operators in.
    """

    def __init__(self, around: Surroundings, sign_in: SignIn) -> None:
        self._public_url = around.public_url
        self._pages = Pages(around.language, Times(around.zone))
        self._door = Door(around, self._pages, sign_in)
        questions = Questions(around, self._pages)
        sections = (
            Today(around, self._pages),
            Chats(around, self._pages),
            Messages(around, self._pages),
            Search(around, self._pages),
            Knowledge(around, self._pages),
            Sources(around, self._pages),
            questions,
            WhoWasTold(around, self._pages, questions),
            Trying(around, self._pages),
            AssistantRules(around, self._pages),
            Gates(around, self._pages),
            Handoffs(around, self._pages),
            Spending(around, self._pages),
            BotPages(around, self._pages),
            Rules(around, self._pages),
            People(around, self._pages),
            Operators(around, self._pages, sign_in, self._door),
            Renewal(around, self._pages),
            Live(around),
        )
        self.entries: tuple[Entry, ...] = tuple(
            entry for section in sections for entry in section.table()
        )

    def routes(self) -> Sequence[BaseRoute]:
        """Return every route; a page that is none of them is answered in words as well."""
        door = [
            Route(route.path, self._in_words(route.endpoint), methods=_methods(route))
            for route in self._door.routes()
            if isinstance(route, Route)
        ]
        return [
            Route(PATH, _with_slash, methods=["GET"]),
            Mount(f"{PATH}/static/{self._pages.stamp}", Static(PACKAGE), name="console-static"),
            *door,
            Route(f"{PATH}/preferences", self._in_words(self._prefer), methods=["POST"]),
            *(
                Route(PATH + entry.path, self._guarded(entry), methods=[entry.method])
                for entry in self.entries
            ),
            Route(f"{PATH}/{{rest:path}}", self._in_words(_nothing_here), include_in_schema=False),
        ]

    # --- guards -------------------------------------------------------------------------

    def _guarded(self, entry: Entry) -> Endpoint:
        """Let a page be seen by operators of its role, and be changed from our pages only."""

        async def answer(request: Request) -> Response:
            check_origin(request, self._public_url)
            visitor = await self._door.visitor(request)
            if visitor is None:
                return self._to_sign_in(request)
            if not visitor.may(entry.role):
                raise Declined("not_allowed")
            has_form = request.method == "POST" and not entry.takes_files
            form = await read_form(request) if has_form else {}
            language = self._pages.language_of(request)
            return await entry.page(Ask(request, visitor, language, form))

        return self._in_words(answer)

    def _in_words(self, endpoint: Endpoint) -> Endpoint:
        """Show every mistake as a page in words; the log has what nobody foresaw."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except (ClientDisconnect, HTTPException):
                raise
            except Declined as declined:
                return self._pages.problem(request, declined)
            except Refused as problem:
                return self._pages.problem(request, declined_by(problem))
            except TryLater:
                return self._pages.problem(request, Declined("try_later"))
            except Exception:
                log.exception("page_failed", path=request.url.path)
                return self._pages.problem(request, Declined("broken"))

        return answer

    def _to_sign_in(self, request: Request) -> Response:
        if request.method != "GET" or request.url.path.endswith("/events"):
            raise Declined("sign_in")
        below = request.scope["path"].partition(f"{PATH}/")[2]
        wanted = f"?next={below}" if below else ""
        return go(f"{root_of(request)}sign-in{wanted}")

    # --- language and theme -------------------------------------------------------------

    async def _prefer(self, request: Request) -> Response:
        check_origin(request, self._public_url)
        form = await read_form(request)
        response = go(_back_to(form.get("back", "")))
        for name, known in ((LANGUAGE_COOKIE, LANGUAGES), (THEME_COOKIE, THEMES)):
            value = form.get(name.removeprefix("posthouse_"), "")
            if value in known:
                response.set_cookie(
                    name, value, max_age=PREFERENCES_S, path="/", samesite="lax", httponly=True
                )
        return response


def _back_to(wanted: str) -> str:
    is_ours = not wanted.startswith("/") and ":" not in wanted and "\\" not in wanted
    return wanted if wanted and is_ours and ".." not in wanted else "./"


def _methods(route: Route) -> list[str]:
    return sorted((route.methods or set()) - {"HEAD"})


async def _with_slash(request: Request) -> Response:  # noqa: ARG001 - an endpoint's shape
    return go(f".{PATH}/")


async def _nothing_here(request: Request) -> Response:  # noqa: ARG001 - an endpoint's shape
    raise Declined("not_found")
