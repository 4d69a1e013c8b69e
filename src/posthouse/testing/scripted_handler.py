"""A handler that does as it is told, and a house for handlers that stands still.

Both are fakes that are held to the same promises as the real ones:
``posthouse.testing.conformance.handler`` runs on ``ScriptedHandler``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from functools import partial

from msgspec import Struct

from posthouse.handlers.handler import Traits, TurnContext
from posthouse.model.action import Action, Send
from posthouse.model.errors import PosthouseError, Refused
from posthouse.model.message import Content, Media
from posthouse.model.turn import Turn


class Pause(Struct, frozen=True):
    """Stop here until the test calls ``ScriptedHandler.resume``."""


class Sleep(Struct, frozen=True):
    """Wait by the house's clock."""

    seconds: float


class Effect(Struct, frozen=True):
    """Run a side effect through ``TurnContext.once``; its result goes into ``effects``."""

    name: str
    result: str = ""


Step = Action | Pause | Sleep | Effect | Exception
Script = Callable[[Turn], Iterable[Step]]


def echo(turn: Turn) -> Iterable[Step]:
    """Say what was said."""
    return (Send(Content(turn.text, "plain")),)


class ScriptedHandler:
    """Yields what its script says for each turn; an exception in it is raised.

    ``turns`` are the turns it was given, in the order in which they began; ``ended`` the numbers
    of those that ran to their end; ``effects`` the side effects that really happened.
    """

    def __init__(self, script: Script = echo, traits: Traits | None = None) -> None:
        self.turns: list[Turn] = []
        self.ended: list[int] = []
        self.effects: list[tuple[int, str]] = []
        self._script = script
        self._traits = traits or Traits()
        self._pausing: list[asyncio.Event] = []
        self._changed = asyncio.Condition()

    @property
    def traits(self) -> Traits:
        return self._traits

    async def handle(self, turn: Turn, context: TurnContext) -> AsyncGenerator[Action]:
        self.turns.append(turn)
        await self._tell()
        for step in self._script(turn):
            match step:
                case Pause():
                    await self._pause()
                case Sleep(seconds=seconds):
                    await context.sleep(seconds)
                case Effect(name=name, result=result):
                    await context.once(name, partial(self._affect, turn.id, name, result))
                case Exception():
                    raise step
                case action:
                    yield action
        self.ended.append(turn.id)
        await self._tell()

    def resume(self) -> None:
        """Let every turn that pauses now go on."""
        for pause in self._pausing:
            pause.set()
        self._pausing.clear()

    async def until_begun(self, turns: int) -> None:
        """Wait until so many turns have begun."""
        await self._until(lambda: len(self.turns) >= turns)

    async def until_paused(self, turns: int = 1) -> None:
        """Wait until so many turns pause at once."""
        await self._until(lambda: len(self._pausing) >= turns)

    async def until_ended(self, turns: int) -> None:
        """Wait until so many turns have run to their end."""
        await self._until(lambda: len(self.ended) >= turns)

    async def _pause(self) -> None:
        pause = asyncio.Event()
        self._pausing.append(pause)
        await self._tell()
        try:
            await pause.wait()
        finally:
            if pause in self._pausing:
                self._pausing.remove(pause)

    async def _affect(self, turn: int, name: str, result: str) -> str:
        self.effects.append((turn, name))
        return result

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Cut(PosthouseError):
    """The side effect was begun before and never ended; nobody can tell whether it happened."""


class StillContext:
    """A house for one turn: time passes only in ``sleep``, side effects are kept in memory.

    ``cut`` names side effects that a crash is to have interrupted.
    """

    def __init__(
        self,
        language: str = "zh",
        now: float = 1_750_000_000.0,
        history: tuple[tuple[str, str], ...] = (),
        cut: frozenset[str] = frozenset(),
        buttons_max: int = 0,
    ) -> None:
        self.buttons_max = buttons_max
        self.files: dict[str, bytes] = {}  # what came in, by reference
        self._language = language
        self._now = now
        self._history = history
        self._cut = cut
        self._results: dict[str, str] = {}

    @property
    def language(self) -> str:
        return self._language

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds
        await asyncio.sleep(0)

    async def begin(self) -> None:
        """Nothing crashes here."""

    async def once(self, name: str, effect: Callable[[], Awaitable[str]]) -> str:
        if name in self._cut:
            raise Cut
        if name not in self._results:
            self._results[name] = await effect()
        return self._results[name]

    async def history(
        self,
        characters_max: int = 8000,
        since_at: float = 0.0,  # noqa: ARG002 - the lines here have no times
    ) -> tuple[tuple[str, str], ...]:
        kept: list[tuple[str, str]] = []
        for who, text in reversed(self._history):
            characters_max -= len(text)
            if characters_max < 0:
                break
            kept.append((who, text))
        return tuple(reversed(kept))

    async def read(self, media: Media, bytes_max: int) -> bytes:
        data = self.files.get(media.ref)
        if data is None or len(data) > bytes_max:
            raise Refused(f"{media.ref}: not to be had")
        return data
