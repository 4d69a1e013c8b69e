"""The life of a delivery: one pure table from what happened to what is done next.

``advance`` is the only place that decides what a delivery becomes. Each ``Row`` of ``TABLE``
reads: in this state, when this happens and this condition holds, the delivery becomes that and
the deliverer takes this step. Rows are tried in order; the first that fits wins. The page and
the diagram under ``docs/explanation/delivery-life.md`` are drawn from the table.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from posthouse.model.action import Policy
from posthouse.model.capabilities import Capabilities, DraftKind
from posthouse.model.errors import PosthouseError

KEY_MARGIN_S = 30.0  # a repeat starts this long before the platform forgets the key
DOUBT_WAIT_S = 30.0  # how long a message may stay unclear before the policy decides
ATTEMPTS_MAX = 40  # with the back-off below: about three hours of trying
AGE_MAX_S = 24 * 3600.0
BACK_OFF_MAX_S = 300.0
DRAFT_CLOSED = "draft_closed"  # why final words could not become part of the growing message
RATE_LIMITED = "rate_limited"  # the platform asks to slow down; that is no failed attempt


class State(StrEnum):
    """Where a delivery is in its life."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"  # nobody can tell yet whether it arrived
    SENT = "sent"
    DOUBTFUL = "doubtful"  # nobody will ever be able to tell; never sent again by itself
    FAILED = "failed"
    DROPPED = "dropped"  # taken back before it was sent
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"
    KEPT = "kept"  # the platform refused to take it back


OPEN_STATES = frozenset({State.QUEUED, State.SENDING, State.UNKNOWN})


class Kind(StrEnum):
    """What a delivery does to the chat."""

    SEND = "send"  # a message of its own
    DRAFT = "draft"  # opens a growing message
    SETTLE = "settle"  # gives the growing message of ``target`` its final words
    REACT = "react"  # a reaction under somebody's message


class Delivery(Struct, frozen=True, kw_only=True):
    """One platform message on its way out, and its outcome."""

    id: int
    bot: str
    chat: int
    origin: str  # what caused it: "turn:7", "push:…", "notice:…"; unique with ordinal and part
    ordinal: int
    part: int
    kind: Kind = Kind.SEND
    state: State = State.QUEUED
    policy: Policy = Policy.AT_LEAST_ONCE
    key: str = ""  # 128 random bits; what the platform de-duplicates by
    body: bytes = b""  # encoded once; a repeat sends the same bytes
    target: int | None = None  # the draft that this settles
    attempts: int = 0  # how often we began to send
    queued_at: float = 0.0
    first_sent_at: float | None = None  # when bytes first may have left
    unclear_since_at: float | None = None
    unclear_calls: int = 0  # calls of which nobody could tell whether they arrived
    is_repeated: bool = False  # the one repeat that the policy allows is spent
    may_be_duplicate: bool = False  # shown to people as 可能重复
    withdraw_wanted: bool = False
    platform_ids: tuple[str, ...] = ()
    reason: str = ""


class Sent(Struct, frozen=True):
    """The platform has it; ``ids`` are its names for it (empty where it gives none)."""

    ids: tuple[str, ...] = ()


class NotSent(Struct, frozen=True):
    """The platform certainly does not have it."""

    reason: str
    retry_after_s: float | None = None
    is_final: bool = False

    @property
    def is_limit(self) -> bool:
        """Whether the platform only asks to slow down: a wait, not a failure."""
        return self.reason == RATE_LIMITED and not self.is_final


class Unknown(Struct, frozen=True):
    """The bytes may have arrived: a time-out after writing, a reset, a 5xx, our own crash."""

    reason: str


Outcome = Sent | NotSent | Unknown


class Taken(Struct, frozen=True):
    """The deliverer has taken the row from its lane and asks what to do."""


class WithdrawWanted(Struct, frozen=True):
    """Somebody wants it taken back."""


class RetryWanted(Struct, frozen=True):
    """An operator wants it sent after all."""


Happening = Sent | NotSent | Unknown | Taken | WithdrawWanted | RetryWanted


class Step(StrEnum):
    """What the deliverer does next."""

    WRITE = "write"  # make the state durable, then send the bytes
    LOOK_UP = "look up"  # search the chat for it
    WITHDRAW = "withdraw"  # put the withdrawal into the amend lane
    WAIT = "wait"  # the lane keeps it until ``Next.at``
    GO_ON = "go on"  # the lane is free for the next one
    NOTHING = "nothing"


class Next(Struct, frozen=True):
    """A step, and for ``WAIT`` the time at which the row may be taken again."""

    step: Step
    at: float = 0.0


class Resolution(StrEnum):
    """How doubt about a delivery can be ended on its platform."""

    SAME_KEY = "same key"
    LOOK_UP = "look up"
    OVERWRITE = "overwrite"
    REPEAT = "repeat"
    GIVE_UP = "give up"


class IllegalStep(PosthouseError):
    """A delivery was asked for a step its state does not know: a defect, please report it."""


class Situation(Struct, frozen=True):
    """Everything a row's condition may look at."""

    delivery: Delivery
    happening: Happening
    capabilities: Capabilities
    now: float


def resolution(delivery: Delivery, capabilities: Capabilities, now: float) -> Resolution:
    """Say how doubt about this delivery can be ended now."""
    first_sent_at = delivery.first_sent_at if delivery.first_sent_at is not None else now
    key_is_good_s = capabilities.resend_key_window_s - KEY_MARGIN_S
    if abs(now - first_sent_at) < key_is_good_s:  # a clock set far back proves nothing
        return Resolution.SAME_KEY
    if _shows_once(delivery, capabilities):
        return Resolution.OVERWRITE
    unclear_since_at = delivery.unclear_since_at if delivery.unclear_since_at is not None else now
    if now < max(unclear_since_at, first_sent_at + key_is_good_s) + DOUBT_WAIT_S:
        if capabilities.can_look_up:
            return Resolution.LOOK_UP
        if capabilities.can_overwrite:
            return Resolution.OVERWRITE
    may_repeat = delivery.policy is Policy.AT_LEAST_ONCE and not delivery.withdraw_wanted
    return Resolution.REPEAT if may_repeat and not delivery.is_repeated else Resolution.GIVE_UP


def _shows_once(delivery: Delivery, capabilities: Capabilities) -> bool:
    """Say whether doing it again changes nothing: same words, same message; same reaction."""
    if delivery.kind is Kind.SETTLE:
        return delivery.target is not None and capabilities.draft is DraftKind.MESSAGE
    return delivery.kind is Kind.REACT


def back_off_s(attempts: int) -> float:
    """Return the pause after ``attempts`` failures: 1, 2, 4 … at most five minutes."""
    return float(min(BACK_OFF_MAX_S, 2 ** min(max(attempts, 1) - 1, 16)))


# --- conditions ---------------------------------------------------------------------------


class When(Struct, frozen=True):
    """A condition, with the words that the page shows for it."""

    words: str
    holds: Callable[[Situation], bool]


def _is_given_up(s: Situation) -> bool:
    """Never before the first attempt: a house that was off or held for days still sends."""
    is_old = s.now >= s.delivery.queued_at + AGE_MAX_S
    return s.delivery.attempts >= ATTEMPTS_MAX or (is_old and s.delivery.attempts > 0)


def _resolves_by(wanted: Resolution) -> When:
    return When(
        f"doubt ends by: {wanted}",
        lambda s: resolution(s.delivery, s.capabilities, s.now) is wanted,
    )


def _is_final(s: Situation) -> bool:
    return isinstance(s.happening, NotSent) and s.happening.is_final


def _is_limit(s: Situation) -> bool:
    return isinstance(s.happening, NotSent) and s.happening.is_limit


def _is_earlier_unclear(s: Situation) -> bool:
    return s.delivery.unclear_since_at is not None


def _ids(s: Situation) -> tuple[str, ...]:
    """Return the newest names that the platform has given it."""
    return (s.happening.ids if isinstance(s.happening, Sent) else ()) or s.delivery.platform_ids


def _is_draft_closed(s: Situation) -> bool:
    is_closed = isinstance(s.happening, NotSent) and s.happening.reason == DRAFT_CLOSED
    return is_closed and s.delivery.kind is Kind.SETTLE and not s.delivery.withdraw_wanted


ALWAYS = When("", lambda _: True)
IS_DRAFT_CLOSED = When("the growing message it should settle is closed", _is_draft_closed)
IS_WITHDRAW_WANTED = When("a withdrawal is wanted", lambda s: s.delivery.withdraw_wanted)
IS_FINAL = When("the platform's no is final", _is_final)
IS_LIMIT = When("the platform asks to slow down", _is_limit)
IS_EARLIER_UNCLEAR = When("an earlier call is unclear", _is_earlier_unclear)
IS_FINAL_AND_EARLIER_UNCLEAR = When(
    "the platform's no is final, an earlier call is unclear",
    lambda s: _is_final(s) and _is_earlier_unclear(s),
)
IS_GIVEN_UP = When(f"tried {ATTEMPTS_MAX} times or for a day", _is_given_up)
IS_WITHDRAW_WANTED_IN_VAIN = When(
    "a withdrawal is wanted, the platform cannot recall",
    lambda s: s.delivery.withdraw_wanted and not s.capabilities.can_recall,
)
IS_WITHDRAW_WANTED_WITHOUT_ID = When(
    "a withdrawal is wanted, the platform gave no id for it",
    lambda s: s.delivery.withdraw_wanted and not _ids(s),
)
CANNOT_RECALL = When("the platform cannot recall", lambda s: not s.capabilities.can_recall)
HAS_NO_ID = When("the platform gave no id for it", lambda s: not s.delivery.platform_ids)
IS_PAST_RECALL = When(
    "the recall window is over",
    lambda s: s.now > (s.delivery.first_sent_at or s.now) + s.capabilities.recall_window_s,
)


# --- what a row does ----------------------------------------------------------------------

Effect = Callable[[Situation], tuple[Delivery, float]]  # the new delivery, and the wait in seconds


def _same(s: Situation) -> tuple[Delivery, float]:
    return s.delivery, 0.0


def _begin(s: Situation) -> tuple[Delivery, float]:
    delivery = s.delivery
    first_sent_at = delivery.first_sent_at if delivery.first_sent_at is not None else s.now
    return replace(delivery, attempts=delivery.attempts + 1, first_sent_at=first_sent_at), 0.0


def _repeat(s: Situation) -> tuple[Delivery, float]:
    delivery, wait_s = _begin(s)
    return replace(delivery, is_repeated=True, may_be_duplicate=True), wait_s


def _arrived(s: Situation) -> tuple[Delivery, float]:
    return replace(s.delivery, platform_ids=_ids(s), unclear_since_at=None, reason=""), 0.0


def _arrived_to_stay(reason: str) -> Effect:
    return lambda s: (replace(_arrived(s)[0], reason=reason), 0.0)


def _refused(s: Situation) -> tuple[Delivery, float]:
    assert isinstance(s.happening, NotSent)
    wait_s = max(back_off_s(s.delivery.attempts), s.happening.retry_after_s or 0.0)
    # Known not to have arrived: an earlier doubt is settled, the next send is the first again.
    cleared = replace(
        s.delivery, reason=s.happening.reason, first_sent_at=None, unclear_since_at=None
    )
    return cleared, wait_s


def _slowed(s: Situation) -> tuple[Delivery, float]:
    """Wait as asked; what was never tried cannot be tried too often."""
    waiting, wait_s = _refused(s)
    return _uncounted(waiting), wait_s


def _uncounted(delivery: Delivery) -> Delivery:
    return replace(delivery, attempts=max(0, delivery.attempts - 1))


def _follow_as_message(s: Situation) -> tuple[Delivery, float]:
    """Say the final words as a message of its own; an unclear try may have been seen already."""
    message = replace(
        s.delivery,
        kind=Kind.SEND,
        target=None,
        may_be_duplicate=s.delivery.unclear_calls > 0,
        first_sent_at=None,
        unclear_since_at=None,
        reason=DRAFT_CLOSED,
    )
    return message, 0.0


def _still_doubted(s: Situation) -> tuple[Delivery, float]:
    """Count a refused repeat as never made: it says nothing about the earlier, unclear calls."""
    assert isinstance(s.happening, NotSent)
    wait_s = max(back_off_s(s.delivery.attempts), s.happening.retry_after_s or 0.0)
    doubted = replace(
        s.delivery,
        reason=s.happening.reason,
        is_repeated=False,
        may_be_duplicate=s.delivery.may_be_duplicate and s.delivery.unclear_calls > 1,
    )
    return _uncounted(doubted) if _is_limit(s) else doubted, wait_s


def _doubt(s: Situation) -> tuple[Delivery, float]:
    assert isinstance(s.happening, Unknown)
    since_at = s.delivery.unclear_since_at
    doubted = replace(
        s.delivery,
        reason=s.happening.reason,
        unclear_since_at=s.now if since_at is None else since_at,
        unclear_calls=s.delivery.unclear_calls + (s.delivery.state is State.SENDING),
    )
    return doubted, min(back_off_s(doubted.attempts), DOUBT_WAIT_S / 6)


def _because(reason: str) -> Effect:
    return lambda s: (replace(s.delivery, reason=reason), 0.0)


def _platform_says(s: Situation) -> tuple[Delivery, float]:
    assert isinstance(s.happening, NotSent)
    return replace(s.delivery, reason=s.happening.reason), 0.0


def _want_withdrawal(s: Situation) -> tuple[Delivery, float]:
    return replace(s.delivery, withdraw_wanted=True), 0.0


def _withdraw_again(s: Situation) -> tuple[Delivery, float]:
    retry_after_s = s.happening.retry_after_s if isinstance(s.happening, NotSent) else None
    tried = replace(s.delivery, attempts=s.delivery.attempts + 1)
    return tried, max(back_off_s(tried.attempts), retry_after_s or 0.0)


def _withdraw_slower(s: Situation) -> tuple[Delivery, float]:
    _, wait_s = _withdraw_again(s)
    return s.delivery, wait_s


def _start_withdrawal(s: Situation) -> tuple[Delivery, float]:
    delivery, _ = _arrived(s) if isinstance(s.happening, Sent) else _same(s)
    return replace(delivery, withdraw_wanted=True, attempts=0, queued_at=s.now), 0.0


def _start_over(s: Situation) -> tuple[Delivery, float]:
    fresh = replace(
        s.delivery,
        attempts=0,
        queued_at=s.now,
        is_repeated=False,
        first_sent_at=None,
        unclear_since_at=None,
        withdraw_wanted=False,
        reason="",
    )
    return fresh, 0.0


def _start_over_flagged(s: Situation) -> tuple[Delivery, float]:
    delivery, wait_s = _start_over(s)
    return replace(delivery, may_be_duplicate=True), wait_s


# --- the table ----------------------------------------------------------------------------


class Row(Struct, frozen=True):
    """In ``state``, on ``happening``, if ``when`` holds: become ``becomes``, take ``step``."""

    state: State
    happening: type[Happening]
    when: When
    becomes: State
    step: Step
    effect: Effect


Q, S, U, OK = State.QUEUED, State.SENDING, State.UNKNOWN, State.SENT
_kept_unrecallable = _arrived_to_stay("cannot_recall")
_kept_nameless = _arrived_to_stay("no_platform_id")
_SAME_KEY, _LOOK_UP, _OVERWRITE, _REPEAT, _GIVE_UP = map(_resolves_by, Resolution)

TABLE: tuple[Row, ...] = (
    Row(Q, Taken, IS_GIVEN_UP, State.FAILED, Step.GO_ON, _because("gave_up")),
    Row(Q, Taken, ALWAYS, S, Step.WRITE, _begin),
    Row(Q, WithdrawWanted, ALWAYS, State.DROPPED, Step.GO_ON, _because("recalled")),
    # While it is on its way.
    Row(S, Sent, IS_WITHDRAW_WANTED_IN_VAIN, State.KEPT, Step.GO_ON, _kept_unrecallable),
    Row(S, Sent, IS_WITHDRAW_WANTED_WITHOUT_ID, State.KEPT, Step.GO_ON, _kept_nameless),
    Row(S, Sent, IS_WITHDRAW_WANTED, State.WITHDRAWING, Step.WITHDRAW, _start_withdrawal),
    Row(S, Sent, ALWAYS, OK, Step.GO_ON, _arrived),
    Row(S, NotSent, IS_DRAFT_CLOSED, Q, Step.WAIT, _follow_as_message),
    Row(S, NotSent, IS_FINAL_AND_EARLIER_UNCLEAR, State.DOUBTFUL, Step.GO_ON, _platform_says),
    Row(S, NotSent, IS_EARLIER_UNCLEAR, U, Step.WAIT, _still_doubted),
    Row(S, NotSent, IS_WITHDRAW_WANTED, State.DROPPED, Step.GO_ON, _because("recalled")),
    Row(S, NotSent, IS_FINAL, State.FAILED, Step.GO_ON, _platform_says),
    Row(S, NotSent, IS_LIMIT, Q, Step.WAIT, _slowed),
    Row(S, NotSent, IS_GIVEN_UP, State.FAILED, Step.GO_ON, _platform_says),
    Row(S, NotSent, ALWAYS, Q, Step.WAIT, _refused),
    Row(S, Unknown, _GIVE_UP, State.DOUBTFUL, Step.GO_ON, _doubt),
    Row(S, Unknown, ALWAYS, U, Step.WAIT, _doubt),
    Row(S, WithdrawWanted, ALWAYS, S, Step.NOTHING, _want_withdrawal),
    # While nobody can tell.
    Row(U, Taken, IS_GIVEN_UP, State.DOUBTFUL, Step.GO_ON, _same),
    Row(U, Taken, _SAME_KEY, S, Step.WRITE, _begin),
    Row(U, Taken, _LOOK_UP, U, Step.LOOK_UP, _same),
    Row(U, Taken, _OVERWRITE, S, Step.WRITE, _begin),
    Row(U, Taken, _REPEAT, S, Step.WRITE, _repeat),
    Row(U, Taken, _GIVE_UP, State.DOUBTFUL, Step.GO_ON, _same),
    Row(U, Sent, IS_WITHDRAW_WANTED_IN_VAIN, State.KEPT, Step.GO_ON, _kept_unrecallable),
    Row(U, Sent, IS_WITHDRAW_WANTED_WITHOUT_ID, State.KEPT, Step.GO_ON, _kept_nameless),
    Row(U, Sent, IS_WITHDRAW_WANTED, State.WITHDRAWING, Step.WITHDRAW, _start_withdrawal),
    Row(U, Sent, ALWAYS, OK, Step.GO_ON, _arrived),
    Row(U, NotSent, IS_WITHDRAW_WANTED, State.DROPPED, Step.GO_ON, _because("recalled")),
    Row(U, NotSent, ALWAYS, Q, Step.WAIT, _refused),
    Row(U, Unknown, ALWAYS, U, Step.WAIT, _doubt),
    Row(U, WithdrawWanted, ALWAYS, U, Step.NOTHING, _want_withdrawal),
    # Taking it back.
    Row(OK, WithdrawWanted, CANNOT_RECALL, State.KEPT, Step.NOTHING, _because("cannot_recall")),
    Row(OK, WithdrawWanted, HAS_NO_ID, State.KEPT, Step.NOTHING, _because("no_platform_id")),
    Row(OK, WithdrawWanted, IS_PAST_RECALL, State.KEPT, Step.NOTHING, _because("recall_too_late")),
    Row(OK, WithdrawWanted, ALWAYS, State.WITHDRAWING, Step.WITHDRAW, _start_withdrawal),
    Row(State.WITHDRAWING, Sent, ALWAYS, State.WITHDRAWN, Step.GO_ON, _same),
    Row(State.WITHDRAWING, NotSent, IS_FINAL, State.KEPT, Step.GO_ON, _platform_says),
    Row(State.WITHDRAWING, NotSent, IS_LIMIT, State.WITHDRAWING, Step.WAIT, _withdraw_slower),
    Row(State.WITHDRAWING, NotSent, IS_GIVEN_UP, State.KEPT, Step.GO_ON, _platform_says),
    Row(State.WITHDRAWING, NotSent, ALWAYS, State.WITHDRAWING, Step.WAIT, _withdraw_again),
    Row(State.WITHDRAWING, Unknown, IS_GIVEN_UP, State.KEPT, Step.GO_ON, _because("gave_up")),
    Row(State.WITHDRAWING, Unknown, ALWAYS, State.WITHDRAWING, Step.WAIT, _withdraw_again),
    *(
        Row(state, WithdrawWanted, ALWAYS, state, Step.NOTHING, _same)
        for state in (
            State.WITHDRAWING,
            State.DOUBTFUL,
            State.FAILED,
            State.DROPPED,
            State.WITHDRAWN,
            State.KEPT,
        )
    ),
    # An operator decides.
    Row(State.FAILED, RetryWanted, ALWAYS, Q, Step.WAIT, _start_over),
    Row(State.DOUBTFUL, RetryWanted, ALWAYS, Q, Step.WAIT, _start_over_flagged),
)


def _index() -> dict[tuple[State, type], tuple[Row, ...]]:
    rows: dict[tuple[State, type], tuple[Row, ...]] = {}
    for row in TABLE:
        place = (row.state, row.happening)
        rows[place] = (*rows.get(place, ()), row)
    return rows


_ROWS = _index()


def advance(
    delivery: Delivery, happening: Happening, capabilities: Capabilities, now: float
) -> tuple[Delivery, Next]:
    """Say what a delivery becomes and what is done next.

    Raises:
        IllegalStep: the state does not know this happening.
    """
    situation = Situation(delivery, happening, capabilities, now)
    for row in _ROWS.get((delivery.state, type(happening)), ()):
        if row.when.holds(situation):
            changed, wait_s = row.effect(situation)
            return replace(changed, state=row.becomes), Next(row.step, now + wait_s)
    raise IllegalStep(f"{delivery.state} does not know {type(happening).__name__}")
