"""What goes wrong on purpose: by seeded chance, or exactly as a script says."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from posthouse.model.errors import OperatorMistake

SCRIPT_MAX = 10_000  # scripted faults of one account and verb
EVERYONE = "*"


class Verb(StrEnum):
    """What a fault can happen to: a push of the platform, or an action of the bot server."""

    PUSH = "push"
    SEND = "send"  # send_*, upload_*
    RECALL = "recall"  # delete_msg
    LOOK_UP = "look_up"  # get_msg and histories
    OTHER = "other"


class Fault(StrEnum):
    """One way to go wrong."""

    DELAY = "delay"  # done; answered or pushed after delay_s
    SLOW = "slow"  # done and answered after delay_s: what comes later overtakes it
    RESET_BEFORE = "reset_before"  # cut, not done
    RESET_AFTER = "reset_after"  # done or pushed, then cut
    SILENT_BEFORE = "silent_before"  # neither done nor answered
    SILENT_AFTER = "silent_after"  # done, never answered
    HALF_RESPONSE = "half_response"  # done; the answer's text ends in the middle
    TWICE = "twice"  # answered or pushed twice
    OVERTAKEN = "overtaken"  # done; answered after the next answer, or after delay_s
    REFUSED = "refused"  # not done; failed with the plan's retcode
    FAILED_AFTER = "failed_after"  # done, and still failed: a time-out inside the implementation
    ASYNC = "async"  # done; status async, no message id
    LOST = "lost"  # never pushed; only the history shows it


PUSH_FAULTS = frozenset(
    {Fault.DELAY, Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.TWICE, Fault.LOST}
)
CALL_FAULTS = frozenset(Fault) - {Fault.LOST}


class FaultSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault plan as it is written down; accounts by name, ``*`` for all others."""

    seed: int = 0
    delay_s: float = 1.0
    retcode: int = 1200  # of ``refused``: NapCat's 1200, go-cqhttp's 100, …
    wording: str = "发送失败，可能被风控"
    rates: dict[str, dict[Verb, dict[Fault, float]]] = {}
    script: dict[str, dict[Verb, tuple[Fault | None, ...]]] = {}


class FaultPlan:
    """Tells, call by call, what goes wrong. The same seed and calls give the same faults.

    Raises:
        OperatorMistake: a fault that cannot happen to its verb, or shares above one.
    """

    def __init__(self, settings: FaultSettings | None = None) -> None:
        self.change(settings or FaultSettings())

    def change(self, settings: FaultSettings) -> None:
        """Begin anew with another plan.

        Raises:
            OperatorMistake: as above; the plan stays as it was.
        """
        _check(settings)
        self.settings = settings
        self._dice: dict[tuple[str, Verb], random.Random] = {}
        self._script = {
            (name, verb): deque(faults)
            for name, verbs in settings.script.items()
            for verb, faults in verbs.items()
        }

    def draw(self, name: str, verb: Verb) -> Fault | None:
        """Say what happens to the next call; what the script says comes first."""
        scripted = self._script.get((name, verb))
        if scripted:
            return scripted.popleft()
        rates = self.settings.rates
        shares = rates.get(name, rates.get(EVERYONE, {})).get(verb, {})
        return _chosen(self._thrown(name, verb), shares) if shares else None

    def _thrown(self, name: str, verb: Verb) -> float:
        """Throw the dice of one account and verb: the others' calls change nothing for it."""
        dice = self._dice.get((name, verb))
        if dice is None:
            dice = random.Random(f"{self.settings.seed}:{name}:{verb}")
            self._dice[name, verb] = dice
        return dice.random()


def _chosen(thrown: float, shares: Mapping[Fault, float]) -> Fault | None:
    for fault, share in shares.items():
        thrown -= share
        if thrown < 0:
            return fault
    return None


def _check(settings: FaultSettings) -> None:
    for name, verbs in settings.rates.items():
        for verb, shares in verbs.items():
            _check_possible(verb, shares)
            if sum(shares.values()) > 1 or min(shares.values(), default=0) < 0:
                raise OperatorMistake(
                    f"the shares of {name}.{verb} must not be negative nor exceed 1 together"
                )
    for name, script in settings.script.items():
        for verb, faults in script.items():
            _check_possible(verb, (fault for fault in faults if fault is not None))
            if len(faults) > SCRIPT_MAX:
                raise OperatorMistake(f"the script of {name}.{verb} is longer than {SCRIPT_MAX}")


def _check_possible(verb: Verb, faults: Iterable[Fault]) -> None:
    possible = PUSH_FAULTS if verb is Verb.PUSH else CALL_FAULTS
    for fault in faults:
        if fault not in possible:
            raise OperatorMistake(
                f"{fault!s} cannot happen to {verb!s}; choose from {', '.join(sorted(possible))}"
            )
