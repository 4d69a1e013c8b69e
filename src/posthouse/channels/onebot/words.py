"""What an operator reads about a QQ bot: why it does not start, and what to click next."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from posthouse.channels.channel import ChannelTools, ConnectionState, Status
from posthouse.channels.onebot.lines import Lines
from posthouse.channels.onebot.settings import OneBotOptions
from posthouse.model.errors import OperatorMistake

ALARM_AFTER_S = 120.0  # without a connection


def refuse_an_open_door(name: str, options: OneBotOptions, tools: ChannelTools) -> None:
    """Refuse an entrance that anybody could use.

    Raises:
        OperatorMistake: no token, and the house can be reached from other machines.
    """
    if options.url or options.insecure or options.token.get_secret_value():
        return
    if _is_loopback(tools.host) and _is_loopback(urlsplit(tools.public_url).hostname or "::1"):
        return
    raise OperatorMistake(
        f"bots.{name} has no token, and others can reach this house. Set token ="
        ' { env = "ONEBOT_TOKEN" } here and the same access token in NapCat or Lagrange'
        " (insecure = true lets anybody in).",
        f"bots.{name} 没有 token，而其他机器能连到这里。请设置 token ="
        ' { env = "ONEBOT_TOKEN" }，并在 NapCat 或 Lagrange 里填同样的 Token'
        "（insecure = true 表示谁都能连）。",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def status_of(lines: Lines, options: OneBotOptions, tools: ChannelTools) -> Status:
    """Say how a bot is connected whose implementation has to come to us."""
    if lines.has_caller and lines.hears and lines.is_online:
        return Status(state=ConnectionState.CONNECTED, since_at=lines.changed_at)
    if lines.has_caller and lines.hears:
        detail = _offline(tools.language)
    elif lines.has_caller or lines.hears:
        detail = _half(tools.language, hears=lines.hears)
    else:
        detail = _nobody(options.path, tools.language)
    return Status(
        state=ConnectionState.WAITING,
        since_at=lines.changed_at,
        detail=detail,
        is_alarming=not lines.is_online or tools.clock() - lines.changed_at >= ALARM_AFTER_S,
    )


def _nobody(path: str, language: str) -> str:
    if language == "zh":
        return (
            f"还没有 QQ 端连接到 {path}。NapCat：网络配置 → 新建 → WebSocket 客户端；"
            "Lagrange：Implementations → ReverseWebSocket。"
        )
    return (
        f"no implementation is connected to {path}. NapCat: Network → New → WebSocket client;"
        " Lagrange: Implementations → ReverseWebSocket."
    )


def _offline(language: str) -> str:
    if language == "zh":
        return "实现端已连接，但 QQ 掉线了：请打开 NapCat 或 Lagrange 的页面重新登录"
    return "the implementation is here, but QQ is offline: log in again in NapCat or Lagrange"


def _half(language: str, *, hears: bool) -> str:
    if language == "zh":
        return "只连上了 /event，还缺 /api" if hears else "只连上了 /api，还缺 /event"
    return "only the event connection is there" if hears else "only the api connection is there"
