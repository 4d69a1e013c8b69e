"""Every command but ``run``, with its options, in the language of the surroundings."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from posthouse import __version__
from posthouse.cli import copying, database, grant, held, xbot
from posthouse.cli.chat import chat
from posthouse.cli.doctor import doctor
from posthouse.cli.init import init
from posthouse.cli.terminal import OK, USAGE, Terminal, speak
from posthouse.cli.why import why
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import Effect
from posthouse.settings.load import Loaded, load
from posthouse.settings.zone import live_in
from posthouse.store.holding import Decision

_say = Terminal().words

Config = Annotated[
    Path | None, typer.Option(help=_say("配置文件", "settings file"), metavar="FILE")
]
Data = Annotated[Path | None, typer.Option(help=_say("数据目录", "data directory"), metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help=_say("输出 JSON", "print JSON"))]
All = Annotated[bool, typer.Option("--all", help=_say("全部", "all of them"))]
Yes = Annotated[bool, typer.Option("--yes", help=_say("不再询问", "do not ask"))]
OfBot = Annotated[
    str,
    typer.Option(
        help=_say("哪个机器人；'*' 表示全部", "which bot; '*' for all of them"), metavar="BOT"
    ),
]
Numbers = Annotated[
    list[int] | None, typer.Argument(help=_say("编号", "numbers"), show_default=False)
]

app = typer.Typer(
    name="posthouse",
    help=_say(
        "驿站：机器人的家，收到的消息不会丢。加 --debug 可看到出错细节。",
        "Posthouse: a home for a team's bots; no message is lost."
        " --debug shows the traceback of an error.",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
db_app = typer.Typer(help=_say("检查、升级数据库", "check and upgrade the database"))
held_app = typer.Typer(help=_say("恢复备份后扣留的消息", "messages that are held after a restore"))
app.add_typer(db_app, name="db")
app.add_typer(held_app, name="held")
operators_app = typer.Typer(
    help=_say("操作员：聊天里的和控制台的", "operators, inside chats and of the console"),
)
import_app = typer.Typer(help=_say("从别的系统导入", "import from other systems"))
app.add_typer(operators_app, name="operators")
app.add_typer(import_app, name="import")
tokens_app = typer.Typer(help=_say("推送用的令牌", "tokens for scripts that push"))
chats_app = typer.Typer(help=_say("会话和标签", "chats and their tags"))
app.add_typer(tokens_app, name="tokens")
app.add_typer(chats_app, name="chats")

_PRETENDED = ("probe", "feishu", "onebot")
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def perform(words: list[str]) -> None:
    """Perform one command; leaves by ``SystemExit`` with its code."""
    app(words, prog_name="posthouse")


def _loaded(config: Path | None, data: Path | None) -> Loaded:
    flags = {"data": None if data is None else str(data.absolute())}
    loaded = load(os.environ, flags, config)
    speak(loaded.settings.language)
    live_in(loaded.settings.timezone)
    return loaded


def _end(code: int) -> None:
    raise typer.Exit(code)


def _finish(work: Coroutine[Any, Any, int]) -> None:
    _end(asyncio.run(work))


@app.command(
    "run",
    help=_say("启动驿站，直到 Ctrl+C", "start the house; it runs until Ctrl+C"),
    context_settings=_PASSED_ON,
    add_help_option=False,
)
def run_command(context: typer.Context) -> None:
    from posthouse.cli.run import run

    _end(run(context.args))


@app.command(
    "init", help=_say("生成带说明的配置文件", "write a settings file that explains itself")
)
def init_command(  # noqa: PLR0913 - one option each
    platform_name: Annotated[
        str,
        typer.Argument(
            help=_say("逐步接入一个平台", "set a bot of this platform up, step by step"),
            metavar="[feishu|lark]",
        ),
    ] = "",
    *,
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help=_say("覆盖", "overwrite"))] = False,
    name: Annotated[
        str, typer.Option(help=_say("机器人在驿站里的名字", "what the house calls the bot"))
    ] = "",
    app_id: Annotated[str, typer.Option(help=_say("应用的 App ID", "the app's id"))] = "",
    app_secret_file: Annotated[
        Path | None,
        typer.Option(
            help=_say("存有 App Secret 的文件", "a file with the app's secret"), metavar="FILE"
        ),
    ] = None,
    domain: Annotated[
        str, typer.Option(help=_say("私有部署的地址", "of a private installation"), metavar="URL")
    ] = "",
    webhook: Annotated[
        str,
        typer.Option(
            help=_say(
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
            help=_say("沿用茴香豆的 config.ini", "take over HuixiangDou's config.ini"),
            metavar="FILE",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    if not (platform_name or old):
        _end(init(config, overwrites=force))
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
    _finish(init_feishu(answers))


@app.command("chat", help=_say("在终端里聊天", "chat in the terminal"))
def chat_command(
    config: Config = None,
    data: Data = None,
    name: Annotated[str, typer.Option(help=_say("你的名字", "your name"))] = "",
    say: Annotated[
        list[str] | None, typer.Option(help=_say("说一句就走", "say this, wait, leave"))
    ] = None,
) -> None:
    _finish(chat(_loaded(config, data), name, tuple(say or ())))


@app.command("invite", help=_say("给别人一个进网页聊天的链接", "a link into the web chat"))
def invite_command(
    *,
    config: Config = None,
    data: Data = None,
    bot: Annotated[str, typer.Option(help=_say("哪个网页机器人", "which web bot"))] = "web",
    hours: Annotated[
        float,
        typer.Option(help=_say("几小时内有效；0 为默认", "good for so many hours; 0: as usual")),
    ] = 0.0,
) -> None:
    from posthouse.cli.invite import invite

    _end(invite(_loaded(config, data).settings, bot, hours))


@app.command("why", help=_say("一条消息怎么样了", "what became of a message"))
def why_command(
    what: Annotated[
        str,
        typer.Argument(
            help=_say(
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
    limit: Annotated[int, typer.Option(help=_say("最多几条", "at most"))] = 10,
    as_json: Json = False,
) -> None:
    _finish(why(_loaded(config, data).settings, what, limit, as_json=as_json))


@app.command("doctor", help=_say("检查一切，并说怎么办", "look at everything and say what to do"))
def doctor_command(
    *,
    config: Config = None,
    data: Data = None,
    settings: Annotated[
        bool, typer.Option("--settings", help=_say("列出每项配置及来源", "show every setting"))
    ] = False,
    as_json: Json = False,
) -> None:
    _finish(doctor(_loaded(config, data), as_json=as_json, shows_settings=settings))


@app.command("backup", help=_say("备份到文件，运行中也可以", "copy the book, running or not"))
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    _finish(database.backup(_loaded(config, data).settings, file, as_json=as_json))


@app.command("restore", help=_say("恢复备份；启动后先扣留", "put a backup back; it starts held"))
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    config: Config = None,
    data: Data = None,
    copied_at: Annotated[
        str,
        typer.Option(
            help=_say(
                "不是 posthouse backup 做的文件：它的复制时间",
                "for a file not made by `posthouse backup`: when it was copied",
            ),
            metavar="TIME",
        ),
    ] = "",
) -> None:
    _end(database.restore(_loaded(config, data).settings, file, copied_at))


@db_app.command("check", help=_say("检查数据库", "check the database"))
def db_check_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    _finish(database.check(_loaded(config, data).settings, as_json=as_json))


@db_app.command("migrate", help=_say("升级数据库", "bring the database up to date"))
def db_migrate_command(config: Config = None, data: Data = None) -> None:
    _end(database.migrate(_loaded(config, data).settings))


@db_app.command("copy", help=_say("复制到另一个数据库", "copy into another database"))
def db_copy_command(
    *,
    source: Annotated[
        str, typer.Option("--from", help=_say("sqlite:数据目录", "sqlite:DIR or postgresql://…"))
    ],
    target: Annotated[
        str, typer.Option("--to", help=_say("postgresql://…", "postgresql://… or sqlite:DIR"))
    ],
    as_json: Json = False,
) -> None:
    _end(copying.copy(source, target, as_json=as_json))


@db_app.command("revive", help=_say("重试被放弃的一轮", "try a turn again that was given up"))
def db_revive_command(
    turn: Annotated[int, typer.Argument(help=_say("编号", "its number"))],
    config: Config = None,
    data: Data = None,
) -> None:
    _finish(database.revive(_loaded(config, data).settings, turn))


@held_app.command("list", help=_say("列出扣留的消息", "list what is held"))
def held_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    _finish(held.show_held(_loaded(config, data).settings, as_json=as_json))


@held_app.command("send", help=_say("发送", "send them"))
def held_send_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.SEND, numbers, _loaded(config, data), everything=everything, yes=yes)


@held_app.command("drop", help=_say("丢弃", "drop them"))
def held_drop_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.DROP, numbers, _loaded(config, data), everything=everything, yes=yes)


@held_app.command("sent", help=_say("之前已经发过", "they had been sent before"))
def held_sent_command(
    numbers: Numbers = None,
    *,
    everything: All = False,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    _decide(Decision.SENT, numbers, _loaded(config, data), everything=everything, yes=yes)


def _decide(
    decision: Decision, numbers: list[int] | None, loaded: Loaded, *, everything: bool, yes: bool
) -> None:
    terminal = Terminal()
    if bool(numbers) == everything:
        terminal.warn("请给出编号，或 --all。", "Give numbers, or --all.")
        _end(USAGE)
    if everything and not yes and sys.stdin.isatty():
        asked = terminal.words(
            f"对全部扣留的消息：{decision}？", f"{decision} everything that is held?"
        )
        typer.confirm(asked, abort=True)
    chosen = None if everything else tuple(numbers or ())
    _finish(held.decide_held(loaded.settings, decision, chosen))


@app.command(
    "grant",
    help=_say(
        "允许谁做什么：grant person:ou_1 deploy.start --until 2026-12-01",
        "let somebody do something: grant person:ou_1 deploy.start --until 2026-12-01",
    ),
)
def grant_command(  # noqa: PLR0913 - a parameter for each option
    words: Annotated[
        list[str],
        typer.Argument(
            help=_say(
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
        str, typer.Option(help=_say("到何时，如 2026-12-01、30d", "for example 2026-12-01, 30d"))
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help=_say("从何时，如 2026-11-25", "such as 2026-11-25"))
    ] = "",
    bot: OfBot = "",
    block: Annotated[
        bool, typer.Option("--block", help=_say("禁止而不是允许", "block, do not allow"))
    ] = False,
    note: Annotated[str, typer.Option(help=_say("备注", "a note for the list"))] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    settings = _loaded(config, data).settings
    times = [f"{word} {at}" for word, at in (("from", start), ("until", until)) if at]
    effect = Effect.BLOCK if block else Effect.ALLOW
    _finish(grant.grant(settings, effect, [*words, *times], bot, note, time.time()))


@app.command("revoke", help=_say("删除权限记录", "strike lines out"))
def revoke_command(
    numbers: Annotated[list[int], typer.Argument(help=_say("编号", "numbers"))],
    config: Config = None,
    data: Data = None,
) -> None:
    _finish(grant.revoke(_loaded(config, data).settings, numbers))


@app.command("grants", help=_say("列出谁可以做什么", "list who may do what"))
def grants_command(
    who: Annotated[
        str, typer.Argument(help=_say("只列这位", "only of this one"), show_default=False)
    ] = "",
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    settings = _loaded(config, data).settings
    _finish(grant.show_grants(settings, who, bot, time.time(), as_json=as_json))


@app.command(
    "people",
    help=_say(
        "列出人员组；给出组名和成员则设置它", "list groups of people; with a name and ids, set one"
    ),
)
def people_command(
    name: Annotated[str, typer.Argument(help=_say("组名", "its name"), show_default=False)] = "",
    members: Annotated[
        list[str] | None,
        typer.Argument(help=_say("成员的 id；不给则解散", "ids; none: it is removed")),
    ] = None,
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    settings = _loaded(config, data).settings
    _finish(grant.people(settings, name, members or (), bot, as_json=as_json))


@operators_app.command("list", help=_say("列出操作员和等待获准的人", "list them, and who waits"))
def operators_list_command(
    *, config: Config = None, data: Data = None, as_json: Json = False
) -> None:
    _finish(grant.show_operators(_loaded(config, data).settings, as_json=as_json))


@operators_app.command(
    "claim-code", help=_say("生成 /claim 的一次性代码", "make the one-time code for /claim")
)
def operators_claim_command(config: Config = None, data: Data = None) -> None:
    _finish(grant.claim_code(_loaded(config, data).settings))


@operators_app.command("add", help=_say("设为聊天里的操作员", "let somebody steer inside chats"))
def operators_add_command(
    person: Annotated[str, typer.Argument(help=_say("平台上的 id", "the id on the platform"))],
    *,
    bot: OfBot = "",
    name: Annotated[str, typer.Option(help=_say("名字", "a name for the list"))] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    _finish(grant.appoint(_loaded(config, data).settings, person, bot, name))


@operators_app.command("drop", help=_say("不再是操作员", "let them steer no more"))
def operators_drop_command(
    person: Annotated[str, typer.Argument(help=_say("平台上的 id", "the id on the platform"))],
    *,
    bot: OfBot = "",
    config: Config = None,
    data: Data = None,
) -> None:
    _finish(grant.dismiss(_loaded(config, data).settings, person, bot))


@app.command(
    "console-link",
    help=_say("进不了控制台时：生成一次性链接", "locked out of the console? make a one-time link"),
)
def console_link_command(
    name: Annotated[
        str, typer.Argument(help=_say("操作员的名字", "the operator's name"), show_default=False)
    ] = "",
    config: Config = None,
    data: Data = None,
) -> None:
    _finish(grant.console_link(_loaded(config, data).settings, name))


@import_app.command("xbot", help=_say("导入 XBot 的 local.db", "take XBot's local.db over"))
def import_xbot_command(
    path: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    bot: OfBot = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_say("只看，不写", "look, change nothing"))
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    settings = _loaded(config, data).settings
    named = grant.the_bot(settings, bot)
    _finish(xbot.import_xbot(settings, path, named, time.time(), is_dry=dry_run))


@import_app.callback(invoke_without_command=False)
def import_commands() -> None:
    """Keep ``xbot`` a command of its own while it is the only one."""


@app.command("push", help=_say("往会话里发消息", "say something in chats"))
def push_command(  # noqa: PLR0913 - one for each option
    text: Annotated[
        str,
        typer.Argument(
            help=_say("Markdown 文字；- 从标准输入读", "Markdown; - reads standard input"),
            show_default=False,
        ),
    ] = "",
    *,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help=_say(
                "会话编号、tag:标签、机器人:平台会话 id；可多次",
                "a chat's number, tag:NAME, or BOT:PLATFORM-ID; may be repeated",
            )
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help=_say("不是 Markdown", "no Markdown"))
    ] = False,
    image: Annotated[Path | None, typer.Option(help=_say("图片", "a picture"))] = None,
    file: Annotated[Path | None, typer.Option(help=_say("文件", "a file"))] = None,
    key: Annotated[
        str, typer.Option(help=_say("同一个 key 只发一次", "under one key it is said once"))
    ] = "",
    at_most_once: Annotated[
        bool, typer.Option("--at-most-once", help=_say("宁缺勿重", "rather missing than twice"))
    ] = False,
    recall: Annotated[
        str, typer.Option(help=_say("撤回这个 key 的推送", "take back what has this key"))
    ] = "",
    wait: Annotated[float, typer.Option(help=_say("最多等几秒", "seconds to wait"))] = 15.0,
    url: Annotated[
        str,
        typer.Option(
            help=_say("别处的驿站；令牌在 POSTHOUSE_TOKEN", "a house elsewhere; POSTHOUSE_TOKEN")
        ),
    ] = "",
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli import push

    away = push.away_of(url, os.environ)
    settings = _loaded(config, data).settings
    if recall:
        _finish(push.take_back(settings, recall, wait, away, as_json=as_json))
    wanted = push.Wanted(
        to=tuple(to or ()),
        text=text,
        is_plain=plain,
        image=image,
        file=file,
        is_at_most_once=at_most_once,
    )
    _finish(push.push(settings, wanted, key, wait, away, as_json=as_json))


@tokens_app.command("add", help=_say("新令牌，只显示一次", "a new token, shown once"))
def tokens_add_command(
    name: Annotated[str, typer.Argument(help=_say("给谁用", "whose it is"))],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=_say("权限范围；可多次", "what it may do; may be repeated"), show_default=False
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(help=_say("几天有效；0 为永久", "good for so long; 0: for ever"))
    ] = 0.0,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli import tokens

    settings = _loaded(config, data).settings
    _finish(tokens.add(settings, name, tuple(scope or ("push",)), days, as_json=as_json))


@tokens_app.command("list", help=_say("列出令牌", "list the tokens"))
def tokens_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    from posthouse.cli import tokens

    _finish(tokens.show(_loaded(config, data).settings, as_json=as_json))


@tokens_app.command("revoke", help=_say("作废", "let one be worth nothing"))
def tokens_revoke_command(
    number: Annotated[int, typer.Argument(help=_say("编号", "its number"))],
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.cli import tokens

    _finish(tokens.revoke(_loaded(config, data).settings, number))


@chats_app.command("list", help=_say("列出会话", "list the chats"))
def chats_list_command(*, config: Config = None, data: Data = None, as_json: Json = False) -> None:
    from posthouse.cli import chats

    _finish(chats.show(_loaded(config, data).settings, as_json=as_json))


@chats_app.command("tag", help=_say("设定会话的标签", "give a chat these tags and no others"))
def chats_tag_command(
    number: Annotated[int, typer.Argument(help=_say("会话编号", "the chat's number"))],
    tags: Annotated[
        list[str] | None, typer.Argument(help=_say("标签", "tags"), show_default=False)
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.cli import chats

    _finish(chats.tag(_loaded(config, data).settings, number, tuple(tags or ())))


@app.command(
    "reload", help=_say("让运行中的驿站重新读配置", "let a running house read its settings")
)
def reload_command(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_say("只看有何变化", "only say what would change"))
    ] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli.reload import reload

    settings = _loaded(config, data).settings
    _finish(reload(settings, is_rehearsal=dry_run, as_json=as_json))


@app.command(
    "simulate",
    help=_say(
        "启动模拟的平台；它自己的选项：simulate probe -- --help",
        "start a pretended platform; its own options: simulate probe -- --help",
    ),
    context_settings=_PASSED_ON,
)
def simulate_command(
    context: typer.Context,
    platform_name: Annotated[str, typer.Argument(metavar="probe|feishu|onebot")],
) -> None:
    from importlib import import_module

    if platform_name not in _PRETENDED:
        there_is = ", ".join(_PRETENDED)
        raise OperatorMistake(
            f"There is no pretended {platform_name} in this version; there is: {there_is}.",
            zh=f"此版本没有模拟的 {platform_name}；可用：{there_is}。",
        )
    sys.argv = [f"posthouse simulate {platform_name}", *context.args]
    import_module(f"posthouse.simulators.{platform_name}.__main__").main()


@app.command("bench", help=_say("测量这台机器上的速度", "measure this machine"))
def bench_command(  # noqa: PLR0913 - its options
    names: Annotated[
        list[str] | None,
        typer.Argument(help=_say("只测这些", "only these"), show_default=False),
    ] = None,
    *,
    messages: Annotated[int, typer.Option(help=_say("消息数", "messages per round"))] = 10_000,
    rounds: Annotated[int, typer.Option(help=_say("轮数", "rounds"))] = 5,
    kills: Annotated[int, typer.Option(help=_say("crash：杀死几次", "crash: kills"))] = 20,
    events: Annotated[int, typer.Option(help=_say("crash：消息数", "crash: messages"))] = 2000,
    seed: Annotated[
        int | None, typer.Option(help=_say("crash：种子", "crash: seed"), show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    if names == ["crash"]:
        from posthouse.cli.laboratory.command import crash

        _end(crash(kills, events, seed, as_json=as_json))
    from posthouse.cli.measure import bench

    _end(bench(tuple(names or ()), messages, rounds, as_json=as_json))


@app.command("version", help=_say("版本", "the version"))
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
    _end(OK)
