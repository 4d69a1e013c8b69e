"""The table of commands, the options that many share, and how a command ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from posthouse.cli.terminal import Terminal, speak
from posthouse.settings.load import Loaded, load
from posthouse.settings.zone import live_in

say = Terminal().words

Config = Annotated[Path | None, typer.Option(help=say("配置文件", "settings file"), metavar="FILE")]
Data = Annotated[Path | None, typer.Option(help=say("数据目录", "data directory"), metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help=say("输出 JSON", "print JSON"))]
All = Annotated[bool, typer.Option("--all", help=say("全部", "all of them"))]
Yes = Annotated[bool, typer.Option("--yes", help=say("不再询问", "do not ask"))]
OfBot = Annotated[
    str,
    typer.Option(
        help=say("哪个机器人；'*' 表示全部", "which bot; '*' for all of them"), metavar="BOT"
    ),
]
Numbers = Annotated[
    list[int] | None, typer.Argument(help=say("编号", "numbers"), show_default=False)
]

app = typer.Typer(
    name="posthouse",
    help=say(
        "驿站：机器人的家，收到的消息不会丢。加 --debug 可看到出错细节。",
        "Posthouse: a home for a team's bots; no message is lost."
        " --debug shows the traceback of an error.",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
db_app = typer.Typer(help=say("检查、升级数据库", "check and upgrade the database"))
held_app = typer.Typer(help=say("恢复备份后扣留的消息", "messages that are held after a restore"))
app.add_typer(db_app, name="db")
app.add_typer(held_app, name="held")
operators_app = typer.Typer(
    help=say("操作员：聊天里的和控制台的", "operators, inside chats and of the console"),
)
import_app = typer.Typer(help=say("从别的系统导入", "import from other systems"))
app.add_typer(operators_app, name="operators")
app.add_typer(import_app, name="import")
tokens_app = typer.Typer(help=say("推送用的令牌", "tokens for scripts that push"))
chats_app = typer.Typer(help=say("会话和标签", "chats and their tags"))
kb_app = typer.Typer(help=say("知识库：文档、来源、检索", "knowledge: documents and search"))
app.add_typer(tokens_app, name="tokens")
app.add_typer(chats_app, name="chats")
app.add_typer(kb_app, name="kb")

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def settings_by(config: Path | None, data: Path | None) -> Loaded:
    """Read the settings, and speak and tell the time as they say."""
    flags = {"data": None if data is None else str(data.absolute())}
    loaded = load(os.environ, flags, config)
    speak(loaded.settings.language)
    live_in(loaded.settings.timezone)
    return loaded


def leave(code: int) -> None:
    """End the command with this exit code."""
    raise typer.Exit(code)


def finish(work: Coroutine[Any, Any, int]) -> None:
    """Do the work, and end with the code it returns."""
    leave(asyncio.run(work))
