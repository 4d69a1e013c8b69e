"""Messages from scripts: pushing, tokens, tags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from posthouse.cli.commands.table import (
    Config,
    Data,
    Json,
    app,
    chats_app,
    finish,
    say,
    settings_by,
    tokens_app,
)


@app.command("push", help=say("往会话里发消息", "say something in chats"))
def push_command(  # noqa: PLR0913 - one for each option
    text: Annotated[
        str,
        typer.Argument(
            help=say("Markdown 文字；- 从标准输入读", "Markdown; - reads standard input"),
            show_default=False,
        ),
    ] = "",
    *,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "会话编号、tag:标签、机器人:平台会话 id；可多次",
                "a chat's number, tag:NAME, or BOT:PLATFORM-ID; may be repeated",
            )
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help=say("不是 Markdown", "no Markdown"))
    ] = False,
    image: Annotated[Path | None, typer.Option(help=say("图片", "a picture"))] = None,
    file: Annotated[Path | None, typer.Option(help=say("文件", "a file"))] = None,
    key: Annotated[
        str, typer.Option(help=say("同一个 key 只发一次", "under one key it is said once"))
    ] = "",
    at_most_once: Annotated[
        bool, typer.Option("--at-most-once", help=say("宁缺勿重", "rather missing than twice"))
    ] = False,
    recall: Annotated[
        str, typer.Option(help=say("撤回这个 key 的推送", "take back what has this key"))
    ] = "",
    wait: Annotated[float, typer.Option(help=say("最多等几秒", "seconds to wait"))] = 15.0,
    url: Annotated[
        str,
        typer.Option(
            help=say("别处的驿站；令牌在 POSTHOUSE_TOKEN", "a house elsewhere; POSTHOUSE_TOKEN")
        ),
    ] = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli import push

    away = push.away_of(url, os.environ)
    settings = settings_by(config, data).settings
    if recall:
        finish(push.take_back(settings, recall, wait, away, as_json=as_json))
    wanted = push.Wanted(
        to=tuple(to or ()),
        text=text,
        is_plain=plain,
        image=image,
        file=file,
        is_at_most_once=at_most_once,
    )
    finish(push.push(settings, wanted, key, wait, away, as_json=as_json))


@tokens_app.command("add", help=say("新令牌，只显示一次", "a new token, shown once"))
def tokens_add_command(
    name: Annotated[str, typer.Argument(help=say("给谁用", "whose it is"))],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=say("权限范围；可多次", "what it may do; may be repeated"), show_default=False
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(help=say("几天有效；0 为永久", "good for so long; 0: for ever"))
    ] = 0.0,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli import tokens

    settings = settings_by(config, data).settings
    finish(tokens.add(settings, name, tuple(scope or ("push",)), days, as_json=as_json))


@tokens_app.command("list", help=say("列出令牌", "list the tokens"))
def tokens_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    from posthouse.cli import tokens

    finish(tokens.show(settings_by(config, data).settings, as_json=as_json))


@tokens_app.command("revoke", help=say("作废", "let one be worth nothing"))
def tokens_revoke_command(
    number: Annotated[int, typer.Argument(help=say("编号", "its number"))],
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.cli import tokens

    finish(tokens.revoke(settings_by(config, data).settings, number))


@chats_app.command("list", help=say("列出会话", "list the chats"))
def chats_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    from posthouse.cli import chats

    finish(chats.show(settings_by(config, data).settings, as_json=as_json))


@chats_app.command("tag", help=say("设定会话的标签", "give a chat these tags and no others"))
def chats_tag_command(
    number: Annotated[int, typer.Argument(help=say("会话编号", "the chat's number"))],
    tags: Annotated[
        list[str] | None, typer.Argument(help=say("标签", "tags"), show_default=False)
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.cli import chats

    finish(chats.tag(settings_by(config, data).settings, number, tuple(tags or ())))
