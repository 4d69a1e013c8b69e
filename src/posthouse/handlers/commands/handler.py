"""Commands: a prefix, a name, arguments. The built-in ones need no permission."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from difflib import get_close_matches

from posthouse.handlers.commands.builtin import BUILTIN, CONTROL_NAMES, Command
from posthouse.handlers.handler import Traits, TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.message import Content
from posthouse.model.turn import OnCrash, OnEdit, Turn

_UNKNOWN = {
    "zh": "没有命令 `{name}`。{hint}发送 `/help` 查看全部命令。",
    "en": "There is no command `{name}`. {hint}Send `/help` for all commands.",
}
_HINT = {"zh": "您是不是想用 `/{name}`？", "en": "Did you mean `/{name}`? "}


class Commands:
    """Finds the command that a message names and lets it answer."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self._prefixes = prefixes
        self.traits = Traits(
            on_crash=OnCrash.RERUN,  # the built-in commands change nothing
            on_edit=OnEdit.RERUN,
            answer_within_s=120.0,
            session_queue_max=2000,
            answers_to=tuple(BUILTIN),
        )

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        """Run the command, or say which one may have been meant."""
        name, arguments = self._split(turn.text)
        command = BUILTIN.get(name)
        answer = (
            _unknown(name, context.language)
            if command is None
            else _run(command, arguments, turn, context)
        )
        yield Send(Content(answer))

    def _split(self, text: str) -> tuple[str, str]:
        stripped = text.strip()
        prefix = next((p for p in self._prefixes if stripped.startswith(p)), "")
        name, *arguments = stripped.removeprefix(prefix).split(maxsplit=1) or [""]
        return name.lower(), "".join(arguments)


def _run(command: Command, arguments: str, turn: Turn, context: TurnContext) -> str:
    return command.run(arguments, turn, context.language)


def _unknown(name: str, language: str) -> str:
    language = language if language in _UNKNOWN else "en"
    close = get_close_matches(name, [*BUILTIN, *CONTROL_NAMES], n=1)
    hint = _HINT[language].format(name=close[0]) if close else ""
    return _UNKNOWN[language].format(name=name[:40], hint=hint)
