"""Knowledge: where it comes from, and what is found in it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from posthouse.cli.commands.table import (
    Config,
    Data,
    Json,
    Yes,
    finish,
    kb_app,
    leave,
    say,
    settings_by,
)
from posthouse.cli.terminal import USAGE, Terminal

BaseName = Annotated[
    str, typer.Argument(metavar="BASE", help=say("知识库", "the base"), show_default=False)
]
OneSource = Annotated[
    int, typer.Option(help=say("只是这个来源（编号）", "only this source, by its number"))
]
Patterns = list[str] | None


@kb_app.command(
    "add",
    help=say(
        "加入文件夹、文件、git 检出目录、网页或网站",
        "take in a folder, file, git checkout, page or site",
    ),
)
def kb_add_command(  # noqa: PLR0913 - one for each option
    place: Annotated[str, typer.Argument(help=say("路径或网址", "a path or an address"))],
    *,
    base: Annotated[str, typer.Option(help=say("加到哪个知识库", "which base"))] = "docs",
    include: Annotated[
        Patterns, typer.Option(help=say("只要这些，如 '*.md'", "only these, such as '*.md'"))
    ] = None,
    exclude: Annotated[
        Patterns, typer.Option(help=say("不要这些，如 'old/'", "not these, such as 'old/'"))
    ] = None,
    column: Annotated[
        Patterns,
        typer.Option(
            help=say(
                "表格的列：列名=answer（回答）、show（只显示）、never（不保存）",
                "a column of tables: NAME=answer, show or never",
            )
        ),
    ] = None,
    no_mask: Annotated[
        bool,
        typer.Option("--no-mask", help=say("检索时不遮盖电话等", "search phone numbers … as well")),
    ] = False,
    pages: Annotated[
        int,
        typer.Option(min=1, max=5000, help=say("网站最多读几页", "so many pages of a site")),
    ] = 1,
    depth: Annotated[
        int,
        typer.Option(min=0, max=100, help=say("最多几层链接", "links away from the first page")),
    ] = 5,
    private: Annotated[
        bool, typer.Option("--private", help=say("允许本机和内网的网页", "allow internal pages"))
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("只看，不写", "look, change nothing"))
    ] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli import kb
    from posthouse.cli.kb_columns import chosen
    from posthouse.knowledge.sources.place import Options

    settings = settings_by(config, data).settings
    options = Options(
        columns=chosen(column or ()),
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        is_masked=not no_mask,
        is_private=private,
        pages_max=pages,
        depth_max=depth,
    )
    finish(kb.add(settings, base, place, options, is_rehearsal=dry_run, as_json=as_json))


@kb_app.command("list", help=say("列出知识库、来源和读不了的文件", "list bases, sources, problems"))
def kb_list_command(
    base: BaseName = "", *, config: Config = None, data: Data = None, as_json: Json = False
) -> None:
    from posthouse.cli import kb

    finish(kb.show(settings_by(config, data).settings, base, as_json=as_json))


@kb_app.command("rm", help=say("移除知识库，或它的一个来源", "forget a base, or one source"))
def kb_rm_command(
    base: BaseName = "",
    *,
    source: OneSource = 0,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.api.knowledge_tasks import Which
    from posthouse.cli import kb

    settings, terminal = settings_by(config, data).settings, Terminal()
    if bool(base) == bool(source):
        terminal.warn("请给出知识库的名字，或 --source 编号。", "Name a base, or give --source.")
        leave(USAGE)
    if base and not yes and sys.stdin.isatty():
        asked = terminal.words(
            f"移除知识库 {base} 和其中所有文档？", f"Forget all that is in {base}?"
        )
        typer.confirm(asked, abort=True)
    finish(kb.remove(settings, Which(base=base, source=source)))


@kb_app.command("sync", help=say("现在就重新读取来源", "read the sources again, now"))
def kb_sync_command(
    base: BaseName = "",
    *,
    source: OneSource = 0,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.api.knowledge_tasks import Which
    from posthouse.cli import kb

    settings = settings_by(config, data).settings
    finish(kb.sync(settings, Which(base=base, source=source), as_json=as_json))


@kb_app.command("search", help=say("看机器人会找到什么", "show what the assistant would find"))
def kb_search_command(
    question: Annotated[str, typer.Argument(help=say("问题", "a question"))],
    *,
    base: Annotated[
        Patterns, typer.Option(help=say("在哪个知识库；可多次", "which base; may be repeated"))
    ] = None,
    limit: Annotated[int, typer.Option(help=say("最多几条", "at most so many"))] = 8,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.api.knowledge_tasks import Search
    from posthouse.cli import kb

    settings = settings_by(config, data).settings
    wanted = Search(question=question, bases=tuple(base or ()), limit=limit)
    finish(kb.search(settings, wanted, as_json=as_json))
