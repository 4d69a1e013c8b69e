"""What goes wrong on purpose: by seeded chance, or exactly as a script says."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.probe.bots import Bot, BotClass

SCRIPT_MAX = 10_000  # scripted faults of one bot and verb
ANY_CLASS = "*"


class Verb(StrEnum):
    """What a fault can happen to: a push of the platform, or a call of the house."""

    PUSH = "push"
    SEND = "send"
    EDIT = "edit"
    RECALL = "recall"
    LOOK_UP = "look_up"
    TYPING = "typing"


class Fault(StrEnum):
    """One way to go wrong."""

    DELAY = "delay"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    HALF_RESPONSE = "half_response"
    TOO_MANY = "too_many"
    REFUSED = "refused"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    TWICE = "twice"


PUSH_FAULTS = frozenset({Fault.DELAY, Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.TWICE})
CALL_FAULTS = frozenset(Fault) - {Fault.TWICE}

Rates = Mapping[str, Mapping[Verb, Mapping[Fault, float]]]  # by bot class
Script = Mapping[str, Mapping[Verb, tuple[Fault | None, ...]]]  # by bot


class FaultSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault plan as it is written down."""

    seed: int = 0
    delay_s: float = 1.0
    retry_after_s: float = 1.0
    rates: dict[str, dict[Verb, dict[Fault, float]]] = {}
    script: dict[str, dict[Verb, tuple[Fault | None, ...]]] = {}


class FaultPlan:
    """Tells, call by call, what goes wrong. The same seed and calls give the same faults.

    Each bot and verb has dice of its own, so that the order in which calls of different bots
    arrive, which nobody controls, changes nothing.

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
        _check_rates(settings.rates)
        _check_script(settings.script)
        self._settings = settings
        self._dice: dict[tuple[str, Verb], random.Random] = {}
        self._script = {
            (bot, verb): deque(faults)
            for bot, verbs in settings.script.items()
            for verb, faults in verbs.items()
        }

    @property
    def delay_s(self) -> float:
        return self._settings.delay_s

    @property
    def retry_after_s(self) -> float:
        return self._settings.retry_after_s

    def draw(self, bot: Bot, verb: Verb) -> Fault | None:
        """Say what happens to the next call; what the script says comes first."""
        scripted = self._script.get((bot.bot, verb))
        if scripted:
            return scripted.popleft()
        return self._throw(bot, verb)

    def _throw(self, bot: Bot, verb: Verb) -> Fault | None:
        rates = self._settings.rates
        shares = rates.get(bot.bot_class, rates.get(ANY_CLASS, {})).get(verb)
        if not shares:
            return None
        place = (bot.bot, verb)
        if place not in self._dice:
            self._dice[place] = random.Random(f"{self._settings.seed}:{bot.bot}:{verb}")
        thrown = self._dice[place].random()
        for fault, share in shares.items():
            thrown -= share
            if thrown < 0:
                return fault
        return None


def _check_rates(rates: Rates) -> None:
    for bot_class, verbs in rates.items():
        if bot_class not in (*BotClass, ANY_CLASS):
            raise OperatorMistake(f"no class {bot_class!r}; choose from {', '.join(BotClass)}, *")
        for verb, shares in verbs.items():
            _check_possible(verb, shares)
            if sum(shares.values()) > 1 or any(share < 0 for share in shares.values()):
                raise OperatorMistake(
                    f"the shares of {bot_class}.{verb} must not be negative nor exceed 1 together"
                )


def _check_script(script: Script) -> None:
    for bot, verbs in script.items():
        for verb, faults in verbs.items():
            _check_possible(verb, {fault: 0.0 for fault in faults if fault is not None})
            if len(faults) > SCRIPT_MAX:
                raise OperatorMistake(f"the script of {bot}.{verb} is longer than {SCRIPT_MAX}")


def _check_possible(verb: Verb, faults: Mapping[Fault, float]) -> None:
    possible = PUSH_FAULTS if verb is Verb.PUSH else CALL_FAULTS
    for fault in faults:
        if fault not in possible:
            raise OperatorMistake(
                f"{fault!s} cannot happen to {verb!s}; choose from {', '.join(sorted(possible))}"
            )
