"""What goes wrong on purpose: by seeded chance, or exactly as a script says."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.chance import Chance, check_script, check_shares
from posthouse.simulators.probe.bots import Bot, BotClass

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


class FaultSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault plan as it is written down."""

    seed: int = 0
    delay_s: float = 1.0
    retry_after_s: float = 1.0
    rates: dict[str, dict[Verb, dict[Fault, float]]] = {}
    script: dict[str, dict[Verb, tuple[Fault | None, ...]]] = {}


class FaultPlan:
    """Tells, call by call, what goes wrong.

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
        self._settings = settings
        self._chance = Chance(settings.seed, settings.script)

    @property
    def delay_s(self) -> float:
        return self._settings.delay_s

    @property
    def retry_after_s(self) -> float:
        return self._settings.retry_after_s

    def draw(self, bot: Bot, verb: Verb) -> Fault | None:
        """Say what happens to the next call."""
        rates = self._settings.rates
        shares = rates.get(bot.bot_class, rates.get(ANY_CLASS, {})).get(verb, {})
        return self._chance.draw(bot.bot, verb, shares)


def _check(settings: FaultSettings) -> None:
    for bot_class, verbs in settings.rates.items():
        if bot_class not in (*BotClass, ANY_CLASS):
            raise OperatorMistake(f"no class {bot_class!r}; choose from {', '.join(BotClass)}, *")
        for verb, shares in verbs.items():
            check_shares(bot_class, verb, shares, _possible(verb))
    for bot, script in settings.script.items():
        for verb, faults in script.items():
            check_script(bot, verb, faults, _possible(verb))


def _possible(verb: Verb) -> frozenset[Fault]:
    return PUSH_FAULTS if verb is Verb.PUSH else CALL_FAULTS
