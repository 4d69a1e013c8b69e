"""Whatever the wire does, the life of a delivery keeps the promise.

A pretend platform holds the truth that the house cannot see: which calls arrived, and how many
copies people look at. Hypothesis chooses the platform's class, the outcomes, the pauses, and when
somebody wants the message back or an operator has it sent again.
"""

from enum import StrEnum
from typing import NamedTuple

from hypothesis import assume, example, given, note, settings
from hypothesis import strategies as st

from posthouse.model.action import Policy
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import (
    ATTEMPTS_MAX,
    OPEN_STATES,
    Delivery,
    Happening,
    NotSent,
    RetryWanted,
    Sent,
    State,
    Step,
    Taken,
    Unknown,
    WithdrawWanted,
    advance,
)

CLASSES = {
    "keyed": Capabilities(resend_key_window_s=3600.0, can_recall=True),
    "keyed and searched": Capabilities(
        resend_key_window_s=300.0, can_look_up=True, can_recall=True
    ),
    "searched": Capabilities(can_look_up=True, can_recall=True),
    "overwritten": Capabilities(can_overwrite=True, can_recall=True, recall_window_s=60.0),
    "none": Capabilities(can_recall=True),
    "none, no recall": Capabilities(),
}
BEGAN_AT = 1_000_000.0


class Wire(StrEnum):
    """How one call ends."""

    SENT = "sent"
    REFUSED = "refused"
    LIMITED = "asked to wait"
    REFUSED_FOR_GOOD = "refused for good"
    CUT_BEFORE = "cut, it had not arrived"
    CUT_AFTER = "cut, it had arrived"


HEARD: dict[Wire, Happening] = {
    Wire.SENT: Sent(("p1",)),
    Wire.REFUSED: NotSent("cannot_reach"),
    Wire.LIMITED: NotSent("rate_limited"),
    Wire.REFUSED_FOR_GOOD: NotSent("refused_by_platform", is_final=True),
    Wire.CUT_BEFORE: Unknown("cut"),
    Wire.CUT_AFTER: Unknown("cut"),
}


class Person(StrEnum):
    """Somebody does something while the call is on its way, or before it."""

    NOBODY = "nobody"
    TAKES_BACK_BEFORE = "takes it back before the call"
    TAKES_BACK_DURING = "takes it back during the call"
    OPERATOR_RETRIES = "has it sent again, if it failed"


class Moment(NamedTuple):
    """One round of the deliverer: a pause, perhaps a person, a call and how it ends."""

    pause_s: float
    wire: Wire
    person: Person = Person.NOBODY


class Platform:
    """What really happened: copies are what people would see."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.can = capabilities
        self.copies = 0
        self.key_good_until = 0.0

    def receive(self, now: float) -> None:
        if self.copies and (self.can.can_overwrite or now < self.key_good_until):
            return
        self.copies += 1
        self.key_good_until = now + self.can.resend_key_window_s

    def call(self, wire: Wire, now: float) -> Happening:
        if wire in {Wire.SENT, Wire.CUT_AFTER}:
            self.receive(now)
        return HEARD[wire]

    def search(self, wire: Wire) -> Happening:
        if wire in {Wire.CUT_BEFORE, Wire.CUT_AFTER}:
            return Unknown("timed_out")
        return Sent(("p1",)) if self.copies else NotSent("not_found_on_platform")


class Life:
    """One delivery, driven as the deliverer drives it, with the promise checked at each step."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.can = CLASSES[name]
        self.platform = Platform(self.can)
        self.delivery = Delivery(
            id=1,
            bot="b",
            chat=1,
            origin="turn:1",
            ordinal=0,
            part=0,
            policy=policy,
            queued_at=BEGAN_AT,
        )
        self.now = self.ready_at = BEGAN_AT
        self.unclear_calls = 0
        self.retries = 0
        self.is_wanted_back = False

    def live(self, moment: Moment) -> None:
        self.now = max(self.now, self.ready_at) + moment.pause_s
        if moment.person is Person.TAKES_BACK_BEFORE:
            self.take_back()
        if moment.person is Person.OPERATOR_RETRIES:
            self.retry()
        if self.delivery.state in {State.QUEUED, State.UNKNOWN}:
            self.perform(self.happen(Taken()), moment)
        elif self.delivery.state is State.WITHDRAWING:
            self.happen(HEARD[moment.wire])

    def perform(self, step: Step, moment: Moment) -> None:
        if step not in {Step.WRITE, Step.LOOK_UP}:
            return
        is_write = step is Step.WRITE
        is_marked = self.delivery.may_be_duplicate and not self.retries
        assert not (is_write and is_marked and self.is_wanted_back), "repeated what is wanted back"
        assert (self.delivery.state is State.SENDING) == is_write, "durable before it leaves"
        outcome = (
            self.platform.call(moment.wire, self.now)
            if is_write
            else self.platform.search(moment.wire)
        )
        self.unclear_calls += is_write and isinstance(outcome, Unknown)
        if moment.person is Person.TAKES_BACK_DURING:
            self.take_back()
        self.happen(outcome)

    def happen(self, happening: Happening) -> Step:
        before = self.delivery.state
        self.delivery, step = advance(self.delivery, happening, self.can, self.now)
        note(f"{before} + {happening} = {self.delivery.state}, {step.step}: {self.delivery}")
        if step.step is Step.WAIT:
            assert step.at > self.now or isinstance(happening, RetryWanted), "a busy loop"
            self.ready_at = step.at
        self.check()
        return step.step

    def take_back(self) -> None:
        self.is_wanted_back |= self.delivery.state in OPEN_STATES | {State.SENT}
        self.happen(WithdrawWanted())

    def retry(self) -> None:
        if self.delivery.state not in {State.FAILED, State.DOUBTFUL}:
            return
        self.retries += 1
        self.is_wanted_back = False
        self.ready_at = self.now
        self.happen(RetryWanted())

    # --- the promise ---------------------------------------------------------------------

    def check(self) -> None:
        self.check_copies()
        self.check_ends()
        self.check_wishes()
        assert self.delivery.attempts <= ATTEMPTS_MAX

    def check_copies(self) -> None:
        copies, delivery = self.platform.copies, self.delivery
        assert copies <= 1 or delivery.may_be_duplicate, "an unmarked duplicate"
        assert copies <= 1 + self.unclear_calls, "a repeat that no unclear call explains"
        assert copies <= 2 + 2 * self.retries, "a second repeat of its own accord"
        if self.retries:
            return
        assert copies <= 1 or delivery.policy is Policy.AT_LEAST_ONCE
        if self.now - BEGAN_AT < self.can.resend_key_window_s - 60.0:
            assert copies <= 1, "said twice where the platform could tell"
            assert not delivery.may_be_duplicate, "marked although the platform could tell"

    def check_ends(self) -> None:
        """Only what is unclear may hide a copy; every other end is certain."""
        state = self.delivery.state
        assert state is not State.SENT or self.platform.copies, "sent, but nobody has it"
        if state in {State.FAILED, State.DROPPED, State.QUEUED} and not self.retries:
            assert not self.platform.copies, "called off or failed, but somebody has it"

    def check_wishes(self) -> None:
        if self.is_wanted_back and self.delivery.state in OPEN_STATES:
            assert self.delivery.withdraw_wanted, "a wish to take it back was forgotten"
        if self.is_wanted_back:
            assert self.delivery.state is not State.SENT, "it was wanted back and stands"


pauses_s = st.sampled_from((0.0, 0.0, 0.0, 5.0, 31.0, 299.0, 3550.0, 3600.0))
people = st.sampled_from((*[Person.NOBODY] * 5, *Person))
moments = st.lists(st.builds(Moment, pauses_s, st.sampled_from(Wire), people), max_size=14)

CUT = Moment(0.0, Wire.CUT_AFTER)
NO = Moment(0.0, Wire.REFUSED)


@settings(max_examples=1500, deadline=None)
@given(name=st.sampled_from(sorted(CLASSES)), policy=st.sampled_from(Policy), road=moments)
# A refused repeat must not take away the mark that an operator's retry had set.
@example(
    "keyed",
    Policy.AT_MOST_ONCE,
    [
        CUT,
        Moment(3600.0, Wire.CUT_AFTER),
        Moment(0.0, Wire.CUT_AFTER, Person.OPERATOR_RETRIES),
        NO,
    ],
)
# A repeat is spent even when the first call's doubt ended long ago.
@example("none", Policy.AT_LEAST_ONCE, [CUT, CUT, CUT, CUT])
# Wanted back between an unclear call and its repeat: no repeat.
@example(
    "none",
    Policy.AT_LEAST_ONCE,
    [
        Moment(0.0, Wire.CUT_AFTER, Person.TAKES_BACK_DURING),
        CUT,
        CUT,
    ],
)
@example("none", Policy.AT_LEAST_ONCE, [NO] * 50)
@example("keyed", Policy.AT_LEAST_ONCE, [CUT] * 50)
def test_the_promise_is_kept(name: str, policy: Policy, road: list[Moment]) -> None:
    life = Life(name, policy)
    for moment in road:
        life.live(moment)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(CLASSES)),
    policy=st.sampled_from(Policy),
    wires=st.lists(st.sampled_from(Wire), min_size=1, max_size=3),
)
def test_every_delivery_comes_to_an_end(name: str, policy: Policy, wires: list[Wire]) -> None:
    """Unless the platform only ever asks to wait: a limit lengthens the wait and never drops."""
    assume(set(wires) != {Wire.LIMITED})
    life = Life(name, policy)
    for attempt in range(6 * ATTEMPTS_MAX):  # limits and searches are no attempts
        life.live(Moment(0.0, wires[attempt % len(wires)]))
    assert life.delivery.state not in OPEN_STATES
