"""What goes wrong on purpose: by seeded chance, or exactly as a script says."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from posthouse.simulators.chance import Chance, check_script, check_shares

ANY_APP = "*"

T = TypeVar("T")


class Verb(StrEnum):
    """What a fault can happen to."""

    DISCOVERY = "discovery"
    HANDSHAKE = "handshake"
    PONG = "pong"
    PUSH = "push"
    TOKEN = "token"  # noqa: S105 - a verb
    SEND = "send"
    EDIT = "edit"
    RECALL = "recall"
    LOOK_UP = "look_up"
    CARD = "card"
    REACT = "react"
    FILE = "file"
    OTHER = "other"


class Fault(StrEnum):
    """One way to go wrong; docs/reference/feishu-simulator.md says what each does."""

    DELAY = "delay"
    SLOW = "slow"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    SILENT_BEFORE = "silent_before"
    SILENT_AFTER = "silent_after"
    HALF_RESPONSE = "half_response"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    TOO_MANY = "too_many"
    CHAT_RATE = "chat_rate"
    BAD_TOKEN = "bad_token"  # noqa: S105 - a fault
    REFUSED = "refused"

    LOST = "lost"
    TWICE = "twice"
    ACK_LOST = "ack_lost"

    BUSY = "busy"
    FORBIDDEN = "forbidden"
    AUTH_FAILED = "auth_failed"
    INTERNAL = "internal"
    NULL = "null"
    INVALID = "invalid"
    LIMIT = "limit"
    UNAVAILABLE = "unavailable"
    NO_CONFIG = "no_config"
    BARE = "bare"

    EMPTY = "empty"
    PARTIAL = "partial"


CALL_FAULTS = frozenset(
    {
        Fault.DELAY,
        Fault.SLOW,
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.SILENT_BEFORE,
        Fault.SILENT_AFTER,
        Fault.HALF_RESPONSE,
        Fault.ERROR_BEFORE,
        Fault.ERROR_AFTER,
        Fault.TOO_MANY,
        Fault.CHAT_RATE,
        Fault.BAD_TOKEN,
        Fault.REFUSED,
    }
)
DISCOVERY_CODES = {
    Fault.BUSY: (1, "system busy"),
    Fault.FORBIDDEN: (403, "forbidden"),
    Fault.AUTH_FAILED: (514, "auth failed"),
    Fault.INTERNAL: (1000040343, "internal error"),
    Fault.NULL: (1000040344, "app_id or app_secret is null"),
    Fault.INVALID: (1000040345, "app_id or app_secret is invalid"),
    Fault.LIMIT: (1000040350, "the number of connections exceeded the limit"),
}
_POSSIBLE = {
    Verb.DISCOVERY: CALL_FAULTS - {Fault.TOO_MANY, Fault.CHAT_RATE, Fault.BAD_TOKEN, Fault.REFUSED}
    | {*DISCOVERY_CODES, Fault.UNAVAILABLE, Fault.NO_CONFIG},
    Verb.HANDSHAKE: frozenset(
        {Fault.FORBIDDEN, Fault.AUTH_FAILED, Fault.LIMIT, Fault.BARE, Fault.RESET_BEFORE}
    ),
    Verb.PONG: frozenset({Fault.LOST, Fault.EMPTY, Fault.PARTIAL}),
    Verb.PUSH: frozenset(
        {
            Fault.DELAY,
            Fault.LOST,
            Fault.TWICE,
            Fault.ACK_LOST,
            Fault.RESET_BEFORE,
            Fault.RESET_AFTER,
        }
    ),
}


class FaultSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault plan as it is written down."""

    seed: int = 0
    delay_s: float = 1.0
    reset_s: int = 1  # what a 429 tells to wait
    code: int = 230027  # of ``refused``
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
        for name, verb, shares in _each(settings.rates):
            check_shares(name, verb, shares, possible(verb))
        for name, verb, faults in _each(settings.script):
            check_script(name, verb, faults, possible(verb))
        self.settings = settings
        self._chance = Chance(settings.seed, settings.script)

    def add(self, app: str, verb: Verb, faults: tuple[Fault | None, ...]) -> None:
        """Let the next calls of a verb go wrong, after those that already shall.

        Raises:
            OperatorMistake: a fault that cannot happen to the verb, or too many.
        """
        check_script(app, verb, faults, possible(verb))
        self._chance.add(app, verb, faults)

    def draw(self, app: str, verb: Verb) -> Fault | None:
        """Say what happens to the next call."""
        rates = self.settings.rates
        shares = rates.get(app, rates.get(ANY_APP, {})).get(verb, {})
        return self._chance.draw(app, verb, shares)


def possible(verb: Verb) -> frozenset[Fault]:
    """Return what can happen to a verb."""
    return _POSSIBLE.get(verb, CALL_FAULTS)


def _each(plan: dict[str, dict[Verb, T]]) -> Iterator[tuple[str, Verb, T]]:
    for name, verbs in plan.items():
        for verb, what in verbs.items():
            yield name, verb, what
