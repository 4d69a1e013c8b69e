"""Copies, upgrades and repairs of the book, and what a restored one holds back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from posthouse.cli import copying, database, held
from posthouse.cli.commands.table import (
    All,
    Config,
    Data,
    Json,
    Numbers,
    Yes,
    app,
    db_app,
    finish,
    held_app,
    leave,
    say,
    settings_by,
)
from posthouse.cli.terminal import USAGE, Terminal
from posthouse.settings.load import Loaded
from posthouse.store.holding import Decision


@app.command("backup", help=say("备份到文件，运行中也可以", "copy the book, running or not"))
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    finish(database.backup(settings_by(config, data).settings, file, as_json=as_json))


@app.command("restore", help=say("恢复备份；启动后先扣留", "put a backup back; it starts held"))
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    config: Config = None,
    data: Data = None,
    copied_at: Annotated[
        str,
        typer.Option(
            help=say(
                "不是 posthouse backup 做的文件：它的复制时间",
                "for a file not made by `posthouse backup`: when it was copied",
            ),
            metavar="TIME",
        ),
    ] = "",
) -> None:
    leave(database.restore(settings_by(config, data).settings, file, copied_at))


@db_app.command("check", help=say("检查数据库", "check the database"))
def db_check_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    finish(database.check(settings_by(config, data).settings, as_json=as_json))


@db_app.command("migrate", help=say("升级数据库", "bring the database up to date"))
def db_migrate_command(config: Config = None, data: Data = None) -> None:
    leave(database.migrate(settings_by(config, data).settings))


@db_app.command("copy", help=say("复制到另一个数据库", "copy into another database"))
def db_copy_command(
    *,
    source: Annotated[
        str, typer.Option("--from", help=say("sqlite:数据目录", "sqlite:DIR or postgresql://…"))
    ],
    target: Annotated[
        str, typer.Option("--to", help=say("postgresql://…", "postgresql://… or sqlite:DIR"))
    ],
    as_json: Json = False,
) -> None:
    leave(copying.copy(source, target, as_json=as_json))


@db_app.command("revive", help=say("重试被放弃的一轮", "try a turn again that was given up"))
def db_revive_command(
    turn: Annotated[int, typer.Argument(help=say("编号", "its number"))],
    config: Config = None,
    data: Data = None,
) -> None:
    finish(database.revive(settings_by(config, data).settings, turn))


@held_app.command("list", help=say("列出扣留的消息", "list what is held"))
def held_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    finish(held.show_held(settings_by(config, data).settings, as_json=as_json))


@held_app.command("send", help=say("发送", "send them"))
def held_send_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.SEND, numbers, settings_by(config, data), everything=everything, yes=yes)


@held_app.command("drop", help=say("丢弃", "drop them"))
def held_drop_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.DROP, numbers, settings_by(config, data), everything=everything, yes=yes)


@held_app.command("sent", help=say("之前已经发过", "they had been sent before"))
def held_sent_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.SENT, numbers, settings_by(config, data), everything=everything, yes=yes)


def _decide(
    decision: Decision, numbers: list[int] | None, loaded: Loaded, *, everything: bool, yes: bool
) -> None:
    terminal = Terminal()
    if bool(numbers) == everything:
        terminal.warn("请给出编号，或 --all。", "Give numbers, or --all.")
        leave(USAGE)
    if everything and not yes and sys.stdin.isatty():
        asked = terminal.words(
            f"对全部扣留的消息：{decision}？", f"{decision} everything that is held?"
        )
        typer.confirm(asked, abort=True)
    chosen = None if everything else tuple(numbers or ())
    finish(held.decide_held(loaded.settings, decision, chosen))
