"""Which gate decides for which base: the one that was trained for it, else the shipped one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from posthouse.knowledge.passage import Found
from posthouse.store.conduct import Conduct


class Judgement(Protocol):
    """How sure one may be that a message wants this answer."""

    @property
    def score(self) -> float:
        """From 0 to 1."""
        ...

    @property
    def threshold(self) -> float:
        """From where on one is sure."""
        ...

    @property
    def is_sure(self) -> bool:
        """Whether it is answered."""
        ...

    @property
    def why(self) -> str:
        """For the note, in a few words."""
        ...


class Gate(Protocol):
    """Judges messages by their words and by what was found."""

    def judge(self, text: str, found: Found, *, is_addressed: bool) -> Judgement:
        """Say how sure one may be."""
        ...


class Gates:
    """Keeps the gates that were read at hand, by their numbers.

    Args:
        conduct: knows which one is in use.
        shipped: makes the one that comes with the house.
        load: reads a trained one.
    """

    def __init__(
        self, conduct: Conduct, shipped: Callable[[], Gate], load: Callable[[bytes], Gate]
    ) -> None:
        self._conduct = conduct
        self._shipped = shipped
        self._load = load
        self._at_hand: dict[str, tuple[int, Gate]] = {}  # base → number, gate

    async def of(self, bases: tuple[str, ...]) -> Gate:
        """Return the gate of the first base that has one of its own."""
        for base in bases:
            trained = await self._conduct.gate(base)
            if trained is None:
                self._at_hand.pop(base, None)
                continue
            number, gate = self._at_hand.get(base, (0, None))
            if gate is None or number != trained.id:
                gate = self._load(trained.model)
                self._at_hand[base] = trained.id, gate
            return gate
        return self._shipped()
