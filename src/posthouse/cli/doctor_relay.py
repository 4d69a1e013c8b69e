"""What the doctor says of a relay: where platforms should knock, and whether anybody fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from posthouse.api.desk import Nothing
from posthouse.api.push_tasks import TOKENS
from posthouse.bootstrap import database_of
from posthouse.channels.channel import Outpost
from posthouse.channels.finding import Finding, Mark
from posthouse.cli.house import counter_of
from posthouse.gateway.relay import is_unfetched
from posthouse.model.errors import PosthouseError, TryLater
from posthouse.model.event import Event
from posthouse.model.relay import BotState
from posthouse.model.scopes import may_fetch
from posthouse.settings.language import Said
from posthouse.settings.settings import Settings
from posthouse.station import build_outpost
from posthouse.world import World


class _Nowhere:
    """An inlet for outposts that are only looked at."""

    async def take(self, payload: bytes, events: Sequence[Event]) -> None:  # noqa: ARG002 - protocol
        raise TryLater


async def relay_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Look at a relay's bots, and at the tokens by which houses fetch."""
    for name in settings.bots:
        try:
            outpost = build_outpost(name, settings, World(), _Nowhere())
        except PosthouseError as problem:
            yield Finding(Mark.FAIL, f"bot {name}", _said(problem))
        else:
            for finding in _addresses(name, settings, outpost):
                yield finding
    if database_of(settings).exists():
        try:
            async with counter_of(settings) as house:
                scopes = [token.scopes for token in await house.ask(TOKENS, Nothing())]
        except PosthouseError as problem:
            yield Finding(Mark.FAIL, "tokens", _said(problem))
        else:
            for finding in _tokens(settings, scopes):
                yield finding


def _said(problem: PosthouseError) -> Said:
    return Said(problem.sentence("zh"), problem.sentence("en"))


def _addresses(name: str, settings: Settings, outpost: Outpost) -> Iterator[Finding]:
    base = settings.server.public_url
    for route in outpost.routes():
        path = str(getattr(route, "path", ""))
        said = Said(
            f"机器人 {name}：回调地址 {base}{path}", f"bot {name}: callbacks at {base}{path}"
        )
        if base:
            yield Finding(Mark.OK, "callbacks", said)
        else:
            remedy = Said(
                "设置 server.public_url，再把完整地址填进开发者后台",
                "set server.public_url, and enter the whole address on the platform",
            )
            yield Finding(Mark.WARN, "callbacks", said, remedy)


def _tokens(settings: Settings, tokens: Sequence[tuple[str, ...]]) -> Iterator[Finding]:
    closed = [name for name in settings.bots if not any(may_fetch(each, name) for each in tokens)]
    for name in closed:
        yield Finding(
            Mark.WARN,
            "tokens",
            Said(f"没有令牌能取机器人 {name} 的消息", f"no token fetches for bot {name}"),
            Said(
                f"posthouse tokens add 名字 --scope relay:bot={name}",
                f"posthouse tokens add NAME --scope relay:bot={name}",
            ),
        )


def relayed_finding(state: BotState) -> Finding:
    """Say what waits for a bot, and whether somebody fetches it."""
    minutes = round(state.oldest_s / 60)
    if is_unfetched(state):
        return Finding(
            Mark.FAIL,
            "relay",
            Said(
                f"机器人 {state.bot}：{state.waiting} 条在等，{minutes} 分钟没有驿站来取",
                f"bot {state.bot}: {state.waiting} wait, nobody has fetched for {minutes} minutes",
            ),
            Said(
                "启动内网的驿站，或在那边运行 posthouse doctor",
                "start the house, or run `posthouse doctor` there",
            ),
        )
    zh, en = _who_fetches(state)
    said = Said(
        f"机器人 {state.bot}：{state.waiting} 条在等，{zh}",
        f"bot {state.bot}: {state.waiting} wait, {en}",
    )
    return Finding(Mark.OK, "relay", said)


def _who_fetches(state: BotState) -> tuple[str, str]:
    if state.is_held:
        return "驿站在取", "a house fetches"
    if state.fetched_s is None:
        return "还没有驿站来取过", "no house has come yet"
    minutes = round(state.fetched_s / 60)
    return f"上次来取是 {minutes} 分钟前", f"last fetched {minutes} minutes ago"
