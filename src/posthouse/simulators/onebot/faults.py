"""What goes wrong on purpose: by seeded chance, or exactly as a script says."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from posthouse.simulators.chance import Chance, check_script, check_shares

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
        self.settings = settings
        self._chance = Chance(settings.seed, settings.script)

    def draw(self, name: str, verb: Verb) -> Fault | None:
        """Say what happens to the next action or push of an account."""
        rates = self.settings.rates
        return self._chance.draw(name, verb, rates.get(name, rates.get(EVERYONE, {})).get(verb, {}))


def _check(settings: FaultSettings) -> None:
    for name, verbs in settings.rates.items():
        for verb, shares in verbs.items():
            check_shares(name, verb, shares, _possible(verb))
    for name, script in settings.script.items():
        for verb, faults in script.items():
            check_script(name, verb, faults, _possible(verb))


def _possible(verb: Verb) -> frozenset[Fault]:
    return PUSH_FAULTS if verb is Verb.PUSH else CALL_FAULTS
