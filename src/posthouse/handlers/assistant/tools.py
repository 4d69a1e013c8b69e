"""Functions that a model may ask for, in the name of whoever asks, with their permission.

The seam for more than documents: a command of the house, a server of tools, a search of the web.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.permissions import Permissions
from posthouse.llm.model import ToolCall, ToolOffer
from posthouse.model.action import Ask
from posthouse.model.permission import Ruling, Wish
from posthouse.model.turn import Answer

SCENE: Final = "tools"  # what is granted or blocked: ``handler:<name> tools.<tool>``

Arguments = Mapping[str, object]


class Function(Struct, frozen=True, kw_only=True):
    """What a tool is at this moment."""

    title: str  # for people
    offer: ToolOffer
    has_side_effects: bool = True  # the person must say yes before it runs
    defaults: Arguments = {}  # what an argument is that is left out


class Result(Struct, frozen=True, omit_defaults=True):
    """What a function has said; ``ask`` where it goes on with an answer."""

    text: str = ""
    ask: Ask | None = None

    @property
    def words(self) -> str:
        """All that a person reads of it: what it has said, then what it asks."""
        asked = self.ask.question.text if self.ask is not None else ""
        return "\n\n".join(filter(None, (self.text, asked)))


class Tool(Protocol):
    """One function."""

    async def function(self) -> Function | None:
        """Say what it is; None while there is no such thing."""
        ...

    async def ruling(self, asking: Asking) -> Ruling | None:
        """Rule whether this person may, without a cache.

        None where nobody but the book of permissions knows: ``tools.<tool>`` must be granted then.
        """
        ...

    def described(self, arguments: Arguments, language: str) -> str:
        """Say in words what would be done: what the person is asked to confirm."""
        ...

    async def check(self, arguments: Arguments, asking: Asking) -> None:
        """Look at arguments before anybody is asked about them.

        Raises:
            CannotAnswer: why it cannot be done with them.
        """
        ...

    async def run(self, arguments: Arguments, asking: Asking) -> Result:
        """Do it.

        Raises:
            CannotAnswer: it could not be done.
        """
        ...

    async def go_on(self, answer: Answer, asking: Asking) -> Result:
        """Take the answer to what it has asked (``Result.ask``).

        Raises:
            CannotAnswer: it could not be done.
        """
        ...


class Wanted(Struct, frozen=True):
    """What a model wants to have done, and whether it may be."""

    tool: Tool
    function: Function
    arguments: Arguments
    ruling: Ruling

    def described(self, language: str) -> str:
        """Say in words what would be done, also with what was left out."""
        given = {name: value for name, value in self.arguments.items() if value is not None}
        return self.tool.described({**given, **_left_out(self.function.defaults, given)}, language)


class Tools:
    """The functions of one handler.

    Args:
        tools: by the names that models use.
        permissions: asked before anything runs, without a cache.
    """

    def __init__(self, tools: Mapping[str, Tool], permissions: Permissions) -> None:
        self._tools = tools
        self._permissions = permissions

    async def offers(self, asking: Asking) -> tuple[ToolOffer, ...]:
        """Return what may be offered to a model: only what the person may have done."""
        found = [await self._look(name, {}, asking) for name in self._tools]
        return tuple(each.function.offer for each in found if each and each.ruling.is_allowed)

    async def wanted(self, call: ToolCall, asking: Asking) -> Wanted | None:
        """Look at what a model asks for; None where there is no such thing."""
        arguments = _arguments(call.arguments)
        return None if arguments is None else await self._look(call.name, arguments, asking)

    async def _look(self, name: str, arguments: Arguments, asking: Asking) -> Wanted | None:
        tool = self._tools.get(name)
        function = await tool.function() if tool is not None else None
        if tool is None or function is None:
            return None
        return Wanted(tool, function, arguments, await self._rule(name, tool, asking))

    async def _rule(self, name: str, tool: Tool, asking: Asking) -> Ruling:
        """A block of the tool itself beats what the tool says."""
        wish = Wish(
            person=asking.person.id,
            chat=asking.chat,
            bot=asking.bot,
            handler=asking.handler,
            scene=SCENE,
            command=name,
        )
        written = await self._permissions.rule(wish, asking.now)
        own = None if written.reason == "blocked" else await tool.ruling(asking)
        return written if own is None else own


def _left_out(defaults: Arguments, given: Arguments) -> Arguments:
    return {name: value for name, value in defaults.items() if name not in given}


def _arguments(written: str) -> Arguments | None:
    try:
        return msgspec.json.decode(written or "{}", type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
