"""A door for channels under test: it keeps what came in, and can be shut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from posthouse.channels.channel import Receipts
from posthouse.model.address import Entrance
from posthouse.model.errors import TryLater
from posthouse.model.event import Event


class RecordingDoor:
    """Keeps every event once, by its key, and every attempt in ``attempts``.

    While ``refusal`` is set it raises that. ``answers`` are the bodies that ``answer``
    gives next, in order; ``waits_s`` how long it was asked to wait, ``written`` what ``answered``
    was told.
    """

    def __init__(self, answers: Sequence[bytes | None] = ()) -> None:
        self.answers = list(answers)
        self.waits_s: list[float] = []
        self.events: list[Event] = []
        self.attempts: list[tuple[Event, Entrance]] = []
        self.written: list[tuple[str, bool]] = []
        self.refusal: TryLater | None = None
        self._numbers: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._may_answer = asyncio.Event()
        self._may_answer.set()

    def hold_answers(self) -> None:
        """Let ``answer`` accept, and then wait until ``release_answers``."""
        self._may_answer.clear()

    def release_answers(self) -> None:
        """Let everybody who waits for an answer have it."""
        self._may_answer.set()

    async def accept(self, events: Sequence[Event], entrance: Entrance) -> Receipts:
        self.attempts += [(event, entrance) for event in events]
        new = () if self.refusal else tuple(self._keep(event) for event in events)
        async with self._changed:
            self._changed.notify_all()
        if self.refusal:
            raise self.refusal
        numbers = tuple(self._numbers[event.key] for event in events)
        return Receipts(events=numbers, new=new)

    def _keep(self, event: Event) -> bool:
        if event.key in self._numbers:
            return False
        self.events.append(event)
        self._numbers[event.key] = len(self.events)
        return True

    async def answer(
        self, events: Sequence[Event], entrance: Entrance, wait_s: float
    ) -> bytes | None:
        self.waits_s.append(wait_s)
        await self.accept(events, entrance)
        await self._may_answer.wait()
        return self.answers.pop(0) if self.answers else None

    async def answered(self, events: Sequence[Event], *, is_written: bool) -> None:
        self.written += [(event.key, is_written) for event in events]
        async with self._changed:
            self._changed.notify_all()

    async def until_accepted(self, events: int) -> None:
        """Wait until so many different events are in."""
        await self._until(lambda: len(self.events) >= events)

    async def until_tried(self, attempts: int) -> None:
        """Wait until so many events were brought, repeats included."""
        await self._until(lambda: len(self.attempts) >= attempts)

    async def until_written(self, answers: int) -> None:
        """Wait until so many answers have gone out, or failed to."""
        await self._until(lambda: len(self.written) >= answers)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)
