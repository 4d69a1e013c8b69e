"""The command of the scene `demo`, as a NoneBot plugin: `demo echo X` answers X."""

from nonebot import on_command
from nonebot.adapters import Message
from nonebot.params import CommandArg

echo = on_command("demo echo", block=True)


@echo.handle()
async def answer(words: Message = CommandArg()) -> None:  # noqa: B008 - NoneBot's way
    await echo.finish(words)
