"""Writes down what happened, and forgets the oldest when there is too much of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from posthouse.simulators.onebot.record import CallEntry, Complaint, ConnectionEntry

FRAME_SHOWN = 400

T = TypeVar("T")


class Limits(Struct, frozen=True, kw_only=True):
    """How much the platform remembers."""

    messages_max: int = 100_000
    events_max: int = 100_000
    calls_max: int = 400_000
    complaints_max: int = 1_000
    connections_max: int = 10_000
    people_max: int = 10_000  # and as many groups
    files_max: int = 64
    text_max: int = 4_500  # characters of one message


class _Pages(Generic[T]):
    """A list that loses its oldest entries, and counts them."""

    def __init__(self, entries_max: int) -> None:
        self.entries: deque[T] = deque(maxlen=entries_max)
        self.forgotten = 0

    def add(self, entry: T) -> None:
        self.forgotten += len(self.entries) == self.entries.maxlen
        self.entries.append(entry)


class Notes:
    """Calls, complaints and connections of all accounts."""

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        self._clock = clock
        self.calls: _Pages[CallEntry] = _Pages(limits.calls_max)
        self.complaints: _Pages[Complaint] = _Pages(limits.complaints_max)
        self.connections: _Pages[ConnectionEntry] = _Pages(limits.connections_max)

    @property
    def forgotten(self) -> int:
        return self.calls.forgotten + self.complaints.forgotten + self.connections.forgotten

    def complain(self, bot: str, problem: str, frame: str | bytes) -> None:
        """Write down what a bot server should not have sent."""
        shown = frame[:FRAME_SHOWN]
        self.complaints.add(
            Complaint(
                bot=bot,
                at=self._clock(),
                problem=problem,
                frame=shown if isinstance(shown, str) else shown.decode("utf-8", "replace"),
            )
        )
