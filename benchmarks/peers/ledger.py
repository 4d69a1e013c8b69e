"""What was pushed and what came back: answered, told, lost, twice, out of order, how late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import ceil

from msgspec import Struct


class Counts(Struct, frozen=True):
    """What came of the messages that were pushed."""

    pushed: int
    answered: int
    told: int  # not answered, but told so: some other sentence came to their session
    lost: int  # neither
    twice: int  # answers beyond the first
    inverted: int  # first answers that came after the answer to a later message of their session
    strange: int  # texts beside answers and what is told
    p50_ms: float
    p99_ms: float
    answers_s: float  # from the first push to the last first answer


class _Push(Struct):
    session: Hashable
    place: int  # in its session
    at: float
    answered_at: float | None = None


class Ledger:
    """Enters pushes and answers, and counts."""

    def __init__(self) -> None:
        self._pushes: dict[str, _Push] = {}
        self._places: dict[Hashable, int] = {}
        self._latest: dict[Hashable, int] = {}
        self.answered = 0
        self.twice = 0
        self.inverted = 0
        self._sentences: Counter[Hashable] = Counter()  # other texts, by session

    def push(self, token: str, session: Hashable, at: float) -> None:
        """Enter a message that is on its way to the bot."""
        place = self._places.get(session, 0)
        self._places[session] = place + 1
        self._pushes[token] = _Push(session, place, at)

    def take_back(self, token: str) -> None:
        """Remove a message that could not be pushed."""
        del self._pushes[token]

    def answer(self, text: str, session: Hashable, at: float) -> None:
        """Enter what the bot said: a token that was pushed, or something else."""
        push = self._pushes.get(text)
        if push is None:
            self._sentences[session] += 1
        elif push.answered_at is not None:
            self.twice += 1
        else:
            self._enter_first(push, at)

    def _enter_first(self, push: _Push, at: float) -> None:
        push.answered_at = at
        self.answered += 1
        latest = self._latest.get(push.session, -1)
        self.inverted += push.place < latest
        self._latest[push.session] = max(push.place, latest)

    def counts(self) -> Counts:
        """Count up to now; those without an answer are lost."""
        done = [
            (push.at, push.answered_at)
            for push in self._pushes.values()
            if push.answered_at is not None
        ]
        open_ = Counter(push.session for push in self._pushes.values() if push.answered_at is None)
        told = (open_ & self._sentences).total()
        times = sorted((answered_at - at) * 1000 for at, answered_at in done)
        return Counts(
            pushed=len(self._pushes),
            answered=len(done),
            told=told,
            lost=open_.total() - told,
            twice=self.twice,
            inverted=self.inverted,
            strange=self._sentences.total() - told,
            p50_ms=percentile(times, 50),
            p99_ms=percentile(times, 99),
            answers_s=max(at for _, at in done) - min(at for at, _ in done) if done else 0.0,
        )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent do not exceed; 0 of none."""
    return ordered[max(ceil(len(ordered) * percent / 100) - 1, 0)] if ordered else 0.0
