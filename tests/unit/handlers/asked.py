"""A house that is just big enough to ask a handler."""

import asyncio
from collections.abc import Awaitable, Callable

from posthouse.handlers.handler import Handler
from posthouse.model.action import Action, Ask, Send
from posthouse.model.errors import Refused
from posthouse.model.message import Media
from posthouse.model.turn import Turn
from posthouse.testing.clock import run_simulated


class Asked:
    """A ``TurnContext`` with a given past."""

    buttons_max = 0

    def __init__(self, language: str = "en", history: tuple[tuple[str, str], ...] = ()) -> None:
        self.language = language
        self._history = history

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def begin(self) -> None:
        """Nothing crashes here."""

    async def once(self, name: str, effect: Callable[[], Awaitable[str]]) -> str:
        return await effect()

    async def history(
        self, characters_max: int = 8000, since_at: float = 0.0
    ) -> tuple[tuple[str, str], ...]:
        return self._history

    async def read(self, media: Media, bytes_max: int) -> bytes:
        raise Refused(f"{media.ref}, at most {bytes_max}: nothing came in here")


def actions(handler: Handler, turn: Turn, context: Asked) -> list[Action]:
    """Everything a handler yields for a turn."""

    async def ask() -> list[Action]:
        return [action async for action in handler.handle(turn, context)]

    return run_simulated(ask())


def texts(handler: Handler, turn: Turn, context: Asked) -> list[str]:
    """What a handler says."""
    said = actions(handler, turn, context)
    return [
        action.content.text if isinstance(action, Send) else action.question.text
        for action in said
        if isinstance(action, Send | Ask)
    ]
