"""``posthouse grant``, ``revoke``, ``grants``, ``people``, ``operators`` and ``console-link``."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.api.desk import Nothing
from posthouse.api.permission_tasks import (
    APPOINT,
    DISMISS,
    EVERYBODY,
    GATHER,
    GROUPS,
    LOOK,
    PUT_CODE,
    STRIKE,
    WRITE,
    Everybody,
    Look,
    PutCode,
    Someone,
    Strike,
    Write,
)
from posthouse.cli.claim import CLAIM_S
from posthouse.cli.house import Counter, counter_of
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.gateway.grant_words import is_bot, read_field, read_subject, read_times
from posthouse.gateway.operators import CLAIM, line_of
from posthouse.model.errors import OperatorMistake
from posthouse.model.permission import ANY, Effect, Field
from posthouse.model.secret import hashed, new_code, new_secret
from posthouse.settings.data_directory import owner_of
from posthouse.settings.settings import Settings
from posthouse.store.access import Operator
from posthouse.store.grants import NewGrant, PeopleGroup


async def grant(
    settings: Settings, effect: Effect, words: Sequence[str], bot: str, note: str, now: float
) -> int:
    """Write a line: who, what, and until when."""
    bot = the_bot(settings, bot)
    subject = read_subject(words[0])
    field = read_field(_what(words), bot)
    times = read_times(_times(words), now)
    if subject is None or field is None or times is None:
        raise OperatorMistake(
            "That was not understood. Write it like: posthouse grant person:ou_1 deploy.start"
            " --until 2026-12-01 (who: person:ID, people:NAME, chat:NUMBER, everyone; what:"
            " scene, scene.command, handler:NAME, '*'; until: a date to come, or 30d).",
            zh="没看懂。请写成：posthouse grant person:ou_1 deploy.start --until 2026-12-01"
            "（谁：person:ID、people:组名、chat:编号、everyone；什么：场景、场景.命令、"
            "handler:名字、'*'；到何时：将来的日期，或 30d）。",
        )
    new = NewGrant(
        effect=effect,
        subject=subject,
        field=field,
        from_at=times[0],
        until_at=times[1],
        note=note,
    )
    async with counter_of(settings) as house:
        (made,) = await house.ask(WRITE, Write((new,)))
    terminal = Terminal()
    terminal.line(line_of(made, terminal.language, now))
    return OK


def _what(words: Sequence[str]) -> list[str]:
    return [word for word in words[1:] if not word.startswith(("from ", "until "))]


def _times(words: Sequence[str]) -> list[str]:
    times = [word for word in words[1:] if word.startswith(("from ", "until "))]
    return " ".join(times).split()


def the_bot(settings: Settings, bot: str) -> str:
    """Return which bot is meant: ids of people are of one bot, so several must be told apart.

    Raises:
        OperatorMistake: there are several, or none of that name.
    """
    names = ", ".join(settings.bots)
    if bot and not is_bot(bot, settings.bots):
        raise OperatorMistake(
            f"There is no bot {bot}; there are: {names}.", zh=f"没有机器人 {bot}；已有：{names}。"
        )
    if not bot and len(settings.bots) != 1:
        raise OperatorMistake(
            f"Say which bot: --bot with one of {names}, or '*' for all of them.",
            zh=f"请指明机器人：--bot 加上 {names} 之一，或 '*' 表示全部。",
        )
    return bot or next(iter(settings.bots))


async def revoke(settings: Settings, numbers: Sequence[int]) -> int:
    """Strike lines out."""
    terminal, code = Terminal(), OK
    async with counter_of(settings) as house:
        for number in numbers:
            if await house.ask(STRIKE, Strike(number)):
                terminal.say(f"已删除 #{number}。", f"Struck out: #{number}.")
            else:
                terminal.warn(f"没有 #{number}。", f"There is no #{number}.")
                code = PROBLEM_FOUND
    return code


async def show_grants(settings: Settings, who: str, bot: str, now: float, *, as_json: bool) -> int:
    """List lines, newest first."""
    subject = read_subject(who) if who else None
    if who and subject is None:
        raise OperatorMistake(
            f'"{who}" is nobody; write person:ID, people:NAME, chat:NUMBER or everyone.',
            zh=f"“{who}”不是任何人；请写 person:ID、people:组名、chat:编号 或 everyone。",
        )
    async with counter_of(settings) as house:
        lines = await house.ask(LOOK, Look(subject, Field(bot=bot or ANY)))
    terminal = Terminal()
    if as_json:
        terminal.json(lines)
        return OK
    for line in lines:
        terminal.line(f"{line_of(line, terminal.language, now)} · {line.field.bot} · {line.author}")
    if not lines:
        terminal.say("没有任何权限记录。", "Nothing is written down.")
    return OK


async def people(
    settings: Settings, name: str, members: Sequence[str], bot: str, *, as_json: bool
) -> int:
    """List groups of people, or say who is in one."""
    async with counter_of(settings) as house:
        if name:
            group = PeopleGroup(name=name, bot=the_bot(settings, bot), members=tuple(members))
            await house.ask(GATHER, group)
        groups = await house.ask(GROUPS, Nothing())
    terminal = Terminal()
    if as_json:
        terminal.json(groups)
        return OK
    for group in groups:
        terminal.line(f"people:{group.name} · {group.bot} · {' '.join(group.members)}")
    if not groups:
        terminal.say("没有人员组。", "There are no groups of people.")
    return OK


# --- operators -------------------------------------------------------------------------------


async def show_operators(settings: Settings, *, as_json: bool) -> int:
    """List who steers from inside chats, who may enter the console, and who waits."""
    async with counter_of(settings) as house:
        found = await house.ask(EVERYBODY, Nothing())
    terminal = Terminal()
    if as_json:
        terminal.json(found)
    else:
        _show_operators(terminal, found)
    return OK


def _show_operators(terminal: Terminal, found: Everybody) -> None:
    for steering in found.in_chats:
        terminal.say(
            f"{steering.bot} · {steering.name or '?'}（{steering.person}）：在聊天里",
            f"{steering.bot} · {steering.name or '?'} ({steering.person}): inside chats",
        )
    for operator in found.of_console:
        is_off = terminal.words("，已停用", ", disabled") if operator.is_disabled else ""
        terminal.say(
            f"{operator.name}：控制台，{operator.role}{is_off}",
            f"{operator.name}: console, {operator.role}{is_off}",
        )
    for stranger in found.strangers:
        wanted = f"{stranger.handler} {stranger.scene}".strip()
        terminal.say(
            f"{stranger.bot} · {stranger.name or '?'}（{stranger.person}）想用 {wanted}",
            f"{stranger.bot} · {stranger.name or '?'} ({stranger.person}) asks for {wanted}",
        )
    if not found.in_chats:
        terminal.say(
            "聊天里还没有操作员：posthouse operators claim-code",
            "Nobody steers from inside chats yet: posthouse operators claim-code",
        )


async def appoint(settings: Settings, person: str, bot: str, name: str) -> int:
    """Let somebody steer from inside chats of a bot."""
    bot = the_bot(settings, bot)
    async with counter_of(settings) as house:
        await house.ask(APPOINT, Someone(bot, person, name))
    Terminal().say(f"{person} 是 {bot} 的操作员了。", f"{person} is an operator of {bot} now.")
    return OK


async def dismiss(settings: Settings, person: str, bot: str) -> int:
    """Take that away again."""
    bot = the_bot(settings, bot)
    async with counter_of(settings) as house:
        was_one = await house.ask(DISMISS, Someone(bot, person))
    if was_one:
        Terminal().say(f"{person} 不再是操作员。", f"{person} is no operator any more.")
        return OK
    Terminal().warn(f"{person} 不是 {bot} 的操作员。", f"{person} is no operator of {bot}.")
    return PROBLEM_FOUND


async def claim_code(settings: Settings) -> int:
    """Make the code by which somebody in a chat becomes an operator."""
    code = new_code()
    async with counter_of(settings) as house:
        await house.ask(PUT_CODE, PutCode(CLAIM, hashed(code), CLAIM_S))
    minutes = int(CLAIM_S / 60)
    Terminal().say(
        f"在与机器人的私聊里发送：/claim {code}（{minutes} 分钟内有效，只能用一次）",
        f"Say to the bot in a private chat: /claim {code} (works once, for {minutes} minutes)",
    )
    return OK


async def console_link(settings: Settings, name: str) -> int:
    """Make the link by which an operator of the console chooses a new password."""
    async with counter_of(settings) as house:
        operators = (await house.ask(EVERYBODY, Nothing())).of_console
        path = await _link(house, operators, name)
    base = _base(settings)
    Terminal().say(
        f"{base}{path}\n打开它，设置新密码；只能用一次。",
        f"{base}{path}\nOpen it and choose a password; it works once.",
    )
    return OK


async def _link(house: Counter, operators: Sequence[Operator], name: str) -> str:
    from posthouse.console.sign_in import LINK_S, SETUP, SETUP_S, new_link

    if not operators:
        code = new_secret()
        await house.ask(PUT_CODE, PutCode(SETUP, hashed(code), SETUP_S))
        return f"/console/set-up/{code}"
    purpose, code = new_link(_chosen(operators, name))
    await house.ask(PUT_CODE, PutCode(purpose, hashed(code), LINK_S))
    return f"/console/link/{code}"


def _chosen(operators: Sequence[Operator], name: str) -> Operator:
    enabled = [operator for operator in operators if not operator.is_disabled]
    named = [one for one in enabled if one.name.casefold() == name.casefold()]
    if named or (not name and len(enabled) == 1):
        return (named or enabled)[0]
    names = ", ".join(operator.name for operator in enabled)
    raise OperatorMistake(f"Say whose: one of {names}.", zh=f"请指明是谁的：{names}。")


def _base(settings: Settings) -> str:
    if settings.server.public_url:
        return settings.server.public_url
    owner = owner_of(settings.data)
    if owner is not None and owner.url:
        return owner.url
    return f"http://{settings.server.host}:{settings.server.port}"
