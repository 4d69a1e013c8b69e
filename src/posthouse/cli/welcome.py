"""What ``run`` says first: where the house is from where you sit, and what to do next."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from posthouse import __version__
from posthouse.api.app import is_loopback
from posthouse.api.vitals import BotVitals
from posthouse.channels.channel import ConnectionState
from posthouse.settings.language import Said
from posthouse.settings.load import Loaded
from posthouse.settings.settings import BotSettings

SSH_PORT = "22"
LABEL_WIDTH = 10

STATES: Mapping[ConnectionState, Said] = {
    ConnectionState.OFF: Said("就绪", "ready"),
    ConnectionState.CONNECTING: Said("正在连接", "connecting"),
    ConnectionState.CONNECTED: Said("已连接", "connected"),
    ConnectionState.WAITING: Said("连接断开，会自动重连", "connection lost, trying again"),
    ConnectionState.SUPERSEDED: Said("被另一个进程顶替", "another process took over"),
    ConnectionState.REFUSED: Said("凭据被拒绝", "the credentials were refused"),
}


def welcome(  # noqa: PLR0913 - a parameter for each line of it
    loaded: Loaded,
    url: str,
    bots: Sequence[BotVitals],
    environ: Mapping[str, str],
    *,
    is_held: bool,
    set_up: str | None = None,
    claim: str | None = None,
) -> str:
    """Return the start-up text.

    Args:
        loaded: the settings.
        url: where the house answers on its own machine.
        bots: who lives in it.
        environ: tells whether somebody sits at the far end of an SSH connection.
        is_held: whether it waits for an operator after a restore.
        set_up: the link by which the first admin of the console comes in; None when there is one.
        claim: the code of the first operator inside chats; None when there is one.
    """
    language = loaded.settings.language
    rows = [
        *((Said("网页", "Page"), page) for page in _pages(loaded, url)),
        (Said("控制台", "Console"), _console(loaded, url, set_up)),
        *_from_afar(loaded, url, environ),
        *((Said("机器人", "Bot"), _bot(bot, language)) for bot in bots),
        *((Said("操作员", "Operator"), said(language)) for said in _claim(claim)),
        (Said("数据", "Data"), str(loaded.settings.data.absolute())),
        (Said("配置", "Settings"), _settings(loaded)(language)),
        (Said("下一步", "Next"), _next(loaded, bots, is_held=is_held)(language)),
        (
            Said("停止", "Stop"),
            Said(
                "Ctrl+C（再按一次立即退出；收到的消息不会丢）",
                "Ctrl+C (once more: at once; no message that came in is lost)",
            )(language),
        ),
    ]
    title = Said(f"驿站 {__version__} 已开门", f"Posthouse {__version__} is open")(language)
    return "\n".join(
        [title, "", *(f"  {padded(label(language))}{text}" for label, text in rows), ""]
    )


def ssh_command(url: str, environ: Mapping[str, str]) -> str | None:
    """Return what to type at home to see ``url``; None when nobody came by SSH."""
    connection = environ.get("SSH_CONNECTION", "").split()
    if len(connection) != 4:  # noqa: PLR2004 - client and server, address and port each
        return None
    host, port = connection[2:]
    user = environ.get("USER") or getpass.getuser()
    other_port = "" if port == SSH_PORT else f"-p {port} "
    here = urlsplit(url).port
    return f"ssh {other_port}-L {here}:localhost:{here} {user}@{host}"


def _pages(loaded: Loaded, url: str) -> list[str]:
    base = loaded.settings.server.public_url or url
    bots = loaded.settings.bots.values()
    return [base + path for path in map(web_path, bots) if path is not None]


def _console(loaded: Loaded, url: str, set_up: str | None) -> str:
    if set_up is None:
        return f"{loaded.settings.server.public_url or url}/console/"
    note = Said("（一次性链接：建立第一个管理员）", " (works once: makes the first admin)")
    return set_up + note(loaded.settings.language)


def web_path(bot: BotSettings) -> str | None:
    """Return where the pages of a web bot are; None for other bots."""
    if bot.channel != "web":
        return None
    return str((bot.model_extra or {}).get("path", "/chat"))


def _from_afar(loaded: Loaded, url: str, environ: Mapping[str, str]) -> list[tuple[Said, str]]:
    command = ssh_command(url, environ)
    if command is None or not is_loopback(loaded.settings.server.host):
        return []
    return [
        (
            Said("", ""),
            Said(
                "你是经 SSH 登录的：先在自己的电脑上运行下面这行，再打开上面的网页",
                "you came by SSH: first type this on your own computer, then open the page there",
            )(loaded.settings.language),
        ),
        (Said("", ""), command),
    ]


def _bot(bot: BotVitals, language: str) -> str:
    detail = f" ({bot.status.detail})" if bot.status.detail else ""
    return f"{bot.name} · {bot.channel} · {STATES[bot.status.state](language)}{detail}"


def _claim(code: str | None) -> list[Said]:
    if code is None:
        return []
    return [
        Said(
            f"还没有；私聊机器人发送 /claim {code}（一小时内有效）",
            f"nobody yet; say /claim {code} to the bot in a private chat (within an hour)",
        )
    ]


def _settings(loaded: Loaded) -> Said:
    if loaded.file is not None:
        return Said(str(loaded.file.absolute()), str(loaded.file.absolute()))
    return Said(
        "没有配置文件，用默认值（posthouse init 可生成一个）",
        "no file, all defaults (`posthouse init` writes one)",
    )


def _next(loaded: Loaded, bots: Sequence[BotVitals], *, is_held: bool) -> Said:
    if is_held:
        return Said(
            "这是恢复的备份，暂不发送：先看 posthouse held list",
            "this is a restored backup, nothing is sent yet: see `posthouse held list`",
        )
    has_web = any(bot.channel == "web" for bot in bots)
    if has_web and not is_loopback(loaded.settings.server.host):
        return Said(
            "网页只对受邀的人开放：在另一个终端运行 posthouse invite，打开它给出的链接",
            "the page is for invited people: type `posthouse invite` in another terminal"
            " and open the link it gives",
        )
    if has_web:
        return Said(
            "打开网页，起个名字，说一句 /help；或在另一个终端运行 posthouse chat",
            "open the page, choose a name and say /help; or `posthouse chat` in another terminal",
        )
    return Said("在平台上给机器人发一句 /help", "say /help to the bot on its platform")


def padded(label: str) -> str:
    """Pad a label for terminals, where a Chinese character is two columns wide."""
    columns = sum(2 if ord(character) > 0x2E80 else 1 for character in label)  # noqa: PLR2004
    return label + " " * max(1, LABEL_WIDTH - columns)
