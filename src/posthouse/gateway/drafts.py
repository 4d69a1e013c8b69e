"""Growing messages: what is shown while an answer is still being written.

Opening a draft is a delivery like any other. What follows is not stored: the latest text wins,
and only budget that messages would not miss is used. A lost update costs nothing, since the
final words are a delivery again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from msgspec import Struct

from posthouse.channels.channel import Part, Verb
from posthouse.gateway import performers
from posthouse.gateway.bots import Bot
from posthouse.gateway.pace import Pace
from posthouse.model.address import Chat
from posthouse.model.delivery import Delivery, NotSent, Outcome, State

UPDATE_EVERY_S = 0.25
LAND_WITHIN_S = 3.0  # an update that takes longer may still overtake the final words


class Drafts:
    """Which drafts have been opened on the platform, told by the deliverer."""

    def __init__(self) -> None:
        self._opened: dict[int, asyncio.Future[tuple[str, ...]]] = {}

    def expect(self, draft: int) -> None:
        """Begin to listen for a draft; ``forget`` ends it."""
        if draft not in self._opened:
            self._opened[draft] = asyncio.get_running_loop().create_future()

    async def ids(self, draft: int) -> tuple[str, ...]:
        """Wait for the platform's ids of an expected draft; empty when it was not opened."""
        return await self._opened[draft]

    def tell(self, delivery: Delivery) -> None:
        """Learn that a delivery was settled."""
        waiting = self._opened.get(delivery.id)
        if waiting is None or waiting.done():
            return
        if delivery.state is State.SENT:
            waiting.set_result(delivery.platform_ids)
        elif delivery.state not in (State.QUEUED, State.SENDING, State.UNKNOWN):
            waiting.set_result(())

    def forget(self, draft: int) -> None:
        """Stop waiting for a draft."""
        if waiting := self._opened.pop(draft, None):
            waiting.cancel()


class Growing(Struct, frozen=True, kw_only=True):
    """What grows."""

    chat: Chat
    draft: int  # the delivery that opens it
    body_of: Callable[[str], bytes]  # encodes what is written so far


class DraftWriter:
    """Shows one turn's growing answer, as often as there is budget to spare."""

    def __init__(
        self,
        growing: Growing,
        bot: Bot,
        pace: Pace,
        drafts: Drafts,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._growing = growing
        self._bot = bot
        self._pace = pace
        self._drafts = drafts
        self._sleep = sleep
        self.latest = ""
        self._shown = ""
        self._news = asyncio.Event()
        self._calling = asyncio.Lock()
        self._task = asyncio.create_task(self._show())

    def write(self, text: str) -> None:
        """Show this text soon; what was not shown yet is skipped."""
        self.latest = text
        self._news.set()

    async def close(self) -> None:
        """Stop showing; an update on its way lands before the final words are sent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAND_WITHIN_S), self._calling:
                self._task.cancel()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._drafts.forget(self._growing.draft)

    async def _show(self) -> None:
        ids = await self._drafts.ids(self._growing.draft)
        while ids:
            await self._news.wait()
            self._news.clear()
            if self.latest != self._shown and self._pace.take_spare(self._bot.name):
                self._shown = self.latest
                outcome = await self._update(ids)
                if isinstance(outcome, NotSent) and outcome.is_final:
                    return
            await self._sleep(UPDATE_EVERY_S)
            if self.latest != self._shown:
                self._news.set()

    async def _update(self, ids: tuple[str, ...]) -> Outcome:
        body = self._growing.body_of(self._shown)
        part = Part(verb=Verb.EDIT, body=body, message_ids=ids, is_draft=True)
        async with self._calling:
            return await performers.call(self._bot, part, self._growing.chat)
