"""The commands that every house has."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from posthouse.model.address import Role
from posthouse.model.turn import Turn


class Command(Struct, frozen=True):
    """What a command does, and its line in the help."""

    run: Callable[[str, Turn, str], str]  # arguments, turn, language → Markdown
    zh: str
    en: str


CONTROL_NAMES = {  # handled by the house before any handler; here for the help
    "recall": ("撤回我得到的回答（也可以直接说“撤回”）", "take back the answers given to me"),
    "stop": ("停止正在生成的回答", "stop the answer in the making"),
    "new": ("开始新的对话", "begin a new conversation"),
    "pause": ("暂停机器人，例如 /pause 30m", "pause the bot, for example /pause 30m"),
    "resume": ("恢复机器人", "let the bot go on"),
    "mode": (
        "查看或设置模式：mention（被@才答）、listen（旁听）、shadow（影子）、paused（暂停）",
        "show or set the mode: mention, listen, shadow, paused",
    ),
    "grant": (
        "允许某人使用（操作员），例如 /grant @某人 deploy 30d",
        "allow somebody (operators), for example /grant @somebody deploy 30d",
    ),
    "block": ("禁止某人使用（操作员）", "block somebody (operators)"),
    "grants": ("列出权限（操作员）", "list who may do what (operators)"),
    "revoke": (
        "删除一条权限（操作员），例如 /revoke 7",
        "strike a line out (operators), for example /revoke 7",
    ),
    "assistant": (
        "查看或设置本会话的问答助手（操作员）",
        "show or set how the assistant behaves here (operators)",
    ),
    "claim": ("成为操作员：/claim 代码", "become an operator: /claim CODE"),
}


def _help(_: str, __: Turn, language: str) -> str:
    is_zh = language == "zh"
    rows = [(name, command.zh if is_zh else command.en) for name, command in BUILTIN.items()]
    rows += [(name, zh if is_zh else en) for name, (zh, en) in CONTROL_NAMES.items()]
    title = "可用的命令：" if is_zh else "Commands:"
    return "\n".join(
        [
            title,
            "",
            *(f"- `/{name}`：{line}" if is_zh else f"- `/{name}`: {line}" for name, line in rows),
        ]
    )


def _echo(arguments: str, _: Turn, language: str) -> str:
    empty = "（没有内容）" if language == "zh" else "(nothing)"
    return arguments or empty


def _chat_id(_: str, turn: Turn, language: str) -> str:
    number, platform = ("会话编号", "平台编号") if language == "zh" else ("Chat", "On the platform")
    return f"{number}: `{turn.chat.id}`\n\n{platform}: `{turn.chat.platform_id}`"


def _whoami(_: str, turn: Turn, language: str) -> str:
    name, number, role = ("名字", "编号", "身份") if language == "zh" else ("Name", "Id", "Role")
    person = turn.person
    zh, en = ROLES[person.role]
    is_what = zh if language == "zh" else en
    return f"{name}: {person.name or '?'}\n\n{number}: `{person.id}`\n\n{role}: {is_what}"


ROLES = {  # in this chat, as the platform says
    Role.MEMBER: ("成员", "member"),
    Role.ADMIN: ("管理员", "administrator"),
    Role.OWNER: ("群主", "owner"),
}


BUILTIN: dict[str, Command] = {
    "help": Command(_help, "列出命令", "list the commands"),
    "echo": Command(_echo, "重复我说的话", "repeat what I say"),
    "chat_id": Command(_chat_id, "这个会话的编号", "the number of this chat"),
    "whoami": Command(_whoami, "我的名字、编号和身份", "my name, id and role"),
}
