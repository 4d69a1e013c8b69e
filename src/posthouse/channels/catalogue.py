"""Which channels there are. A module is imported when a bot asks for it, not before."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import cast

from posthouse.channels.channel import ChannelClass
from posthouse.model.errors import OperatorMistake

CHANNELS: dict[str, str] = {
    "web": "posthouse.channels.web.channel:WebChannel",
    "feishu": "posthouse.channels.feishu.channel:FeishuChannel",
    "lark": "posthouse.channels.feishu.channel:LarkChannel",
    "onebot": "posthouse.channels.onebot.channel:OneBotChannel",
    "probe": "posthouse.testing.probe.channel:ProbeChannel",
}


def load(name: str) -> ChannelClass:
    """Return the channel class behind ``channel = "name"``: one of ours, or ``module:Class``.

    Raises:
        OperatorMistake: there is none by that name, or it cannot be imported.
    """
    module_name, colon, class_name = CHANNELS.get(name, name).partition(":")
    if not (module_name and colon and class_name):
        raise _unknown(name)
    try:
        found = getattr(import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        raise _not_installed(name, error.name or module_name) from error
    except AttributeError as error:
        raise _no_class(name, module_name, class_name) from error
    if not callable(getattr(found, "build", None)):
        raise _no_channel(name, class_name)
    return cast("ChannelClass", found)


def _unknown(name: str) -> OperatorMistake:
    close = get_close_matches(name, CHANNELS, n=1)
    known = ", ".join(CHANNELS)
    return OperatorMistake(
        f'channel = "{name}": there is no such channel'
        + (f', did you mean "{close[0]}"?' if close else ".")
        + f' Known are {known}; name your own as "package.module:Class".',
        f'channel = "{name}"：没有这个平台'
        + (f"，是不是想写 {close[0]}？" if close else "。")
        + f'可用的有 {known}；自己写的请填 "package.module:Class"。',
    )


def _not_installed(name: str, module: str) -> OperatorMistake:
    return OperatorMistake(
        f'channel = "{name}": the module {module} is not installed;'
        " install its package into the environment of Posthouse.",
        f'channel = "{name}"：没有安装模块 {module}；请把它所在的包装进驿站的环境。',
    )


def _no_class(name: str, module: str, class_name: str) -> OperatorMistake:
    return OperatorMistake(
        f'channel = "{name}": {module} has no {class_name};'
        ' write "package.module:Class" with the name of the channel class.',
        f'channel = "{name}"：{module} 里没有 {class_name}；'
        '请按 "package.module:Class" 填写平台类的名称。',
    )


def _no_channel(name: str, class_name: str) -> OperatorMistake:
    return OperatorMistake(
        f'channel = "{name}": {class_name} has no build(), so it is no channel;'
        " docs/how-to/write-a-channel.md shows what one needs.",
        f'channel = "{name}"：{class_name} 没有 build()，不是平台类；'
        "写法见 docs/how-to/write-a-channel.md。",
    )
