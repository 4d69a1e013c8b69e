"""设置 · 操作员: who may use the console, their sessions, tokens, and the audit."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from posthouse.console.asking import Ask, Entry, number_of
from posthouse.console.audit import details_in_words
from posthouse.console.door import Door, declined_by, visit_of
from posthouse.console.house import Surroundings
from posthouse.console.pages import DAY_S, Pages, go
from posthouse.console.problems import Declined
from posthouse.console.sign_in import SignIn
from posthouse.model.errors import OperatorMistake, Refused, TryLater
from posthouse.model.permission import OperatorRole
from posthouse.model.scopes import checked_scopes
from posthouse.model.secret import hashed, new_token
from posthouse.store.access import Operator

AUDIT_SHOWN = 100
TOKEN_DAYS_MAX = 3660
NAME_CHARS_MAX = 64
ADMIN = OperatorRole.ADMIN


class Operators:
    """Everything about those who use the console."""

    def __init__(self, around: Surroundings, pages: Pages, sign_in: SignIn, door: Door) -> None:
        self._around = around
        self._access = around.books.access
        self._pages = pages
        self._sign_in = sign_in
        self._door = door

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/settings/account", self._account),
            Entry("POST", "/settings/account/password", self._change_password),
            Entry("POST", "/settings/account/sessions/{session}/end", self._end_own),
            Entry("GET", "/settings/operators", self._operators, ADMIN),
            Entry("POST", "/settings/operators", self._invite, ADMIN),
            Entry("POST", "/settings/operators/{operator}", self._change, ADMIN),
            Entry("POST", "/settings/operators/{operator}/link", self._link, ADMIN),
            Entry("POST", "/settings/sessions/{session}/end", self._end, ADMIN),
            Entry("GET", "/settings/tokens", self._tokens, ADMIN),
            Entry("POST", "/settings/tokens", self._add_token, ADMIN),
            Entry("POST", "/settings/tokens/{token}/revoke", self._revoke_token, ADMIN),
            Entry("GET", "/settings/audit", self._audit, ADMIN),
        )

    # --- one's own account --------------------------------------------------------------

    async def _account(self, ask: Ask) -> Response:
        return await self._show_account(ask)

    async def _show_account(self, ask: Ask, problem: str = "", status: int = 200) -> Response:
        sessions = await self._access.sessions(self._around.clock(), ask.visitor.operator.id)
        return self._pages.show(
            ask, "settings_account.html", status, tab="account", sessions=sessions, problem=problem
        )

    async def _change_password(self, ask: Ask) -> Response:
        try:
            entered = await self._sign_in.change_password(
                ask.visitor,
                ask.form.get("password", ""),
                ask.form.get("new_password", ""),
                visit_of(ask.request),
            )
        except (Refused, TryLater) as problem:
            raise declined_by(problem) from None
        return self._door.remember(ask.request, go("../account?done=saved"), entered)

    async def _end_own(self, ask: Ask) -> Response:
        own = await self._access.sessions(self._around.clock(), ask.visitor.operator.id)
        number = ask.number("session")
        if number not in {session.id for session in own}:
            raise Declined("not_found")
        await self._access.end_session(number, ask.visitor.author, self._around.clock())
        return go("../../../account?done=saved")

    # --- operators ----------------------------------------------------------------------

    async def _operators(self, ask: Ask) -> Response:
        return await self._show_operators(ask)

    async def _show_operators(self, ask: Ask, name: str = "", link: str = "") -> Response:
        operators = await self._access.operators()
        return self._pages.show(
            ask,
            "settings_operators.html",
            tab="operators",
            operators=operators,
            names={operator.id: operator.name for operator in operators},
            sessions=await self._access.sessions(self._around.clock()),
            roles=list(OperatorRole),
            invited=name,
            link=link,
        )

    async def _invite(self, ask: Ask) -> Response:
        name, role = ask.form.get("name", "").strip(), ask.form.get("role", "")
        if role not in tuple(OperatorRole):
            raise Declined("not_understood")
        try:
            code = await self._sign_in.invite(name, OperatorRole(role), ask.visitor.author)
        except Refused as problem:
            raise declined_by(problem) from None
        return await self._show_operators(ask, name, self._address(ask, code))

    async def _link(self, ask: Ask) -> Response:
        operator = await self._operator(ask)
        try:
            code = await self._sign_in.link_code(operator.name)
        except Refused as problem:
            raise declined_by(problem) from None
        now = self._around.clock()
        await self._access.audit(
            ask.visitor.author, "operator.link", f"operator:{operator.name}", "{}", now
        )
        return await self._show_operators(ask, operator.name, self._address(ask, code))

    async def _operator(self, ask: Ask) -> Operator:
        number = ask.number("operator")
        for operator in await self._access.operators():
            if operator.id == number:
                return operator
        raise Declined("not_found")

    def _address(self, ask: Ask, code: str) -> str:
        """Return a link as it works for others: from the public address, or as seen from here."""
        if self._around.public_url:
            return f"{self._around.public_url}/console/link/{code}"
        base = str(ask.request.url.replace(path=ask.request.scope["path"], query=""))
        return f"{base.partition('/console/')[0]}/console/link/{code}"

    async def _change(self, ask: Ask) -> Response:
        operator = await self._operator(ask)
        role, state = ask.form.get("role", ""), ask.form.get("state", "")
        if role and role not in tuple(OperatorRole):
            raise Declined("not_understood")
        try:
            await self._access.change_operator(
                operator.id,
                ask.visitor.author,
                self._around.clock(),
                role=OperatorRole(role) if role else None,
                is_disabled={"disable": True, "enable": False}.get(state),
            )
        except Refused as problem:
            raise declined_by(problem) from None
        return go("../operators?done=saved")

    async def _end(self, ask: Ask) -> Response:
        now = self._around.clock()
        await self._access.end_session(ask.number("session"), ask.visitor.author, now)
        return go("../../operators?done=saved")

    # --- tokens -------------------------------------------------------------------------

    async def _tokens(self, ask: Ask) -> Response:
        return await self._show_tokens(ask)

    async def _show_tokens(self, ask: Ask, name: str = "", secret: str = "") -> Response:
        return self._pages.show(
            ask,
            "settings_tokens.html",
            tab="tokens",
            tokens=await self._access.tokens(),
            made=name,
            secret=secret,
            now=self._around.clock(),
        )

    async def _add_token(self, ask: Ask) -> Response:
        name = ask.form.get("name", "").strip()
        days = number_of(ask.form.get("days", "") or "0")
        is_named = 0 < len(name) <= NAME_CHARS_MAX
        if not is_named or days is None or days > TOKEN_DAYS_MAX:
            raise Declined("not_understood")
        scopes = _scopes(ask.form.get("scopes", ""))
        secret, now = new_token(), self._around.clock()
        expires_at = now + days * DAY_S if days else None
        try:
            await self._access.add_token(
                name, scopes, hashed(secret), ask.visitor.author, now, expires_at
            )
        except Refused as problem:
            raise declined_by(problem) from None
        return await self._show_tokens(ask, name, secret)

    async def _revoke_token(self, ask: Ask) -> Response:
        now = self._around.clock()
        if not await self._access.revoke_token(ask.number("token"), ask.visitor.author, now):
            raise Declined("changed_meanwhile")
        return go("../../tokens?done=revoked")

    # --- audit --------------------------------------------------------------------------

    async def _audit(self, ask: Ask) -> Response:
        before = number_of(ask.query("before"))
        lines = await self._access.audit_lines(before, AUDIT_SHOWN + 1)
        return self._pages.show(
            ask,
            "settings_audit.html",
            tab="audit",
            lines=[
                (line, details_in_words(line.details, self._pages.times, ask.language))
                for line in lines[:AUDIT_SHOWN]
            ],
            older=lines[AUDIT_SHOWN - 1].id if len(lines) > AUDIT_SHOWN else None,
        )


def _scopes(written: str) -> tuple[str, ...]:
    """Read the scopes of a token as the command line does; what is none is told in its words."""
    try:
        return checked_scopes(tuple(written.split()))
    except OperatorMistake as problem:
        raise declined_by(problem, "not_understood") from None
