"""The door: signing in and out, the set-up link of the first admin, links that set a password."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from posthouse.console.asking import read_form
from posthouse.console.house import Surroundings
from posthouse.console.origin import check_origin, is_secure
from posthouse.console.pages import PATH, Pages, go
from posthouse.console.problems import Declined
from posthouse.console.sign_in import ABSOLUTE_S, Entered, SignIn, Visit, Visitor
from posthouse.model.errors import PosthouseError, TryLater
from posthouse.settings.language import Said

COOKIE = "posthouse_console"
AWAY = ("//", "\\", ":")  # signs of an address that is not ours


class Door:
    """What people see before they are in."""

    def __init__(self, around: Surroundings, pages: Pages, sign_in: SignIn) -> None:
        self._public_url = around.public_url
        self._pages = pages
        self._sign_in = sign_in

    def routes(self) -> Sequence[BaseRoute]:
        """Return what it answers; the caller turns ``Declined`` into pages."""
        return (
            Route(f"{PATH}/sign-in", self._ask, methods=["GET"]),
            Route(f"{PATH}/sign-in", self._enter, methods=["POST"]),
            Route(f"{PATH}/sign-out", self._leave, methods=["POST"]),
            Route(f"{PATH}/set-up/{{code}}", self._ask_set_up, methods=["GET"]),
            Route(f"{PATH}/set-up/{{code}}", self._set_up, methods=["POST"]),
            Route(f"{PATH}/link/{{code}}", self._ask_link, methods=["GET"]),
            Route(f"{PATH}/link/{{code}}", self._link, methods=["POST"]),
        )

    async def visitor(self, request: Request) -> Visitor | None:
        """Return who asks; None for somebody who is not signed in."""
        return await self._sign_in.who(request.cookies.get(COOKIE, ""))

    # --- by password --------------------------------------------------------------------

    async def _ask(self, request: Request) -> Response:
        return self._page(request, "sign_in.html")

    async def _enter(self, request: Request) -> Response:
        form = await self._form(request)
        name, password = form.get("name", "").strip(), form.get("password", "")
        old = request.cookies.get(COOKIE, "")
        try:
            entered = await self._sign_in.log_in(name, password, visit_of(request), old_secret=old)
        except PosthouseError as problem:
            return self._page(request, "sign_in.html", problem, name=name)
        return self.remember(request, go(_next(form.get("next", ""))), entered)

    async def _leave(self, request: Request) -> Response:
        check_origin(request, self._public_url)
        await self._sign_in.log_out(request.cookies.get(COOKIE, ""))
        response = go("sign-in")
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    # --- by link ------------------------------------------------------------------------

    async def _ask_set_up(self, request: Request) -> Response:
        return self._page(request, "set_up.html")

    async def _set_up(self, request: Request) -> Response:
        form = await self._form(request)
        name, code = form.get("name", "").strip(), request.path_params["code"]
        try:
            entered = await self._sign_in.set_up(
                code, name, form.get("password", ""), visit_of(request)
            )
        except PosthouseError as problem:
            return self._page(request, "set_up.html", problem, name=name)
        return self.remember(request, go("../"), entered)

    async def _ask_link(self, request: Request) -> Response:
        operator = await self._sign_in.whose_link(request.path_params["code"])
        return self._page(request, "link.html", name="" if operator is None else operator.name)

    async def _link(self, request: Request) -> Response:
        form = await self._form(request)
        code = request.path_params["code"]
        try:
            entered = await self._sign_in.enter_by_link(
                code, form.get("password", ""), visit_of(request)
            )
        except PosthouseError as problem:
            operator = await self._sign_in.whose_link(code)
            name = "" if operator is None else operator.name
            return self._page(request, "link.html", problem, name=name)
        return self.remember(request, go("../"), entered)

    # --- for all ------------------------------------------------------------------------

    def remember(self, request: Request, response: Response, entered: Entered) -> Response:
        """Give the browser the cookie by which it is known."""
        response.set_cookie(
            COOKIE,
            entered.secret,
            max_age=int(ABSOLUTE_S),
            path="/",
            httponly=True,
            samesite="strict",
            secure=is_secure(request, self._public_url),
        )
        return response

    async def _form(self, request: Request) -> dict[str, str]:
        check_origin(request, self._public_url)
        return await read_form(request)

    def _page(
        self, request: Request, template: str, problem: PosthouseError | None = None, name: str = ""
    ) -> Response:
        language = self._pages.language_of(request)
        said = "" if problem is None else said_by(problem)(language)
        wanted = request.query_params.get("next", "")[:300]
        status = 200 if problem is None else 429 if isinstance(problem, TryLater) else 403
        return self._pages.plain(request, template, status, problem=said, name=name, wanted=wanted)


def said_by(problem: PosthouseError) -> Said:
    """Return the words of an error of the house."""
    return Said(problem.sentence("zh"), problem.sentence("en"))


def declined_by(problem: PosthouseError, code: str = "refused") -> Declined:
    """Return the answer to a change that the house refuses, in its own words."""
    return Declined(code, said_by(problem))


def visit_of(request: Request) -> Visit:
    """Say where somebody comes from."""
    address = request.client.host if request.client else ""
    return Visit(address=address, agent=request.headers.get("user-agent", ""))


def _next(wanted: str) -> str:
    """Return where somebody wanted to go before they had to sign in: a page of ours, or 今天."""
    is_ours = wanted and not wanted.startswith("/") and not any(sign in wanted for sign in AWAY)
    return wanted if is_ours and ".." not in wanted else "./"
