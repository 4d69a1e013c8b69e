"""What there is to say: scenes and their commands, found by name without loading anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from msgspec.structs import replace

from posthouse.handlers.commands.frames import CommandEntry, SceneEntry

CLOSE_MAX = 5
NAME_CHARACTERS_MAX = 60  # a longer word resembles nothing


class Catalogue:
    """The scenes of one generation. Names are found in any case."""

    def __init__(self, scenes: Iterable[SceneEntry] = ()) -> None:
        self._scenes = {each.name.casefold(): each for each in scenes}

    def __iter__(self) -> Iterator[SceneEntry]:
        """Go through the scenes that have commands."""
        return (each for each in self._scenes.values() if each.commands)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what may stand behind a prefix."""
        return tuple(each.name.casefold() for each in self)

    def scene(self, name: str) -> SceneEntry | None:
        """Find a scene."""
        return self._scenes.get(name.casefold())

    def only(self, is_public: Mapping[str, bool]) -> Catalogue:
        """Return what is left if there are only these scenes, public or not."""
        return Catalogue(
            replace(each, is_public=is_public[each.name])
            for each in self._scenes.values()
            if each.name in is_public
        )


def command_of(scene: SceneEntry, name: str) -> CommandEntry | None:
    """Find a command of a scene."""
    folded = name.casefold()
    return next((each for each in scene.commands if each.name.casefold() == folded), None)


def close_to(name: str, known: Iterable[str]) -> list[str]:
    """Return names that may have been meant, the closest first."""
    if len(name) > NAME_CHARACTERS_MAX:
        return []
    return get_close_matches(name.casefold(), list(known), n=CLOSE_MAX)
