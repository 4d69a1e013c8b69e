"""Begin, run and look after the house."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer

from posthouse import __version__
from posthouse.cli.chat import chat
from posthouse.cli.commands.table import (
    PASSED_ON,
    Config,
    Data,
    Json,
    Yes,
    app,
    finish,
    leave,
    say,
    settings_by,
)
from posthouse.cli.doctor import doctor
from posthouse.cli.init import init
from posthouse.cli.terminal import OK, Terminal


@app.command(
    "run",
    help=say("启动驿站，直到 Ctrl+C", "start the house; it runs until Ctrl+C"),
    context_settings=PASSED_ON,
    add_help_option=False,
)
def run_command(context: typer.Context) -> None:
    from posthouse.cli.run import run

    leave(run(context.args))


@app.command("init", help=say("生成带说明的配置文件", "write a settings file that explains itself"))
def init_command(  # noqa: PLR0913 - one option each
    platform_name: Annotated[
        str,
        typer.Argument(
            help=say("逐步接入一个平台", "set a bot of this platform up, step by step"),
            metavar="[feishu|lark]",
        ),
    ] = "",
    *,
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help=say("覆盖", "overwrite"))] = False,
    name: Annotated[
        str, typer.Option(help=say("机器人在驿站里的名字", "what the house calls the bot"))
    ] = "",
    app_id: Annotated[str, typer.Option(help=say("应用的 App ID", "the app's id"))] = "",
    app_secret_file: Annotated[
        Path | None,
        typer.Option(
            help=say("存有 App Secret 的文件", "a file with the app's secret"), metavar="FILE"
        ),
    ] = None,
    domain: Annotated[
        str, typer.Option(help=say("私有部署的地址", "of a private installation"), metavar="URL")
    ] = "",
    webhook: Annotated[
        str,
        typer.Option(
            help=say(
                "用 Webhook 而不用长连接：驿站的公网地址",
                "by webhook instead of the long connection: the house's public address",
            ),
            metavar="URL",
        ),
    ] = "",
    old: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help=say("沿用茴香豆的 config.ini", "take over HuixiangDou's config.ini"),
            metavar="FILE",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    if not (platform_name or old):
        leave(init(config, overwrites=force))
    from posthouse.cli.init_feishu import Answers, init_feishu

    answers = Answers(
        platform=platform_name or "feishu",
        config=config,
        name=name,
        app_id=app_id,
        app_secret_file=app_secret_file,
        domain=domain,
        webhook=webhook,
        old=old,
        asks=not yes,
    )
    finish(init_feishu(answers))


@app.command("chat", help=say("在终端里聊天", "chat in the terminal"))
def chat_command(
    config: Config = None,
    data: Data = None,
    name: Annotated[str, typer.Option(help=say("你的名字", "your name"))] = "",
    say: Annotated[
        list[str] | None, typer.Option(help=say("说一句就走", "say this, wait, leave"))
    ] = None,
) -> None:
    finish(chat(settings_by(config, data), name, tuple(say or ())))


@app.command("invite", help=say("给别人一个进网页聊天的链接", "a link into the web chat"))
def invite_command(
    *,
    config: Config = None,
    data: Data = None,
    bot: Annotated[str, typer.Option(help=say("哪个网页机器人", "which web bot"))] = "web",
    hours: Annotated[
        float,
        typer.Option(help=say("几小时内有效；0 为默认", "good for so many hours; 0: as usual")),
    ] = 0.0,
) -> None:
    from posthouse.cli.invite import invite

    leave(invite(settings_by(config, data).settings, bot, hours))


@app.command("doctor", help=say("检查一切，并说怎么办", "look at everything and say what to do"))
def doctor_command(
    *,
    config: Config = None,
    data: Data = None,
    settings: Annotated[
        bool, typer.Option("--settings", help=say("列出每项配置及来源", "show every setting"))
    ] = False,
    as_json: Json = False,
) -> None:
    finish(doctor(settings_by(config, data), as_json=as_json, shows_settings=settings))


@app.command(
    "reload", help=say("让运行中的驿站重新读配置", "let a running house read its settings")
)
def reload_command(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("只看有何变化", "only say what would change"))
    ] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli.reload import reload

    settings = settings_by(config, data).settings
    finish(reload(settings, is_rehearsal=dry_run, as_json=as_json))


@app.command("version", help=say("版本", "the version"))
def version_command(*, as_json: Json = False) -> None:
    import apsw

    about = {
        "posthouse": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "system": platform.platform(),
    }
    terminal = Terminal()
    if as_json:
        terminal.json(about)
    else:
        terminal.line(" · ".join(f"{name} {value}" for name, value in about.items()))
    leave(OK)
