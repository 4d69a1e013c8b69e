"""What commands say to people by themselves, in Chinese and English."""

from __future__ import annotations

from posthouse.handlers.commands.frames import CommandEntry, Misused, Parameter
from posthouse.model.message import Audio, File, Image, Part, Unsupported, Video

KINDS_MAX = 5  # named of one message
KIND_CHARACTERS_MAX = 40

_SENTENCES: dict[str, tuple[str, str]] = {
    "unknown": (
        "没有命令 `{name}`。{hint}发送 `/help` 查看全部命令。",
        "There is no command `{name}`. {hint}Send `/help` for all commands.",
    ),
    "empty": (
        "没有看到命令。发送 `/help` 查看全部命令。",
        "There is no command in this. Send `/help` for all commands.",
    ),
    "wordless": (
        "命令只认文字，这条消息是{kinds}。发送 `/help` 查看全部命令。",
        "Commands are words; this message is {kinds}. Send `/help` for all commands.",
    ),
    "image": ("图片", "a picture"),
    "file": ("文件", "a file"),
    "audio": ("语音", "a voice message"),
    "video": ("视频", "a video"),
    "unsupported": ("无法识别的内容（{kind}）", "something unknown here ({kind})"),
    "unknown_in_scene": (
        "`{scene}` 没有命令 `{name}`。{hint}发送 `/help {scene}` 查看。",
        "`{scene}` has no command `{name}`. {hint}Send `/help {scene}` to see them.",
    ),
    "hint": ("您是不是想用 `/{name}`？", "Did you mean `/{name}`? "),
    "not_closed": (
        "引号 {quote} 没有结束。请补上另一半；要用引号本身，请写成 \\{quote}。",
        "The quote {quote} has no end. Add it; for the quote itself write \\{quote}.",
    ),
    "too_many_words": (
        "参数太多，最多 {count} 个。多行文字请另起一行，整段算一个参数。",
        "Too many arguments, {count} at most. Lines below the first are one argument.",
    ),
    "too_long": ("命令太长。", "This command is too long."),
    "missing": ("缺少参数 `{name}`（{wanted}）。", "`{name}` is missing ({wanted})."),
    "wrong": (
        "参数 `{name}` 不能是“{said}”，需要{wanted}。",
        "`{name}` cannot be “{said}”; it is {wanted}.",
    ),
    "too_many": ("多出了参数“{said}”。", "There is nothing to do with “{said}”."),
    "usage": ("用法：`{usage}`", "Usage: `{usage}`"),
    "not_granted": (
        "您没有权限使用 `{what}`。请找管理员授权。",
        "You may not use `{what}`. Ask an administrator to grant it.",
    ),
    "blocked": ("您被禁止使用 `{what}`。", "You are barred from `{what}`."),
    "grant_expired": (
        "您使用 `{what}` 的权限已于 {when} 到期。请找管理员延长。",
        "Your permission for `{what}` ended on {when}. Ask an administrator to renew it.",
    ),
    "grant_not_yet": (
        "您使用 `{what}` 的权限从 {when} 开始。",
        "Your permission for `{what}` begins on {when}.",
    ),
    "gave_up": (
        "`{what}` 超过 {seconds:g} 秒没有完成，已强行中止，编号 {{reference}}。",
        "`{what}` took longer than {seconds:g} s and was ended; reference {{reference}}.",
    ),
    "too_many_messages": (
        "`{what}` 发了超过 {count} 条消息，已强行中止，编号 {{reference}}。",
        "`{what}` sent more than {count} messages and was ended; reference {{reference}}.",
    ),
    "failed": (
        "`{what}` 出错了（{error}），编号 {{reference}}；请把编号告诉管理员。",
        "`{what}` failed ({error}); tell an administrator this reference: {{reference}}.",
    ),
    "died": (
        "`{what}` 意外中止，编号 {{reference}}；它可能只做了一部分，请检查后再试。",
        "`{what}` ended unexpectedly, reference {{reference}}; it may be half done, please check.",
    ),
    "nonsense": (
        "`{what}` 运行完了，但结果无法显示，编号 {{reference}}。",
        "`{what}` has run, but its result cannot be shown; reference {{reference}}.",
    ),
    "file_lost": (
        "`{what}` 运行完了，但它给的文件 {name} 读不了，编号 {{reference}}。",
        "`{what}` has run, but its file {name} cannot be read; reference {{reference}}.",
    ),
    "gone": (
        "`{what}` 已经改过，接不上之前的提问了。请重新开始。",
        "`{what}` has changed since it asked. Please start again.",
    ),
    "busy": ("命令都在忙，这条没有执行。请稍后再试。", "All commands are busy; please try again."),
    "not_loaded": (
        "命令还没有加载成功，请管理员查看日志。",
        "The commands could not be loaded; an administrator should look at the log.",
    ),
    "still_loading": (
        "命令还在加载，请稍后再试一次。",
        "The commands are still being loaded; please try again in a moment.",
    ),
    "cannot_push": (
        "`{what}` 想发消息到会话 {chat}，但没有发成，编号 {{reference}}。",
        "`{what}` could not send to chat {chat}; reference {{reference}}.",
    ),
    "done": ("完成。", "Done."),
    "commands": ("可用的命令：", "Commands:"),
    "scenes": ("场景（发送 `/help 场景` 查看）：", "Scenes (`/help SCENE` tells more):"),
    "nothing_for_you": ("这里没有您可以用的命令。", "There is nothing here that you may use."),
    "reloaded": ("已重新加载：{names}", "Loaded again: {names}"),
    "kept": ("有错误，继续用原来的：{names}", "Broken; the old ones stay in use: {names}"),
    "broken": ("`{name}`：{why}", "`{name}`: {why}"),
    "broken_kept": ("`{name}` 保持原样：{why}", "`{name}` stays as it was: {why}"),
    "reload_help": ("重新加载场景", "load the scenes again"),
}

_WANTED = {
    "text": ("文字", "text"),
    "int": ("整数", "a whole number"),
    "number": ("数字", "a number"),
    "yes|no": ("yes 或 no", "yes or no"),
    "date": ("日期，如 2026-11-20 或 今天", "a date such as 2026-11-20 or today"),
    "time": ("时间，如 2026-11-20 08:30 或 08:30", "a time such as 2026-11-20 08:30 or 08:30"),
    "span": ("时长，如 30m、2h、1天", "a span such as 30m, 2h or 1d"),
    "path": ("路径", "a path"),
}


def say(phrase: str, language: str, /, **values: object) -> str:
    """Say one of the sentences above."""
    zh, en = _SENTENCES[phrase]
    return (zh if language == "zh" else en).format(**values)


def wanted_words(wanted: str, language: str) -> str:
    """Describe a type; a list of values stays as it is."""
    zh, en = _WANTED.get(wanted, (wanted, wanted))
    return zh if language == "zh" else en


def usage(scene: str, command: CommandEntry) -> str:
    """Write how a command is said: ``/deploy web <host> [count=1] [--force]``."""
    return " ".join(["/" + scene, command.name, *map(_parameter, command.parameters)])


def _parameter(parameter: Parameter) -> str:
    shown = parameter.name
    if parameter.is_named:
        is_flag = parameter.wanted == "yes|no"
        shown = f"--{shown.replace('_', '-')}" + ("" if is_flag else f" <{shown}>")
    elif "|" in parameter.wanted and parameter.wanted != "yes|no":
        shown = f"{shown}:{parameter.wanted}"
    if parameter.is_list:
        shown += "…"
    if parameter.is_optional:
        default = f"={parameter.default}" if parameter.default and not parameter.is_named else ""
        return f"[{shown}{default}]"
    return shown if parameter.is_named else f"<{shown}>"


def misuse(wrong: Misused, scene: str, command: CommandEntry, language: str) -> str:
    """Say what is wrong with the words, and how the command is said."""
    known = {"name": wrong.name, "said": wrong.said}
    what = say(wrong.problem, language, wanted=wanted_words(wrong.wanted, language), **known)
    return f"{what}\n\n{say('usage', language, usage=usage(scene, command))}"


def refusal(reason: str, what: str, language: str) -> str:
    """Say why somebody may not; ``reason`` is a ruling's."""
    code, _, when = reason.partition(" ")
    name = code if code in _SENTENCES else "not_granted"
    return say(name, language, what=what, when=when)


def no_command(parts: tuple[Part, ...], language: str) -> str:
    """Say that a message without a word is no command, and what was seen instead."""
    kinds = [name for part in parts if (name := _kind_of(part, language))]
    if not kinds:
        return say("empty", language)
    joint = "、" if language == "zh" else ", "
    return say("wordless", language, kinds=joint.join(dict.fromkeys(kinds[:KINDS_MAX])))


def _kind_of(part: Part, language: str) -> str:
    match part:
        case Image() | File() | Audio() | Video():
            return say(type(part).__name__.lower(), language)
        case Unsupported(kind=kind):
            return say("unsupported", language, kind=kind[:KIND_CHARACTERS_MAX])
        case _:
            return ""
