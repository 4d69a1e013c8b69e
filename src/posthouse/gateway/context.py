"""What a handler may ask of the house while it works on a turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from posthouse.gateway.surroundings import Surroundings
from posthouse.handlers.handler import Interrupted
from posthouse.model.errors import Refused
from posthouse.model.message import Media
from posthouse.store.journal import ClaimedTurn, OnceState


class Context:
    """The house behind ``handlers.handler.TurnContext``."""

    def __init__(
        self,
        claimed: ClaimedTurn,
        around: Surroundings,
        language: str,
    ) -> None:
        self._claimed = claimed
        self._around = around
        self._journal = around.journal
        self._language = language
        self._bot = around.bots[claimed.turn.chat.bot]

    @property
    def buttons_max(self) -> int:
        """How many buttons the platform shows below a message."""
        return self._bot.capabilities.choices_max

    @property
    def language(self) -> str:
        """What the house speaks in this chat."""
        return self._language

    def now(self) -> float:
        """Tell the time."""
        return self._around.clock()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._around.sleep(seconds)

    async def begin(self) -> None:
        """Write down that the turn has begun."""
        claim, turn, around = self._claimed.claim, self._claimed.turn.id, self._around
        await around.until_stored(lambda: self._journal.start(claim, turn, around.clock()))

    async def once(self, name: str, effect: Callable[[], Awaitable[str]]) -> str:
        """Run ``effect`` unless its result is in the book."""
        claim, turn = self._claimed.claim, self._claimed.turn.id
        stored = self._around.until_stored
        once = await stored(lambda: self._journal.once_begin(claim, turn, name))
        if once.state is OnceState.DONE:
            return once.result
        if once.state is OnceState.BEGUN:
            raise Interrupted
        result = await effect()
        await stored(lambda: self._journal.once_end(claim, turn, name, result))
        return result

    async def history(
        self, characters_max: int = 8000, since_at: float = 0.0
    ) -> tuple[tuple[str, str], ...]:
        """Read the conversation before this turn."""
        session = self._claimed.turn.session
        return await self._around.until_stored(
            lambda: self._journal.history(session, characters_max, since_at)
        )

    async def read(self, media: Media, bytes_max: int) -> bytes:
        """Let the bot's channel fetch a file."""
        read = bytearray()
        async for chunk in self._bot.channel.download(media):
            read += chunk
            if len(read) > bytes_max:
                raise Refused(f"{media.name or media.ref}: larger than {bytes_max} bytes")
        return bytes(read)
