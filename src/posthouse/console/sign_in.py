"""Who is at the console: log-in, sessions, the first operator, and the way back in."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from posthouse.console.lockout import Lockout
from posthouse.console.passwords import Passwords, check_new
from posthouse.model.errors import Refused, TryLater
from posthouse.model.permission import ROLE_RANKS, OperatorRole
from posthouse.model.secret import hashed, new_secret
from posthouse.store.access import Access, Operator, Session

IDLE_S = 12 * 3600.0  # a session nobody uses is over
ABSOLUTE_S = 7 * 86400.0  # and every session is, after that
TOUCHED_EVERY_S = 60.0  # how often its use is written down
SETUP_S = 24 * 3600.0
LINK_S = 900.0
INVITATION_S = 3 * 86400.0
NAME_CHARS_MAX = 64
AGENT_CHARS_MAX = 200
SETUP = "setup"


class Visit(Struct, frozen=True, kw_only=True):
    """Where somebody comes from; shown in the list of sessions."""

    address: str = ""
    agent: str = ""


class Visitor(Struct, frozen=True):
    """Somebody who is logged in."""

    session: Session
    operator: Operator

    @property
    def author(self) -> str:
        """What the audit calls them."""
        return f"operator:{self.operator.name}"

    def may(self, role: OperatorRole) -> bool:
        """Whether they may do what ``role`` may do."""
        return ROLE_RANKS[self.operator.role] >= ROLE_RANKS[role]


class Entered(Struct, frozen=True):
    """A fresh session; its secret goes into the cookie and is nowhere else."""

    visitor: Visitor
    secret: str


class SignIn:
    """Lets operators in and keeps everybody else out.

    Args:
        access: the book of operators.
        passwords: hashes and compares.
        lockout: counts tries.
        clock: seconds since the epoch.
    """

    def __init__(
        self, access: Access, passwords: Passwords, lockout: Lockout, clock: Callable[[], float]
    ) -> None:
        self._access = access
        self._passwords = passwords
        self._lockout = lockout
        self._clock = clock

    # --- by password ----------------------------------------------------------------------

    async def log_in(
        self, name: str, password: str, visit: Visit, *, old_secret: str = ""
    ) -> Entered:
        """Let somebody in by name and password; an older session of this browser ends.

        Raises:
            TryLater: too many wrong tries; ``retry_after_s`` says how long to wait.
            Refused: the name or the password is wrong; nobody is told which.
        """
        operator = await self._recognise(name, password, visit)
        await self.log_out(old_secret)
        return await self._enter(operator, visit)

    async def _recognise(self, name: str, password: str, visit: Visit) -> Operator:
        wait_s = self._lockout.try_now(name, visit.address, self._clock())
        if wait_s > 0:
            raise _locked_out(wait_s)
        found = await self._access.password_hash(name)
        stored = "" if found is None else found[1]
        is_right = await self._passwords.is_right(stored, password)
        if found is None or not is_right:
            raise Refused("The name or the password is wrong.", zh="名字或密码不对。")
        self._lockout.succeeded(name, visit.address)
        return found[0]

    async def change_password(
        self, visitor: Visitor, password: str, new_password: str, visit: Visit
    ) -> Entered:
        """Change one's own password; all sessions end and a fresh one begins.

        Raises:
            TryLater: too many wrong tries.
            Refused: the old password is wrong, or the new one is too easy to guess.
        """
        operator = await self._recognise(visitor.operator.name, password, visit)
        await self._set_password(operator, new_password, visitor.author)
        return await self._enter(operator, visit)

    async def _set_password(self, operator: Operator, password: str, author: str) -> None:
        check_new(password, operator.name)
        await self._access.change_operator(
            operator.id, author, self._clock(), password_hash=await self._passwords.hash(password)
        )

    # --- while they are here --------------------------------------------------------------

    async def who(self, secret: str) -> Visitor | None:
        """Return who is logged in with a cookie's secret, and let the session live on."""
        if not secret:
            return None
        now = self._clock()
        found = await self._access.session(hashed(secret), now)
        if found is None:
            return None
        session, operator = found
        if now - session.seen_at >= TOUCHED_EVERY_S:
            await self._access.touch_session(session.id, now, _end(session.created_at, now))
        return Visitor(session, operator)

    async def log_out(self, secret: str) -> None:
        """End the session with this secret, if there is one."""
        visitor = await self.who(secret)
        if visitor is not None:
            await self._access.end_session(visitor.session.id, visitor.author, self._clock())

    async def _enter(self, operator: Operator, visit: Visit) -> Entered:
        secret, now = new_secret(), self._clock()
        session = await self._access.open_session(
            operator.id,
            hashed(secret),
            now,
            _end(now, now),
            agent=visit.agent[:AGENT_CHARS_MAX],
            address=visit.address,
        )
        return Entered(Visitor(session, operator), secret)

    # --- the first operator -----------------------------------------------------------------

    async def set_up_code(self) -> str | None:
        """Make the one-time code of the set-up link; None when there are operators already."""
        if await self._access.operators():
            return None
        code = new_secret()
        await self._put_code(SETUP, code, SETUP_S)
        return code

    async def set_up(self, code: str, name: str, password: str, visit: Visit) -> Entered:
        """Let the first operator choose a name and a password.

        Raises:
            Refused: the code is used up, over or wrong; or the name or password will not do.
        """
        if await self._access.operators() or not await self._is_code(SETUP, code):
            raise _dead_link()  # before a hash, which is dear
        check_name(name)
        check_new(password, name)
        password_hash = await self._passwords.hash(password)
        if await self._access.operators() or not await self._use_code(SETUP, code):
            raise _dead_link()  # somebody was faster
        operator = await self._access.add_operator(
            name, OperatorRole.ADMIN, password_hash, "setup", self._clock()
        )
        return await self._enter(operator, visit)

    # --- links for one operator ---------------------------------------------------------------

    async def invite(self, name: str, role: OperatorRole, author: str) -> str:
        """Add an operator without a password, and make the code of the link that sets one.

        Raises:
            Refused: the name is taken or will not do.
        """
        check_name(name)
        operator = await self._access.add_operator(name, role, "", author, self._clock())
        return await self._code_for(operator, INVITATION_S)

    async def link_code(self, name: str) -> str:
        """Make the code of a link by which somebody chooses a new password.

        Raises:
            Refused: there is no enabled operator of that name.
        """
        found = await self._access.password_hash(name)
        if found is None:
            raise Refused(
                f"There is no operator {name}, or it is disabled.",
                zh=f"没有操作员 {name}，或已停用。",
            )
        return await self._code_for(found[0], LINK_S)

    async def whose_link(self, code: str) -> Operator | None:
        """Return for whom a link was made, without using it; None when it is wrong or over."""
        number, _, _ = code.partition(".")
        operators = await self._access.operators()
        named = next((one for one in operators if str(one.id) == number), None)
        if named is None or not await self._is_code(_purpose(named), code):
            return None  # who guesses does not learn who is here
        return named

    async def enter_by_link(self, code: str, password: str, visit: Visit) -> Entered:
        """Set a new password by a link; every other session of that operator ends.

        Raises:
            Refused: the link is used up, over or wrong; or the password will not do.
        """
        operator = await self.whose_link(code)
        if operator is None or operator.is_disabled:
            raise _dead_link()
        check_new(password, operator.name)
        if not await self._use_code(_purpose(operator), code):
            raise _dead_link()
        await self._set_password(operator, password, "link")
        self._lockout.clear(operator.name)
        return await self._enter(operator, visit)

    async def _code_for(self, operator: Operator, lasts_s: float) -> str:
        purpose, code = new_link(operator)
        await self._put_code(purpose, code, lasts_s)
        return code

    async def _put_code(self, purpose: str, code: str, lasts_s: float) -> None:
        now = self._clock()
        await self._access.put_code(purpose, hashed(code), now + lasts_s, now)

    async def _use_code(self, purpose: str, code: str) -> bool:
        now = self._clock()
        return await self._access.use_code(purpose, hashed(code), now, is_guessable=False)

    async def _is_code(self, purpose: str, code: str) -> bool:
        return await self._access.is_code(purpose, hashed(code), self._clock())


def check_name(name: str) -> None:
    """Refuse a name that no list could show.

    Raises:
        Refused: it is empty, too long, or has spaces around it or signs that cannot be seen.
    """
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable() or name != name.strip():
        raise Refused(
            f"A name has 1 to {NAME_CHARS_MAX} characters that can be seen, no spaces around it.",
            zh=f"名字要有 1 到 {NAME_CHARS_MAX} 个可见字符，前后没有空格。",
        )


def new_link(operator: Operator) -> tuple[str, str]:
    """Make the purpose and the code of a link for one operator; the code says for whom it is."""
    return _purpose(operator), f"{operator.id}.{new_secret()}"


def _purpose(operator: Operator) -> str:
    return f"link:{operator.id}"


def _end(created_at: float, now: float) -> float:
    return min(now + IDLE_S, created_at + ABSOLUTE_S)


def _locked_out(wait_s: float) -> TryLater:
    seconds = int(wait_s) + 1
    problem = TryLater(
        f"Too many wrong tries; wait {seconds} s, or use `posthouse console-link`.",
        zh=f"错误次数太多；请等 {seconds} 秒，或使用 posthouse console-link。",
    )
    problem.retry_after_s = float(seconds)
    return problem


def _dead_link() -> Refused:
    return Refused(
        "This link has been used or is over; `posthouse console-link` makes another.",
        zh="这个链接已经用过或过期；posthouse console-link 可以再生成一个。",
    )
