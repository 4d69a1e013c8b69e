"""Whether something goes wrong now: exactly as a script says, else by seeded dice."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

from posthouse.model.errors import OperatorMistake

SCRIPT_MAX = 10_000  # scripted faults of one bot and verb

V = TypeVar("V", bound=StrEnum)  # what a fault happens to
F = TypeVar("F", bound=StrEnum)


class Chance(Generic[V, F]):
    """Draws faults. The same seed and calls give the same ones.

    Each bot and verb has dice of its own, so that the order in which calls of different bots
    arrive, which nobody controls, changes nothing.
    """

    def __init__(self, seed: int, script: Mapping[str, Mapping[V, Sequence[F | None]]]) -> None:
        self._seed = seed
        self._dice: dict[tuple[str, V], random.Random] = {}
        self._script = {
            (name, verb): deque(faults)
            for name, verbs in script.items()
            for verb, faults in verbs.items()
        }

    def add(self, name: str, verb: V, faults: Sequence[F | None]) -> None:
        """Script the next calls, behind what is scripted already."""
        self._script.setdefault((name, verb), deque()).extend(faults)

    def draw(self, name: str, verb: V, shares: Mapping[F, float]) -> F | None:
        """Say what happens to the next call; what the script says comes first."""
        scripted = self._script.get((name, verb))
        if scripted:
            return scripted.popleft()
        if not shares:
            return None
        thrown = self._dice_of(name, verb).random()
        for fault, share in shares.items():
            thrown -= share
            if thrown < 0:
                return fault
        return None

    def _dice_of(self, name: str, verb: V) -> random.Random:
        if (name, verb) not in self._dice:
            self._dice[name, verb] = random.Random(f"{self._seed}:{name}:{verb}")
        return self._dice[name, verb]


def check_shares(name: str, verb: V, shares: Mapping[F, float], possible: Collection[F]) -> None:
    """See that shares can be meant.

    Raises:
        OperatorMistake: a fault that cannot happen here, or more than there is.
    """
    _check_possible(verb, shares, possible)
    if sum(shares.values()) > 1 or any(share < 0 for share in shares.values()):
        raise OperatorMistake(
            f"the shares of {name}.{verb} must not be negative nor exceed 1 together"
        )


def check_script(name: str, verb: V, faults: Sequence[F | None], possible: Collection[F]) -> None:
    """See that a script can be meant.

    Raises:
        OperatorMistake: a fault that cannot happen here, or too many.
    """
    _check_possible(verb, (fault for fault in faults if fault is not None), possible)
    if len(faults) > SCRIPT_MAX:
        raise OperatorMistake(f"the script of {name}.{verb} is longer than {SCRIPT_MAX}")


def _check_possible(verb: V, faults: Iterable[F], possible: Collection[F]) -> None:
    for fault in faults:
        if fault not in possible:
            raise OperatorMistake(
                f"{fault!s} cannot happen to {verb!s}; choose from {', '.join(sorted(possible))}"
            )
