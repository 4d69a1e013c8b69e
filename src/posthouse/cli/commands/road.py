"""What became of a message."""

from __future__ import annotations

from typing import Annotated

import typer

from posthouse.cli.commands.table import (
    Config,
    Data,
    Json,
    app,
    finish,
    say,
    settings_by,
)
from posthouse.cli.why import why


@app.command("why", help=say("一条消息怎么样了", "what became of a message"))
def why_command(
    what: Annotated[
        str,
        typer.Argument(
            help=say(
                "消息编号、平台消息 id、群名或 chat:3；留空列出需要处理的",
                "a number, a platform's message id, a chat's title or chat:3;"
                " nothing: what needs attention",
            ),
            show_default=False,
        ),
    ] = "",
    *,
    config: Config = None,
    data: Data = None,
    limit: Annotated[int, typer.Option(help=say("最多几条", "at most"))] = 10,
    as_json: Json = False,
) -> None:
    finish(why(settings_by(config, data).settings, what, limit, as_json=as_json))
