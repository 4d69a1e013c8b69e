"""Who may do what, and who steers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from posthouse.cli import grant, xbot
from posthouse.cli.commands.table import (
    Config,
    Data,
    Json,
    OfBot,
    app,
    finish,
    import_app,
    operators_app,
    say,
    settings_by,
)
from posthouse.model.permission import Effect


@app.command(
    "grant",
    help=say(
        "允许谁做什么：grant person:ou_1 deploy.start --until 2026-12-01",
        "let somebody do something: grant person:ou_1 deploy.start --until 2026-12-01",
    ),
)
def grant_command(  # noqa: PLR0913 - a parameter for each option
    words: Annotated[
        list[str],
        typer.Argument(
            help=say(
                "谁（person:ID、people:组、chat:编号、everyone）和什么（场景、场景.命令、"
                "handler:名字、'*'）",
                "who (person:ID, people:NAME, chat:NUMBER, everyone) and what (scene,"
                " scene.command, handler:NAME, '*')",
            ),
            metavar="WHO WHAT",
        ),
    ],
    *,
    until: Annotated[
        str, typer.Option(help=say("到何时，如 2026-12-01、30d", "for example 2026-12-01, 30d"))
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help=say("从何时，如 2026-11-25", "such as 2026-11-25"))
    ] = "",
    bot: OfBot = "",
    block: Annotated[
        bool, typer.Option("--block", help=say("禁止而不是允许", "block, do not allow"))
    ] = False,
    note: Annotated[str, typer.Option(help=say("备注", "a note for the list"))] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    settings = settings_by(config, data).settings
    times = [f"{word} {at}" for word, at in (("from", start), ("until", until)) if at]
    effect = Effect.BLOCK if block else Effect.ALLOW
    finish(grant.grant(settings, effect, [*words, *times], bot, note, time.time()))


@app.command("revoke", help=say("删除权限记录", "strike lines out"))
def revoke_command(
    numbers: Annotated[list[int], typer.Argument(help=say("编号", "numbers"))],
    config: Config = None,
    data: Data = None,
) -> None:
    finish(grant.revoke(settings_by(config, data).settings, numbers))


@app.command("grants", help=say("列出谁可以做什么", "list who may do what"))
def grants_command(
    who: Annotated[
        str, typer.Argument(help=say("只列这位", "only of this one"), show_default=False)
    ] = "",
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    settings = settings_by(config, data).settings
    finish(grant.show_grants(settings, who, bot, time.time(), as_json=as_json))


@app.command(
    "people",
    help=say(
        "列出人员组；给出组名和成员则设置它", "list groups of people; with a name and ids, set one"
    ),
)
def people_command(
    name: Annotated[str, typer.Argument(help=say("组名", "its name"), show_default=False)] = "",
    members: Annotated[
        list[str] | None,
        typer.Argument(help=say("成员的 id；不给则解散", "ids; none: it is removed")),
    ] = None,
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    settings = settings_by(config, data).settings
    finish(grant.people(settings, name, members or (), bot, as_json=as_json))


@operators_app.command("list", help=say("列出操作员和等待获准的人", "list them, and who waits"))
def operators_list_command(
    *, config: Config = None, data: Data = None, as_json: Json = False
) -> None:
    finish(grant.show_operators(settings_by(config, data).settings, as_json=as_json))


@operators_app.command(
    "claim-code", help=say("生成 /claim 的一次性代码", "make the one-time code for /claim")
)
def operators_claim_command(config: Config = None, data: Data = None) -> None:
    finish(grant.claim_code(settings_by(config, data).settings))


@operators_app.command("add", help=say("设为聊天里的操作员", "let somebody steer inside chats"))
def operators_add_command(
    person: Annotated[str, typer.Argument(help=say("平台上的 id", "the id on the platform"))],
    *,
    bot: OfBot = "",
    name: Annotated[str, typer.Option(help=say("名字", "a name for the list"))] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    finish(grant.appoint(settings_by(config, data).settings, person, bot, name))


@operators_app.command("drop", help=say("不再是操作员", "let them steer no more"))
def operators_drop_command(
    person: Annotated[str, typer.Argument(help=say("平台上的 id", "the id on the platform"))],
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
) -> None:
    finish(grant.dismiss(settings_by(config, data).settings, person, bot))


@app.command(
    "console-link",
    help=say("进不了控制台时：生成一次性链接", "locked out of the console? make a one-time link"),
)
def console_link_command(
    name: Annotated[
        str, typer.Argument(help=say("操作员的名字", "the operator's name"), show_default=False)
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    finish(grant.console_link(settings_by(config, data).settings, name))


@import_app.command("xbot", help=say("导入 XBot 的 local.db", "take XBot's local.db over"))
def import_xbot_command(
    path: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    bot: OfBot = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("只看，不写", "look, change nothing"))
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    settings = settings_by(config, data).settings
    named = grant.the_bot(settings, bot)
    finish(xbot.import_xbot(settings, path, named, time.time(), is_dry=dry_run))


@import_app.callback(invoke_without_command=False)
def import_commands() -> None:
    """Keep ``xbot`` a command of its own while it is the only one."""
