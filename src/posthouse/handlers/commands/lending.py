"""Lends commands of scenes to other handlers (``handlers.lending``)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

import msgspec
from msgspec.structs import replace

from posthouse.handlers.commands.catalogue import command_of
from posthouse.handlers.commands.frames import CommandEntry, Parameter, SceneEntry
from posthouse.handlers.commands.scenes import Errand, Scenes
from posthouse.handlers.commands.sentences import say, wanted_words
from posthouse.handlers.handler import CannotAnswer, Moment
from posthouse.handlers.lending import Lent
from posthouse.model.action import Action
from posthouse.model.permission import DOOR
from posthouse.model.turn import Answer, Turn

_TYPES: Final = {"int": "integer", "number": "number", "yes|no": "boolean"}  # others are strings


class Lending:
    """Runs commands whose arguments stand under their names.

    Args:
        scenes: has them.
        is_granted_only: whether only those may come to the handler who were allowed.
    """

    def __init__(self, scenes: Scenes, *, is_granted_only: bool) -> None:
        self._scenes = scenes
        self._is_granted_only = is_granted_only

    async def find(self, name: str) -> Lent | None:
        """Find ``scene.command``; wait for scenes that are still being loaded."""
        scene, command = await self._found(name)
        if scene is None or command is None:
            return None
        return Lent(
            name=f"{scene.name}.{command.name}",
            help=command.help,
            parameters=schema(command),
            is_readonly=command.is_readonly,
            is_public=scene.is_public,
            defaults=tuple(
                (each.name, each.default) for each in command.parameters if each.default
            ),
        )

    async def _found(self, name: str) -> tuple[SceneEntry | None, CommandEntry | None]:
        written, _, command = name.partition(".")
        scene = await self._scenes.pool.scene(written)
        return scene, command_of(scene, command) if scene is not None else None

    async def refusal(self, name: str, turn: Turn, moment: Moment) -> str:
        """Return why the person of a turn may not run it; empty when they may.

        Whoever types a command has come through the handler's door; nobody comes in beside it.
        """
        door = await self._scenes.may(DOOR, "", turn, moment)
        if door == "blocked" or (door and self._is_granted_only):
            return door
        scene, command = await self._found(name)
        if scene is None or command is None:
            return "not_granted"
        return await self._scenes.may(scene.name, command.name, turn, moment)

    async def run(
        self, name: str, given: Mapping[str, object], turn: Turn, moment: Moment
    ) -> AsyncGenerator[Action]:
        """Run it for the person of a turn.

        Raises:
            CannotAnswer: they may not, or it could not be run to its end.
        """
        errand = await self._errand(name, given, turn, moment)
        async with aclosing(self._scenes.lend(errand, turn, moment)) as actions:
            async for action in actions:
                yield action

    async def check(
        self, name: str, given: Mapping[str, object], turn: Turn, moment: Moment
    ) -> None:
        """Read the arguments of a call as ``run`` would, and run nothing.

        Raises:
            CannotAnswer: they do not fit, or nobody can tell now; or they may not.
        """
        errand = await self._errand(name, given, turn, moment)
        errand = replace(errand, call=replace(errand.call, is_only_read=True))
        async with aclosing(self._scenes.lend(errand, turn, moment)) as actions:
            async for _ in actions:
                pass

    async def _errand(
        self, name: str, given: Mapping[str, object], turn: Turn, moment: Moment
    ) -> Errand:
        scene, command = await self._found(name)
        if scene is None or command is None:
            raise CannotAnswer("answered", say("gone", moment.language, what=name))
        return await self._scenes.given(scene.name, command, dict(given), turn, moment)

    async def go_on(self, answer: Answer, turn: Turn, moment: Moment) -> AsyncGenerator[Action]:
        """Give it the answer to what it has asked.

        Raises:
            CannotAnswer: they may not, or it could not be run to its end.
        """
        errand = await self._scenes.answered(answer, turn, moment)
        async with aclosing(self._scenes.lend(errand, turn, moment)) as actions:
            async for action in actions:
                yield action


def schema(command: CommandEntry) -> str:
    """Describe the arguments of a command as a JSON schema."""
    described = {
        "type": "object",
        "properties": {each.name: _property(each) for each in command.parameters},
        "required": [each.name for each in command.parameters if not each.is_optional],
        "additionalProperties": False,
    }
    return msgspec.json.encode(described).decode()


def _property(parameter: Parameter) -> dict[str, object]:
    one: dict[str, object] = {"type": _TYPES.get(parameter.wanted, "string")}
    if parameter.choices:
        one = {"type": "string", "enum": parameter.choices}
    described: dict[str, object] = one
    if parameter.is_list:
        described = {"type": "array", "items": one}
    words = [] if parameter.choices else [wanted_words(parameter.wanted, "en")]
    words += [f"otherwise {parameter.default}"] if parameter.default else []
    return {**described, "description": "; ".join(words)} if words else described
