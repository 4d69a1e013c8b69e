"""One call at a worker, as the house sees it: behind others, running, or over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from posthouse.handlers.commands.frames import Reply, TookTooLong

REPLIES_WAITING_MAX = 8  # more, and the worker waits


class Died(Exception):
    """The worker has ended in the middle of a call, or talks nonsense."""


class TakenBack(Exception):
    """The call has not begun here, and will not: another worker may run it."""


class Running:
    """See the module.

    Args:
        id: the call's; empty while scenes are loaded.
        give_up_s: how long it may run.
        ticket: of ``Tickets``; 0 when it began as it was handed over.
        go_on: tells that there is room for more replies.
    """

    def __init__(self, id: str, give_up_s: float, ticket: int, go_on: Callable[[], None]) -> None:  # noqa: A002 - what it is
        self.id = id
        self.give_up_s = give_up_s
        self.ticket = ticket
        self.began_at = 0.0  # by the loop's clock
        self._go_on = go_on
        self._replies: deque[Reply] = deque()
        self._coming: asyncio.Future[None] | None = None
        self._problem: Exception | None = None
        self._is_left = False
        self.is_over = False  # it has ended, or begins nowhere
        self._gone: asyncio.Future[None] | None = None

    @property
    def has_more(self) -> bool:
        """Whether what it says next is here already."""
        return bool(self._replies)

    def hear(self, reply: Reply) -> bool:
        """Keep what it says until somebody takes it; returns whether there is room for more."""
        if not self._is_left:
            self._replies.append(reply)
            _wake(self._coming)
        return len(self._replies) < REPLIES_WAITING_MAX

    def end(self, reply: Reply) -> None:
        """Hear its last words."""
        self.hear(reply)
        self._go()

    def fail(self, problem: Exception) -> None:
        """Say that nothing more comes; if it took too long, what has come is of no use either."""
        self._problem = problem
        if isinstance(problem, TookTooLong):
            self._replies.clear()
        else:
            self._go()
        _wake(self._coming)

    def _go(self) -> None:
        self.is_over = True
        _wake(self._gone)

    async def receive(self) -> Reply:
        """Take what it says next.

        Raises:
            Died: the worker has ended without a word.
            TakenBack: it did not begin there.
            TookTooLong: its time is over.
        """
        while not self._replies:
            if self._problem is not None:
                raise self._problem
            self._coming = asyncio.get_running_loop().create_future()
            await self._coming
        was_full = len(self._replies) >= REPLIES_WAITING_MAX
        reply = self._replies.popleft()
        if was_full:
            self._go_on()
        return reply

    def leave(self) -> None:
        """Throw away what it says."""
        self._is_left = True
        self._replies.clear()
        self._go_on()

    async def gone(self) -> None:
        """Wait until it is at its worker no more."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        if not self.is_over:
            await self._gone


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
