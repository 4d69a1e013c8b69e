"""Reads the settings of a running house again: for ``posthouse reload`` and for SIGHUP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct
from msgspec.structs import replace

from posthouse.api.pushing import Pushing
from posthouse.model.errors import PosthouseError
from posthouse.settings.load import Loaded
from posthouse.settings.reload import Change, Effect, ScenesRead, changes

if TYPE_CHECKING:
    from posthouse.house import House

log = structlog.get_logger("posthouse.reload")


class Source(Struct, frozen=True):
    """The settings of a house, and how they are read again."""

    loaded: Loaded
    read: Callable[[], Loaded]


class Reloading:
    """One reload after another.

    Args:
        house: works with the settings.
        source: those it works with now, and where they were found at the start.
        hide: told of secrets that must not be shown from now on.
    """

    def __init__(
        self,
        house: House,
        source: Source,
        hide: Callable[[Iterable[str]], None],
    ) -> None:
        self._house = house
        self._loaded = source.loaded
        self._read = source.read
        self._hide = hide
        self._one_at_a_time = asyncio.Lock()
        self._hung_up: set[asyncio.Task[None]] = set()

    @property
    def pushing(self) -> Pushing:
        """Where pushes begin."""
        return self._house.pushing

    async def reload(self, *, is_rehearsal: bool) -> tuple[Change, ...]:
        """Read the settings and work with them; returns what is different.

        Raises:
            OperatorMistake: a setting is wrong; nothing has changed.
        """
        async with self._one_at_a_time:
            new = await asyncio.to_thread(self._read)
            found = changes(self._loaded, new)
            if is_rehearsal or not found:
                return found
            self._hide(new.secrets)
            await self._house.reload(new.settings)
            # What waits for a restart is still different the next time.
            self._loaded = replace(new, settings=self._house.settings)
            for change in found:
                log.info("setting_changed", setting=change.key, counts=change.effect)
            needs_restart = [each.key for each in found if each.effect is Effect.RESTART]
            log.info("settings_reloaded", changes=len(found), restart_for=needs_restart)
            return found

    async def reload_scenes(self) -> tuple[ScenesRead, ...]:
        """Read the scenes of every handler that has some again."""
        found = await self._house.reload_scenes()
        return tuple(
            ScenesRead(name, each.is_in_force, each.scenes, each.problems, each.kept)
            for name, each in found.items()
        )

    def hang_up(self) -> None:
        """Reload because a signal wants it; what is wrong is said in the log."""
        task = asyncio.create_task(self._reload_and_say())
        self._hung_up.add(task)
        task.add_done_callback(self._hung_up.discard)

    async def _reload_and_say(self) -> None:
        try:
            await self.reload(is_rehearsal=False)
        except PosthouseError as problem:
            log.warning("settings_not_reloaded", problem=str(problem))
