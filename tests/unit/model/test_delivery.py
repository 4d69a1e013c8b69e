"""The life of a delivery, said a second time by hand and compared with the table.

Every case names what the delivery is, what happens, and all that must be different afterwards.
The last tests prove that no row of the table can be changed, removed or added unseen.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from msgspec.structs import asdict, replace

from posthouse.model.action import Policy
from posthouse.model.capabilities import Capabilities, DraftKind
from posthouse.model.delivery import (
    ALWAYS,
    OPEN_STATES,
    TABLE,
    Delivery,
    Happening,
    IllegalStep,
    Kind,
    NotSent,
    Resolution,
    RetryWanted,
    Row,
    Sent,
    Situation,
    State,
    Step,
    Taken,
    Unknown,
    When,
    WithdrawWanted,
    advance,
    back_off_s,
    resolution,
)

NOW = 1_000_000.0
DAY_S = 24 * 3600.0

NONE = Capabilities()
KEYED = Capabilities(resend_key_window_s=3600.0)
LOOK_UP = Capabilities(can_look_up=True)
OVERWRITE = Capabilities(can_overwrite=True)
RECALLS = Capabilities(can_recall=True, recall_window_s=120.0)
GROWING = Capabilities(draft=DraftKind.MESSAGE)

Q, S, U, OK = State.QUEUED, State.SENDING, State.UNKNOWN, State.SENT
AT_MOST_ONCE = Policy.AT_MOST_ONCE

CUT = {"attempts": 1, "first_sent_at": NOW - 5, "unclear_since_at": NOW - 4, "unclear_calls": 1}
WANTED = {"withdraw_wanted": True}
FINAL_WORDS = {"kind": Kind.SETTLE, "target": 3}
NAMED = {"platform_ids": ("p1",), "first_sent_at": NOW - 60}


class Case(NamedTuple):
    """From ``state`` with ``fields``, on ``happening``: ``becomes``, ``step``, ``changes``."""

    name: str
    state: State
    fields: dict[str, Any]
    happening: Happening
    becomes: State
    step: Step
    changes: Mapping[str, Any] = MappingProxyType({})
    wait_s: float = 0.0
    can: Capabilities = NONE

    @property
    def delivery(self) -> Delivery:
        basis = Delivery(
            id=7, bot="b", chat=1, origin="turn:1", ordinal=0, part=0, queued_at=NOW - 10
        )
        return replace(basis, state=self.state, **self.fields)


CASES = (
    # While it waits.
    Case("the first attempt", Q, {}, Taken(), S, Step.WRITE,
         {"attempts": 1, "first_sent_at": NOW}),
    Case("another attempt after a clear no", Q, {"attempts": 3}, Taken(), S, Step.WRITE,
         {"attempts": 4, "first_sent_at": NOW}),
    Case("the last attempt", Q, {"attempts": 39}, Taken(), S, Step.WRITE,
         {"attempts": 40, "first_sent_at": NOW}),
    Case("enough attempts", Q, {"attempts": 40}, Taken(), State.FAILED, Step.GO_ON,
         {"reason": "gave_up"}),
    Case("a day of attempts", Q, {"attempts": 1, "queued_at": NOW - DAY_S}, Taken(),
         State.FAILED, Step.GO_ON, {"reason": "gave_up"}),
    Case("a little less than a day", Q, {"attempts": 1, "queued_at": NOW - DAY_S + 1}, Taken(),
         S, Step.WRITE, {"attempts": 2, "first_sent_at": NOW}),
    Case("a house that was off for days still sends", Q, {"queued_at": NOW - 3 * DAY_S}, Taken(),
         S, Step.WRITE, {"attempts": 1, "first_sent_at": NOW}),
    Case("dropped while it waits", Q, {}, WithdrawWanted(), State.DROPPED, Step.GO_ON,
         {"reason": "recalled"}),
    # While it is on its way.
    Case("arrived", S, {"reason": "rate_limited"}, Sent(("p1", "p2")), OK, Step.GO_ON,
         {"platform_ids": ("p1", "p2"), "reason": ""}),
    Case("arrived after all", S, CUT, Sent(("p1",)), OK, Step.GO_ON,
         {"platform_ids": ("p1",), "unclear_since_at": None}),
    Case("arrived without a name", S, {"platform_ids": ("p0",)}, Sent(), OK, Step.GO_ON),
    Case("arrived, wanted back", S, WANTED | {"attempts": 3}, Sent(("p1",)),
         State.WITHDRAWING, Step.WITHDRAW,
         {"platform_ids": ("p1",), "attempts": 0, "queued_at": NOW}, can=RECALLS),
    Case("arrived, wanted back, no recall there", S, WANTED, Sent(("p1",)), State.KEPT,
         Step.GO_ON, {"platform_ids": ("p1",), "reason": "cannot_recall"}),
    Case("arrived, wanted back, no name", S, WANTED, Sent(), State.KEPT, Step.GO_ON,
         {"reason": "no_platform_id"}, can=RECALLS),
    Case("refused for now", S, {"attempts": 3, "first_sent_at": NOW}, NotSent("cannot_reach"),
         Q, Step.WAIT, {"reason": "cannot_reach", "first_sent_at": None}, wait_s=4.0),
    Case("refused, with a pause asked for", S, {"attempts": 3, "first_sent_at": NOW},
         NotSent("cannot_reach", retry_after_s=90.0),
         Q, Step.WAIT, {"reason": "cannot_reach", "first_sent_at": None}, wait_s=90.0),
    Case("asked to slow down", S, {"attempts": 3, "first_sent_at": NOW}, NotSent("rate_limited"),
         Q, Step.WAIT, {"reason": "rate_limited", "first_sent_at": None, "attempts": 2},
         wait_s=4.0),
    Case("asked to slow down for so long", S, {"attempts": 1, "first_sent_at": NOW},
         NotSent("rate_limited", retry_after_s=90.0),
         Q, Step.WAIT, {"reason": "rate_limited", "first_sent_at": None, "attempts": 0},
         wait_s=90.0),
    Case("asked to slow down at the last attempt", S, {"attempts": 40, "first_sent_at": NOW},
         NotSent("rate_limited"), Q, Step.WAIT,
         {"reason": "rate_limited", "first_sent_at": None, "attempts": 39}, wait_s=300.0),
    Case("a limit that will not end", S, {"attempts": 1},
         NotSent("rate_limited", is_final=True), State.FAILED, Step.GO_ON,
         {"reason": "rate_limited"}),
    Case("refused for good", S, {"attempts": 1}, NotSent("too_long", is_final=True),
         State.FAILED, Step.GO_ON, {"reason": "too_long"}),
    Case("its growing message is closed, so it follows as a message", S,
         FINAL_WORDS | {"attempts": 1, "first_sent_at": NOW}, NotSent("draft_closed"), Q, Step.WAIT,
         {"kind": Kind.SEND, "target": None, "first_sent_at": None, "reason": "draft_closed"}),
    Case("its growing message is closed, perhaps with its words", S, FINAL_WORDS | CUT,
         NotSent("draft_closed", is_final=True), Q, Step.WAIT,
         {"kind": Kind.SEND, "target": None, "first_sent_at": None, "unclear_since_at": None,
          "may_be_duplicate": True, "reason": "draft_closed"}),
    Case("its growing message is closed, wanted back", S, FINAL_WORDS | WANTED,
         NotSent("draft_closed"), State.DROPPED, Step.GO_ON, {"reason": "recalled"}),
    Case("refused once too often", S, {"attempts": 40}, NotSent("cannot_reach"), State.FAILED,
         Step.GO_ON, {"reason": "cannot_reach"}),
    Case("refused, wanted back", S, WANTED, NotSent("rate_limited"), State.DROPPED, Step.GO_ON,
         {"reason": "recalled"}),
    Case("refused for good, wanted back", S, WANTED, NotSent("too_long", is_final=True),
         State.DROPPED, Step.GO_ON, {"reason": "recalled"}),
    Case("a refused repeat says nothing about the first", S, CUT, NotSent("cannot_reach"), U,
         Step.WAIT, {"reason": "cannot_reach"}, wait_s=1.0),
    Case("a refused repeat says nothing, even when wanted back", S, CUT | WANTED,
         NotSent("cannot_reach", retry_after_s=9.0), U, Step.WAIT, {"reason": "cannot_reach"},
         wait_s=9.0),
    Case("asked to slow down with a repeat", S, CUT | {"attempts": 40},
         NotSent("rate_limited", retry_after_s=400.0), U, Step.WAIT,
         {"reason": "rate_limited", "attempts": 39}, wait_s=400.0),
    Case("a refused repeat is not spent", S,
         CUT | {"is_repeated": True, "may_be_duplicate": True}, NotSent("cannot_reach"), U,
         Step.WAIT, {"reason": "cannot_reach", "is_repeated": False, "may_be_duplicate": False},
         wait_s=1.0),
    Case("a refused repeat leaves the mark of earlier ones", S,
         CUT | {"is_repeated": True, "may_be_duplicate": True, "unclear_calls": 2},
         NotSent("cannot_reach"), U, Step.WAIT, {"reason": "cannot_reach", "is_repeated": False},
         wait_s=1.0),
    Case("refused for good after an unclear call", S, CUT, NotSent("too_long", is_final=True),
         State.DOUBTFUL, Step.GO_ON, {"reason": "too_long"}),
    Case("cut, one repeat allowed", S, {"attempts": 1, "first_sent_at": NOW}, Unknown("cut"), U,
         Step.WAIT, {"reason": "cut", "unclear_since_at": NOW, "unclear_calls": 1}, wait_s=1.0),
    Case("cut again inside the window of its key", S, CUT | {"attempts": 7}, Unknown("cut"), U,
         Step.WAIT, {"reason": "cut", "unclear_calls": 2}, wait_s=5.0, can=KEYED),
    Case("cut, no repeat allowed", S, {"attempts": 1, "policy": AT_MOST_ONCE}, Unknown("cut"),
         State.DOUBTFUL, Step.GO_ON,
         {"reason": "cut", "unclear_since_at": NOW, "unclear_calls": 1}, wait_s=1.0),
    Case("cut, the repeat is spent", S, CUT | {"is_repeated": True, "may_be_duplicate": True},
         Unknown("cut"), State.DOUBTFUL, Step.GO_ON, {"reason": "cut", "unclear_calls": 2},
         wait_s=1.0),
    Case("cut, wanted back, not to be repeated", S, WANTED | {"attempts": 1}, Unknown("cut"),
         State.DOUBTFUL, Step.GO_ON,
         {"reason": "cut", "unclear_since_at": NOW, "unclear_calls": 1}, wait_s=1.0),
    Case("wanted back on its way", S, {}, WithdrawWanted(), S, Step.NOTHING, WANTED),
    # While nobody can tell.
    Case("doubt: same key", U, CUT, Taken(), S, Step.WRITE, {"attempts": 2}, can=KEYED),
    Case("doubt: look it up", U, CUT, Taken(), U, Step.LOOK_UP, can=LOOK_UP),
    Case("doubt: write over it", U, CUT, Taken(), S, Step.WRITE, {"attempts": 2}, can=OVERWRITE),
    Case("doubt: one marked repeat", U, CUT, Taken(), S, Step.WRITE,
         {"attempts": 2, "is_repeated": True, "may_be_duplicate": True}),
    Case("doubt: give up", U, CUT | {"policy": AT_MOST_ONCE}, Taken(), State.DOUBTFUL,
         Step.GO_ON),
    Case("doubt: tried for too long", U, CUT | {"attempts": 40}, Taken(), State.DOUBTFUL,
         Step.GO_ON, can=KEYED),
    Case("found", U, CUT | {"reason": "cut"}, Sent(("p1",)), OK, Step.GO_ON,
         {"platform_ids": ("p1",), "unclear_since_at": None, "reason": ""}),
    Case("found, wanted back", U, CUT | WANTED, Sent(("p1",)), State.WITHDRAWING, Step.WITHDRAW,
         {"platform_ids": ("p1",), "unclear_since_at": None, "attempts": 0, "queued_at": NOW},
         can=RECALLS),
    Case("found, wanted back, no recall there", U, CUT | WANTED, Sent(("p1",)), State.KEPT,
         Step.GO_ON,
         {"platform_ids": ("p1",), "unclear_since_at": None, "reason": "cannot_recall"}),
    Case("found, wanted back, no name", U, CUT | WANTED, Sent(), State.KEPT, Step.GO_ON,
         {"unclear_since_at": None, "reason": "no_platform_id"}, can=RECALLS),
    Case("not found", U, CUT, NotSent("not_found_on_platform"), Q, Step.WAIT,
         {"first_sent_at": None, "unclear_since_at": None, "reason": "not_found_on_platform"},
         wait_s=1.0),
    Case("not found, wanted back", U, CUT | WANTED, NotSent("not_found_on_platform"),
         State.DROPPED, Step.GO_ON, {"reason": "recalled"}),
    Case("still nobody can tell", U, CUT, Unknown("timed_out"), U, Step.WAIT,
         {"reason": "timed_out"}, wait_s=1.0),
    Case("wanted back in doubt", U, CUT, WithdrawWanted(), U, Step.NOTHING, WANTED),
    # Taking it back.
    Case("no recall there", OK, NAMED, WithdrawWanted(), State.KEPT, Step.NOTHING,
         {"reason": "cannot_recall"}),
    Case("no name to recall by", OK, {"first_sent_at": NOW}, WithdrawWanted(), State.KEPT,
         Step.NOTHING, {"reason": "no_platform_id"}, can=RECALLS),
    Case("too late to recall", OK, NAMED | {"first_sent_at": NOW - 121}, WithdrawWanted(),
         State.KEPT, Step.NOTHING, {"reason": "recall_too_late"}, can=RECALLS),
    Case("just in time to recall", OK, NAMED | {"first_sent_at": NOW - 120, "attempts": 2},
         WithdrawWanted(), State.WITHDRAWING, Step.WITHDRAW,
         WANTED | {"attempts": 0, "queued_at": NOW}, can=RECALLS),
    Case("withdrawn", State.WITHDRAWING, NAMED, Sent(), State.WITHDRAWN, Step.GO_ON),
    Case("the platform keeps it", State.WITHDRAWING, NAMED, NotSent("no_right", is_final=True),
         State.KEPT, Step.GO_ON, {"reason": "no_right"}),
    Case("asked too often", State.WITHDRAWING, NAMED | {"attempts": 40}, NotSent("cannot_reach"),
         State.KEPT, Step.GO_ON, {"reason": "cannot_reach"}),
    Case("asked once more", State.WITHDRAWING, NAMED | {"attempts": 1}, NotSent("cannot_reach"),
         State.WITHDRAWING, Step.WAIT, {"attempts": 2}, wait_s=2.0),
    Case("asked once more, later", State.WITHDRAWING, NAMED,
         NotSent("cannot_reach", retry_after_s=30.0), State.WITHDRAWING, Step.WAIT,
         {"attempts": 1}, wait_s=30.0),
    Case("withdrawing is asked to slow down", State.WITHDRAWING, NAMED | {"attempts": 1},
         NotSent("rate_limited"), State.WITHDRAWING, Step.WAIT, wait_s=2.0),
    Case("withdrawing is asked to slow down for so long, at the last attempt", State.WITHDRAWING,
         NAMED | {"attempts": 40}, NotSent("rate_limited", retry_after_s=400.0),
         State.WITHDRAWING, Step.WAIT, wait_s=400.0),
    Case("withdrawing was cut", State.WITHDRAWING, NAMED | {"attempts": 2}, Unknown("cut"),
         State.WITHDRAWING, Step.WAIT, {"attempts": 3}, wait_s=4.0),
    Case("withdrawing was cut too often", State.WITHDRAWING, NAMED | {"attempts": 40},
         Unknown("cut"), State.KEPT, Step.GO_ON, {"reason": "gave_up"}),
    *(
        Case(f"nothing to take back: {state}", state, {}, WithdrawWanted(), state, Step.NOTHING)
        for state in (State.WITHDRAWING, State.DOUBTFUL, State.FAILED, State.DROPPED,
                      State.WITHDRAWN, State.KEPT)
    ),
    # An operator decides.
    Case("retry what failed", State.FAILED,
         {"attempts": 40, "reason": "cannot_reach", "first_sent_at": NOW - 9} | WANTED,
         RetryWanted(), Q, Step.WAIT,
         {"attempts": 0, "queued_at": NOW, "first_sent_at": None, "reason": "",
          "withdraw_wanted": False}),
    Case("retry what is doubtful", State.DOUBTFUL,
         CUT | WANTED | {"is_repeated": True, "reason": "cut"}, RetryWanted(), Q, Step.WAIT,
         {"attempts": 0, "queued_at": NOW, "first_sent_at": None, "unclear_since_at": None,
          "is_repeated": False, "may_be_duplicate": True, "withdraw_wanted": False,
          "reason": ""}),
)  # fmt: skip

LEGAL: dict[State, set[type[Happening]]] = {
    Q: {Taken, WithdrawWanted},
    S: {Sent, NotSent, Unknown, WithdrawWanted},
    U: {Taken, Sent, NotSent, Unknown, WithdrawWanted},
    OK: {WithdrawWanted},
    State.DOUBTFUL: {WithdrawWanted, RetryWanted},
    State.FAILED: {WithdrawWanted, RetryWanted},
    State.DROPPED: {WithdrawWanted},
    State.WITHDRAWING: {Sent, NotSent, Unknown, WithdrawWanted},
    State.WITHDRAWN: {WithdrawWanted},
    State.KEPT: {WithdrawWanted},
}
HAPPENINGS: tuple[Happening, ...] = (
    Sent(),
    NotSent("no"),
    Unknown("cut"),
    Taken(),
    WithdrawWanted(),
    RetryWanted(),
)


def by_name(case: Case) -> str:
    return f"{case.state}: {case.name}"


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_a_delivery_advances(case: Case) -> None:
    after, step = advance(case.delivery, case.happening, case.can, NOW)
    expected = replace(case.delivery, state=case.becomes, **case.changes)
    assert asdict(after) == asdict(expected)
    assert (step.step, step.at - NOW) == (case.step, case.wait_s)


@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda happening: type(happening).__name__)
@pytest.mark.parametrize("state", State)
def test_each_state_knows_just_these_happenings(state: State, happening: Happening) -> None:
    delivery = replace(CASES[0].delivery, state=state)
    if type(happening) in LEGAL[state]:
        advance(delivery, happening, RECALLS, NOW)
        return
    with pytest.raises(IllegalStep, match=f"{state} does not know {type(happening).__name__}"):
        advance(delivery, happening, RECALLS, NOW)


def test_what_is_open_can_still_be_sent() -> None:
    assert {state for state in State if {Taken, Sent} & LEGAL[state]} - {State.WITHDRAWING} == (
        OPEN_STATES
    )


# --- no row can be changed unseen ------------------------------------------------------------


def decide(table: tuple[Row, ...], case: Case) -> tuple[Delivery, Step, float] | None:
    """Do what ``advance`` does, with another table."""
    situation = Situation(case.delivery, case.happening, case.can, NOW)
    for row in table:
        fits = row.state is case.state and row.happening is type(case.happening)
        if fits and row.when.holds(situation):
            changed, wait_s = row.effect(situation)
            return replace(changed, state=row.becomes), row.step, wait_s
    return None


def is_seen(table: tuple[Row, ...]) -> bool:
    """Whether some case comes out otherwise under this table."""
    return any(decide(table, case) != decide(TABLE, case) for case in CASES)


def broken(row: Row, *, is_last: bool) -> Iterator[tuple[str, Row]]:
    yield "becomes", replace(row, becomes=State.SENT if row.becomes is not OK else Q)
    yield "step", replace(row, step=Step.NOTHING if row.step is not Step.NOTHING else Step.GO_ON)
    yield "never", replace(row, when=When("never", lambda _: False))
    if row.when is not ALWAYS and not is_last:  # the last of all cases may say "always"
        yield "always", replace(row, when=ALWAYS)
    yield "effect", replace(row, effect=lambda s: (replace(s.delivery, reason="broken"), 7.0))


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_no_row_can_be_changed_unseen(number: int) -> None:
    row = TABLE[number]
    below = TABLE[number + 1 : number + 2]
    is_last = [(row.state, row.happening)] != [(other.state, other.happening) for other in below]
    for what, changed in broken(row, is_last=is_last):
        table = (*TABLE[:number], changed, *TABLE[number + 1 :])
        assert is_seen(table), f"{row.state} on {row.happening.__name__}: {what} could be changed"


def test_no_two_rows_can_be_swapped_unseen() -> None:
    for number, (row, below) in enumerate(pairwise(TABLE)):
        if (row.state, row.happening) != (below.state, below.happening) or not overlap(row, below):
            continue
        table = (*TABLE[:number], below, row, *TABLE[number + 2 :])
        assert is_seen(table), f"{row.state} on {row.happening.__name__}: {row.when.words!r}"


def overlap(row: Row, below: Row) -> bool:
    """Whether a case fits both rows, so that their order decides."""
    situations = (Situation(case.delivery, case.happening, case.can, NOW) for case in CASES)
    fitting = (
        s
        for s in situations
        if s.delivery.state is row.state and type(s.happening) is row.happening
    )
    return any(row.when.holds(s) and below.when.holds(s) for s in fitting)


# --- how doubt ends ----------------------------------------------------------------------------


def doubted(**fields: float | str | bool | None) -> Delivery:
    basis = Delivery(
        id=1,
        bot="b",
        chat=1,
        origin="turn:1",
        ordinal=0,
        part=0,
        first_sent_at=NOW,
        unclear_since_at=NOW,
    )
    return replace(basis, **fields)


BOTH = Capabilities(can_look_up=True, can_overwrite=True)
KEYED_AND_LOOK_UP = Capabilities(resend_key_window_s=3600.0, can_look_up=True)
SETTLES = doubted(kind=Kind.SETTLE, target=3)
REACTS = doubted(kind=Kind.REACT)
ONCE = doubted(policy=AT_MOST_ONCE)
REPEATED = doubted(is_repeated=True)
RECALLED = doubted(withdraw_wanted=True)


@pytest.mark.parametrize(
    ("delivery", "can", "after_s", "expected"),
    [
        (doubted(), KEYED, 0.0, Resolution.SAME_KEY),
        (doubted(), KEYED, 3569.9, Resolution.SAME_KEY),
        (doubted(), KEYED, 3570.0, Resolution.REPEAT),
        (doubted(), KEYED, -3569.9, Resolution.SAME_KEY),  # the clock was set back a little
        (doubted(), KEYED, -3570.0, Resolution.REPEAT),  # … and so far that it proves nothing
        (ONCE, KEYED, 3569.9, Resolution.SAME_KEY),
        (ONCE, KEYED, 3570.0, Resolution.GIVE_UP),
        (doubted(), Capabilities(resend_key_window_s=30.0), 0.0, Resolution.REPEAT),
        (doubted(), KEYED_AND_LOOK_UP, 3569.9, Resolution.SAME_KEY),
        (doubted(), KEYED_AND_LOOK_UP, 3570.0, Resolution.LOOK_UP),
        (doubted(), KEYED_AND_LOOK_UP, 3599.9, Resolution.LOOK_UP),
        (doubted(), KEYED_AND_LOOK_UP, 3600.0, Resolution.REPEAT),
        (doubted(), LOOK_UP, 29.9, Resolution.LOOK_UP),
        (doubted(), LOOK_UP, 30.0, Resolution.REPEAT),
        (ONCE, LOOK_UP, 30.0, Resolution.GIVE_UP),
        (doubted(), OVERWRITE, 29.9, Resolution.OVERWRITE),
        (doubted(), OVERWRITE, 30.0, Resolution.REPEAT),
        (doubted(), BOTH, 0.0, Resolution.LOOK_UP),
        (doubted(), NONE, 0.0, Resolution.REPEAT),
        (REPEATED, NONE, 0.0, Resolution.GIVE_UP),
        (REPEATED, LOOK_UP, 0.0, Resolution.LOOK_UP),
        (RECALLED, NONE, 0.0, Resolution.GIVE_UP),
        (RECALLED, KEYED, 0.0, Resolution.SAME_KEY),
        (ONCE, NONE, 0.0, Resolution.GIVE_UP),
        (SETTLES, GROWING, 99.0, Resolution.OVERWRITE),
        (SETTLES, NONE, 0.0, Resolution.REPEAT),  # its final words are a message of their own
        (replace(SETTLES, target=None), GROWING, 0.0, Resolution.REPEAT),
        (REACTS, NONE, 99.0, Resolution.OVERWRITE),
        (doubted(first_sent_at=None, unclear_since_at=None), KEYED, 0.0, Resolution.SAME_KEY),
        (doubted(first_sent_at=None, unclear_since_at=None), LOOK_UP, 0.0, Resolution.LOOK_UP),
    ],
)
def test_doubt_ends_by(
    delivery: Delivery, can: Capabilities, after_s: float, expected: Resolution
) -> None:
    assert resolution(delivery, can, NOW + after_s) is expected


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10_000, 300)]
)
def test_pauses_double_up_to_five_minutes(attempts: int, seconds: float) -> None:
    assert back_off_s(attempts) == seconds
