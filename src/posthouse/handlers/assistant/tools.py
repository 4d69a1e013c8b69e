"""Functions that a model may ask for, in the name of whoever asks, with their permission.

The seam for more than documents: a function of the house, a server of tools, a search of the web.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.permissions import Permissions
from posthouse.llm.model import ToolCall, ToolOffer
from posthouse.model.errors import PosthouseError
from posthouse.model.permission import Ruling, Wish

SCENE: Final = "tools"  # what is granted: ``handler:<name> tools.<tool>``
RESULT_CHARACTERS_MAX: Final = 8000

Arguments = Mapping[str, object]


class ToolFailed(PosthouseError):
    """It could not be done; the message tells the person why."""


class Tool(Protocol):
    """One function."""

    @property
    def offer(self) -> ToolOffer:
        """What a model is told of it."""
        ...

    @property
    def has_side_effects(self) -> bool:
        """Whether the person must say yes before it runs."""
        ...

    def described(self, arguments: Arguments, language: str) -> str:
        """Say in words what would be done: what the person is asked to confirm."""
        ...

    async def run(self, arguments: Arguments, person: str, chat: int) -> str:
        """Do it.

        Raises:
            ToolFailed: it could not be done.
        """
        ...


class Wanted(Struct, frozen=True):
    """What a model wants to have done, and whether it may be."""

    tool: Tool
    arguments: Arguments
    ruling: Ruling


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
        rulings = [(tool, await self._rule(name, asking)) for name, tool in self._tools.items()]
        return tuple(tool.offer for tool, ruling in rulings if ruling.is_allowed)

    async def wanted(self, call: ToolCall, asking: Asking) -> Wanted | None:
        """Look at what a model asks for; None where there is no such thing."""
        tool = self._tools.get(call.name)
        arguments = _arguments(call.arguments)
        if tool is None or arguments is None:
            return None
        return Wanted(tool, arguments, await self._rule(call.name, asking))

    async def _rule(self, name: str, asking: Asking) -> Ruling:
        wish = Wish(
            person=asking.person.id,
            chat=asking.chat,
            bot=asking.bot,
            handler=asking.handler,
            scene=SCENE,
            command=name,
        )
        return await self._permissions.rule(wish, asking.now)


def _arguments(written: str) -> Arguments | None:
    try:
        return msgspec.json.decode(written or "{}", type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
