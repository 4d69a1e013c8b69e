"""Commands of another handler as functions that a model may ask for."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import msgspec
from msgspec import Struct

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.sentences import say
from posthouse.handlers.assistant.tools import Arguments, Function, Result
from posthouse.handlers.lending import Lender
from posthouse.knowledge.plain import HIDDEN
from posthouse.llm.model import ToolOffer
from posthouse.model.action import Action, Ask, Send
from posthouse.model.permission import Ruling
from posthouse.model.turn import Answer, Turn

HANDLER: Final = "commands"  # whose command it is where none is named
HELP_CHARACTERS_MAX: Final = 500
DIGEST_CHARACTERS: Final = 12

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what models take for the name of a function
_MARK: Final = "\ufffd"  # stands for what shows nothing, or not itself: other words would run
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_LOST_SPACES = re.compile(r"^ +| +$| {2,}")  # Markdown drops them


class Reference(Struct, frozen=True):
    """Which command of which handler, as settings name it: ``weather.now``, ``ops:host.load``."""

    handler: str
    command: str

    @property
    def name(self) -> str:
        """What models call it; the same tomorrow, whatever stands beside it in the settings."""
        name = self.command.replace(".", "-")
        if self.handler == HANDLER and _NAME.fullmatch(name):
            return name
        digest = hashlib.sha256(f"{self.handler}:{self.command}".encode()).hexdigest()
        return f"command-{digest[:DIGEST_CHARACTERS]}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"/{self.command.replace('.', ' ', 1)}"


def reference(written: str) -> Reference:
    """Read what a setting names."""
    handler, colon, command = written.rpartition(":")
    return Reference(handler if colon else HANDLER, command)


class _Moment(Struct, frozen=True):
    """See ``handlers.handler.Moment``."""

    language: str
    at: float

    def now(self) -> float:
        return self.at


class LentTool:
    """See ``assistant.tools.Tool``.

    Args:
        reference: which command.
        lender: returns who has it now; handlers change with the settings.
    """

    def __init__(self, reference: Reference, lender: Callable[[], Lender | None]) -> None:
        self._reference = reference
        self._lender = lender

    async def function(self) -> Function | None:
        """Say what the command is now."""
        lender, reference = self._lender(), self._reference
        found = await lender.find(reference.command) if lender is not None else None
        if found is None:
            return None
        described = f"{reference.title}: {found.help}"[:HELP_CHARACTERS_MAX]
        return Function(
            title=reference.title,
            offer=ToolOffer(reference.name, described, found.parameters),
            has_side_effects=not found.is_readonly,
            defaults=dict(found.defaults),
        )

    async def ruling(self, asking: Asking) -> Ruling | None:
        """Rule as if the person had typed the command."""
        lender = self._lender()
        if lender is None:
            return None
        reason = await lender.refusal(self._reference.command, self._turn(asking), _now(asking))
        return Ruling(is_allowed=not reason, reason=reason or "granted")

    def described(self, arguments: Arguments, language: str) -> str:  # noqa: ARG002 - names speak none
        """Show the command and every argument on a line of its own, with nothing hidden."""
        lines = [f"- {_shown(name)}: `{_shown(value)}`" for name, value in arguments.items()]
        return "\n".join([f"`{self._reference.title}`", "", *lines]).strip()

    async def check(self, arguments: Arguments, asking: Asking) -> None:
        """Let the command read its arguments."""
        turn, moment = self._turn(asking), _now(asking)
        await self._lent().check(self._reference.command, arguments, turn, moment)

    async def run(self, arguments: Arguments, asking: Asking) -> Result:
        """Run the command for who asks."""
        lender, command = self._lent(), self._reference.command
        turn, moment = self._turn(asking), _now(asking)
        return await _heard(lender.run(command, arguments, turn, moment), asking.language)

    async def go_on(self, answer: Answer, asking: Asking) -> Result:
        """Give the command the answer to what it has asked."""
        turn, moment = self._turn(asking), _now(asking)
        return await _heard(self._lent().go_on(answer, turn, moment), asking.language)

    def _lent(self) -> Lender:
        lender = self._lender()
        assert lender is not None, "looked at a moment ago"
        return lender

    def _turn(self, asking: Asking) -> Turn:
        """As whose turn the command is run: the person's, as if they had typed it."""
        return Turn(
            id=0,
            chat=asking.place,
            session="",
            handler=self._reference.handler,
            person=asking.person,
            events=(),
        )


def _now(asking: Asking) -> _Moment:
    return _Moment(asking.language, asking.now)


async def _heard(actions: AsyncGenerator[Action], language: str) -> Result:
    """Put what a command says into one text; a file cannot travel in it and is named."""
    said: list[str] = []
    asked: Ask | None = None
    async with aclosing(actions):
        async for action in actions:
            match action:
                case Send(content=content) if content.media is not None:
                    said.append(say("tool_file", language, file=content.media.name))
                case Send(content=content):
                    said.append(content.text)
                case Ask():
                    asked = action
                case _:
                    pass
    return Result("\n\n".join(said), asked)


def _shown(value: object) -> str:
    """Write an argument so that nothing in it hides, or ends the words around it."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = HIDDEN.sub(_MARK, text.replace("\n", "⏎").replace("`", "ˋ"))
    seen = "".join(each if _is_seen(each) else _MARK for each in text)
    return _LOST_SPACES.sub(lambda spaces: "␣" * len(spaces[0]), seen)


def _is_seen(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in _UNSEEN
