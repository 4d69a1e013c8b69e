"""``posthouse tokens``: who may push over HTTP, and where."""

from __future__ import annotations

import time
from datetime import datetime

from posthouse.api.desk import Nothing
from posthouse.api.push_tasks import ADD_TOKEN, REVOKE_TOKEN, TOKENS, NewToken, Revoke
from posthouse.cli.house import counter_of
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of

DAY_S = 86400.0


async def add(
    settings: Settings, name: str, scopes: tuple[str, ...], days: float, *, as_json: bool
) -> int:
    """Make a token and show it, this once; ``days`` 0 means for ever.

    Raises:
        OperatorMistake: a scope is none, or the days are.
    """
    if not 0 <= days <= 36500:  # noqa: PLR2004 - a hundred years
        raise OperatorMistake("--days is 0 (for ever) or more.", zh="--days 为 0（永久）或更多。")
    expires_at = time.time() + days * DAY_S if days else None
    async with counter_of(settings) as house:
        issued = await house.ask(
            ADD_TOKEN, NewToken(name=name, scopes=scopes, expires_at=expires_at)
        )
    terminal = Terminal()
    if as_json:
        terminal.json(issued)
        return OK
    terminal.line(issued.secret)
    terminal.warn(
        f"令牌 {issued.token.id} 只显示这一次，请保存好。",
        f"Token {issued.token.id} is shown this once; keep it safe.",
    )
    return OK


async def show(settings: Settings, *, as_json: bool) -> int:
    """List tokens, newest first."""
    async with counter_of(settings) as house:
        found = await house.ask(TOKENS, Nothing())
    terminal, zone = Terminal(), zone_of(settings.timezone)
    if as_json:
        terminal.json(found)
        return OK

    def day(at: float | None, otherwise: str) -> str:
        return otherwise if at is None else f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"

    for token in found:
        used = terminal.words("上次使用 ", "last used ") + day(
            token.last_used_at, terminal.words("从未", "never")
        )
        until = terminal.words("有效期至 ", "until ") + day(
            token.expires_at, terminal.words("作废为止", "revoked")
        )
        terminal.line(f"{token.id}  {token.name}  {' '.join(token.scopes)}  {used}  {until}")
    if not found:
        terminal.say("没有令牌。", "There are no tokens.")
    return OK


async def revoke(settings: Settings, number: int) -> int:
    """Let a token be worth nothing."""
    async with counter_of(settings) as house:
        is_revoked = await house.ask(REVOKE_TOKEN, Revoke(number))
    terminal = Terminal()
    if is_revoked:
        terminal.say(f"令牌 {number} 已作废。", f"Token {number} is worth nothing now.")
        return OK
    terminal.warn(f"没有令牌 {number}。", f"There is no token {number}.")
    return PROBLEM_FOUND
