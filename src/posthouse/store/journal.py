"""The book of the road: what came in, who works on it, what goes out.

``Journal`` is the only protocol with transactions over several tables. Each method is one
transaction and returns when it is durable. Whoever works on something holds a ``Claim`` of its
lane; a write whose claim is no longer the lane's newest raises ``FenceLost`` and changes nothing.

Lanes (one thing at a time, in order of arrival):

* a *turn lane* per session (``t:<session>``) and a *control lane* per chat (``c:<chat>``) hand
  out turns; while a chat's control lane has something waiting or running, no other lane of that
  chat is handed out;
* a *send lane* (``s:<chat>``) hands out deliveries, an *amend lane* (``a:<chat>``) hands out
  edits and withdrawals of what was sent.

A lane's ``ready_at`` says when its head may be taken (burst window, back-off), ``waiting`` counts
what it still has to hand out, ``current`` is what it is working on, ``tries`` how often that was
handed out, ``fence`` grows with every claim and with every change of a waiting turn.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from posthouse.model.address import Chat, Entrance
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, Happening, Next
from posthouse.model.disposition import Disposition, NewDelivery, NewQuestion
from posthouse.model.event import Event
from posthouse.model.message import Content
from posthouse.model.turn import EventState, Turn, TurnState

BURST_MAX_S = 10.0  # a turn waits at most this long for more events
BURST_EVENTS_MAX = 20
RECALLED_DELIVERIES_MAX = 10_000  # one recall touches at most this many


class Gateway(Struct, frozen=True):
    """This process, as the store knows it; a restart under the same name has a higher epoch."""

    id: int
    epoch: int
    name: str


class Arrival(Struct, frozen=True, kw_only=True):
    """An event to be written into the book, and what was decided about it."""

    event: Event
    disposition: Disposition
    chat: int
    entrance: Entrance
    has_slot: bool = False


class Receipt(Struct, frozen=True, kw_only=True):
    """What the book says about an arrival."""

    event: int  # its number; for a repeat, the number of the first
    is_new: bool
    state: EventState
    reason: str = ""
    turn: int | None = None
    slot_body: bytes | None = None  # a repeat inside the window gets the same answer
    is_taken: bool = False  # its turn was handed out at once
    is_over: bool = False  # a repeat whose turn has ended: there is nothing to wait for


class Claim(Struct, frozen=True):
    """The right to write for a lane, until somebody else takes it."""

    lane: str
    fence: int
    gateway: int
    epoch: int


class ClaimedTurn(Struct, frozen=True):
    """A turn to be run."""

    claim: Claim
    turn: Turn
    is_control: bool


class Wanted(StrEnum):
    """What a running turn was asked to do by a control turn."""

    NOTHING = ""
    CANCEL = "cancel"
    RERUN = "rerun"  # its message was edited, or one of several was recalled


class Verdict(StrEnum):
    """What became of a turn that wanted to finish."""

    DONE = "done"
    CANCELLED = "cancelled"  # its outputs were refused; the lane goes on
    RERUN = "rerun"  # its outputs were refused; it waits again at the head of its lane


class NewAmend(Struct, frozen=True, kw_only=True):
    """An edit of a message that was sent; withdrawals are made by ``withdraw``."""

    delivery: int
    content: Content
    body: bytes  # encoded
    origin: str
    ordinal: int


class Result(Struct, frozen=True, kw_only=True):
    """How a turn ends and what it leaves behind, stored in one transaction."""

    state: TurnState = TurnState.FINISHED
    reason: str = "answered"
    deliveries: tuple[NewDelivery, ...] = ()
    amends: tuple[NewAmend, ...] = ()
    withdraw: tuple[int, ...] = ()  # deliveries of this chat to take back
    questions: tuple[NewQuestion, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    if_cancelled: tuple[NewDelivery, ...] = ()  # put instead when the verdict is CANCELLED
    slot_body: bytes | None = None  # the answer inside the HTTP response; kept if it is used


class ClaimedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery that is this gateway's to perform.

    ``next.step`` says what to do: ``WRITE`` (the row is durably ``sending``: send ``delivery.body``
    now), ``LOOK_UP``, or ``NOTHING`` with an empty body (encode ``content`` and call ``sending``).
    """

    claim: Claim
    delivery: Delivery
    next: Next
    chat: Chat
    content: Content
    target_ids: tuple[str, ...] = ()  # of the draft that a ``settle`` gives its final words


class Finished(Struct, frozen=True):
    """What ``finish`` did; ``first`` is the first delivery, already ``sending`` and ours."""

    verdict: Verdict
    first: ClaimedDelivery | None = None
    is_more: bool = True  # the lane may have something else to hand out


class AmendKind(StrEnum):
    """What is done to a message that was sent."""

    EDIT = "edit"
    RECALL = "recall"


class ClaimedAmend(Struct, frozen=True, kw_only=True):
    """An edit or withdrawal to perform; doing it twice is harmless on every platform."""

    claim: Claim
    id: int
    kind: AmendKind
    delivery: Delivery
    chat: Chat
    body: bytes
    tries: int


class Budget(Struct, frozen=True):
    """How many sends of one bot may be taken now, and what its platform can do."""

    bot: str
    limit: int
    capabilities: Capabilities


class RecallScope(Struct, frozen=True, kw_only=True):
    """Which answers of a chat are taken back."""

    chat: int
    person: str | None  # answers given to this platform id; None for everything
    since_at: float  # sent or queued at or after this time
    turn: int  # the control turn that asks; asking again returns the first count


class Recall(Struct, frozen=True, kw_only=True):
    """How far a recall has come.

    When ``pending`` is 0 a control turn has been put: handler ``recall_report``, session the
    recall's number.
    """

    id: int
    chat: int
    dropped: int = 0  # had not been sent yet
    cancelled: int = 0  # turns that were running
    pending: int = 0
    withdrawn: int = 0
    kept: int = 0
    doubtful: int = 0
    kept_reasons: tuple[str, ...] = ()


class OnceState(StrEnum):
    """Whether a named side effect of a turn has happened."""

    NEW = "new"  # nobody began it before
    BEGUN = "begun"  # begun before a crash; nobody can tell whether it happened
    DONE = "done"


class Once(Struct, frozen=True):
    """A named side effect of a turn, and its result when it is done."""

    state: OnceState
    result: str = ""


class Taker(Protocol):
    """Whoever runs turns; it is given at once what nothing stands before."""

    @property
    def gateway(self) -> Gateway:
        """Who it is."""
        ...

    def reserve(self, count: int) -> int:
        """Keep room for so many turns at most; returns how many there is room for."""
        ...

    def take(self, claimed: tuple[ClaimedTurn, ...], reserved: int) -> None:
        """Begin these, and give the rest of the reserved room back."""
        ...


class Journal(Protocol):
    """See the module. ``now`` is always the caller's clock, seconds since the epoch."""

    # --- who we are ---------------------------------------------------------------------

    async def enter(self, name: str, now: float, lease_s: float) -> Gateway:
        """Become the gateway ``name`` until ``now + lease_s``.

        The same name gets the same id and the next epoch; lanes that earlier epochs held are
        free at once. What is ``unknown`` has been so since now where nobody could look for it:
        no other gateway lives, or a dead one or an earlier epoch of ours has its lane.
        """
        ...

    async def renew(self, gateway: Gateway, now: float, lease_s: float) -> bool:
        """Stay; False when another process has entered under our name or our time was up."""
        ...

    async def free(self, now: float) -> int:
        """Free the lanes of gateways whose time is up; returns how many."""
        ...

    async def hold(self, gateway: Gateway, bots: tuple[str, ...], now: float) -> frozenset[str]:
        """Hold the connections of these bots, and of no others.

        Returns those that are the gateway's until its time is up. Each of the rest belongs to
        another gateway that lives, or this one's own time is up.
        """
        ...

    async def bound_waits(self, now: float, wait_s: float) -> None:
        """Let nothing wait longer than ``wait_s`` from now, and no chat for its pace.

        A clock that was ahead and was set right has left times behind that nobody meant.
        """
        ...

    # --- in -----------------------------------------------------------------------------

    async def accept(
        self, arrivals: tuple[Arrival, ...], now: float, taker: Taker | None = None
    ) -> tuple[Receipt, ...]:
        """Write arrivals into the book; the caller acknowledges after this returns.

        New turns that ``claim_turns`` would hand out now may be handed to ``taker`` in the same
        write, once it is durable, even when the caller waits no longer.

        * A key seen before on this bot: ``is_new`` is False, nothing changes.
        * A message whose recall arrived earlier: stored as ``recalled`` (``recalled_early``).
        * State ``routed``: joins the waiting last turn of its lane when the handler is the same,
          that turn's burst window is open (``burst_s`` after its last event, at most
          ``BURST_MAX_S`` after its first) and holds fewer than ``BURST_EVENTS_MAX`` events (the
          lane's fence grows, unless that turn is ``current``, which is never joined); else a new
          turn. A lane with ``queue_max`` waiting turns refuses: state ``refused``, reason
          ``overload``, and ``disposition.overload`` is put once until the lane has drained to half.
        * An edit (``MessageEdited``) finds the turn of its message: waiting (not current) → the
          event's content is replaced; running with ``on_edit = rerun`` → content replaced, the
          turn is wanted to RERUN; answered with ``rerun`` → a new turn with ``replaces``; with
          ``ignore`` → stored as ``ignored`` (``edit_ignored``); a message that is not in the book
          → ``ignored`` (``edited_early``), unless the edit is newer than nothing: it is then
          treated by its disposition like a new message when that routes it.
        * ``disposition.claimant``: the question is marked answered by this event when it is open
          and not expired; otherwise the event is ``ignored`` with ``question_taken`` or
          ``question_late`` and ``claimant.refused`` is put as a notice.
        * ``disposition.notice`` is put into the send lane unless its origin exists.
        """
        ...

    # --- turns --------------------------------------------------------------------------

    async def claim_turns(
        self, gateway: Gateway, now: float, limit: int
    ) -> tuple[ClaimedTurn, ...]:
        """Take at most ``limit`` lanes whose head is ready, control lanes first, then by age.

        A gateway whose epoch is old or whose time is up gets nothing.
        """
        ...

    async def next_turn_at(self, now: float) -> float | None:
        """When the earliest turn or control lane that nobody holds becomes ready; None: never."""
        ...

    async def start(self, claim: Claim, turn: int, now: float) -> bool:
        """Make it durable that a ``report`` handler begins; False when it had begun before."""
        ...

    async def put(
        self, claim: Claim, turn: int, deliveries: tuple[NewDelivery, ...], now: float
    ) -> tuple[int, ...]:
        """Queue outputs before the turn ends; returns their numbers.

        What exists under the same (origin, ordinal, part) stays and its number is returned. A
        turn that is wanted to stop puts nothing and gets an empty tuple.
        """
        ...

    async def finish(
        self,
        claim: Claim,
        turn: int,
        result: Result,
        capabilities: Capabilities,
        now: float,
        *,
        is_first_sent: bool,
    ) -> Finished:
        """End a turn, store its outputs and let its lane go on, all or nothing.

        A turn wanted to CANCEL or RERUN has its outputs refused. With ``is_first_sent`` the first
        delivery (if it has a body) becomes ``sending`` in the same transaction when the chat's
        send lane is idle, nothing waits in its control lane (other than this turn) and the house
        is not held.
        """
        ...

    async def retry(self, claim: Claim, turn: int, at: float, reason: str) -> Verdict:
        """Let a turn wait until ``at`` at the head of its lane (DONE), or obey a control turn.

        Reason ``stopping`` (the house stops gracefully) does not count as an attempt.
        """
        ...

    async def wanted(self, turn: int) -> Wanted:
        """What control turns have asked of a turn that may be running."""
        ...

    async def once_begin(self, claim: Claim, turn: int, name: str) -> Once:
        """Begin a named side effect; NEW the first time."""
        ...

    async def once_end(self, claim: Claim, turn: int, name: str, result: str) -> None:
        """Store the result of a named side effect."""
        ...

    async def revive(self, turn: int, now: float) -> bool:
        """Queue a buried turn again, at the end of its lane; False when it is not buried."""
        ...

    # --- control ------------------------------------------------------------------------

    async def recall(self, scope: RecallScope, capabilities: Capabilities, now: float) -> Recall:
        """Take back what was said.

        Queued → dropped; on its way → wanted back; sent → withdrawing (an amend each); running
        turns of the scope → CANCEL. Waiting turns survive. Drafts that a later delivery settled
        are not withdrawn twice. The scope excludes recall reports.
        """
        ...

    async def recall_message(
        self, chat: int, message_key: str, capabilities: Capabilities, now: float
    ) -> tuple[int, ...]:
        """A person took a message back.

        Its waiting turn loses it (and is cancelled when empty), its running turn is wanted to
        CANCEL (or RERUN without it), its answers are withdrawn. Returns the running turns that
        are wanted to stop.
        """
        ...

    async def take_back(
        self, deliveries: tuple[int, ...], capabilities: Capabilities, now: float
    ) -> tuple[Delivery, ...]:
        """An operator takes these back: what each became at once; unknown numbers are left out.

        Queued → dropped; on its way → wanted back; sent → withdrawing (an amend each), or kept.
        """
        ...

    async def recall_state(self, recall: int) -> Recall | None:
        """How far a recall has come."""
        ...

    async def stop_session(
        self, chat: int, session: str, now: float, before: int | None = None
    ) -> tuple[int, ...]:
        """Cancel the session's waiting turns and want its running one to CANCEL (``stopped``).

        With ``before``, the turn that asks for it, later ones stay: they were asked for after it.
        A waiting one that had begun to speak before a crash is wanted to CANCEL as well, since
        what it began to say has to be settled. Returns all of them.
        """
        ...

    async def stop_turn(self, chat: int, turn: int, now: float) -> bool:
        """Stop one turn of a chat as ``stop_session`` does.

        Returns False when there is no such turn, or it is over.
        """
        ...

    async def running_turns(self, chat: int) -> tuple[int, ...]:
        """Turns that a gateway is running in a chat (control turns not counted)."""
        ...

    async def forget_before(self, session: str, event: int, now: float) -> tuple[int, ...]:
        """Let the session's history begin after this event (``/new``).

        What it is running is wanted to CANCEL if an edit would have begun it anew: an answer to
        the old conversation. A command that was begun goes on. Returns the turns to be cancelled.
        """
        ...

    # --- out ----------------------------------------------------------------------------

    async def claim_sends(
        self, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
    ) -> tuple[ClaimedDelivery, ...]:
        """Take the heads of ready send lanes, bot by bot, at most ``limit`` each.

        A row found ``sending`` was cut by a crash: it becomes ``unknown`` and waits. Rows whose
        step is ``GO_ON`` are settled here and not returned. Nothing is handed out while the house
        is held.
        """
        ...

    async def claim_amends(
        self, gateway: Gateway, now: float, budgets: tuple[Budget, ...]
    ) -> tuple[ClaimedAmend, ...]:
        """Take the heads of ready amend lanes, bot by bot."""
        ...

    async def next_send_at(self, now: float, bots: tuple[str, ...]) -> float | None:
        """When the earliest free send or amend lane of these bots becomes ready; None: never."""
        ...

    async def hurry(self, bots: tuple[str, ...], now: float) -> None:
        """Let these bots' deliveries be tried now that wait because nobody could be reached.

        What waits for another reason (a limit, doubt, pace) goes on waiting.
        """
        ...

    async def sending(
        self, claim: Claim, delivery: int, body: bytes, capabilities: Capabilities, now: float
    ) -> ClaimedDelivery | None:
        """Store the encoded body and become ``sending``; None when it was dropped meanwhile."""
        ...

    async def settle(
        self,
        claim: Claim,
        delivery: int,
        happening: Happening,
        capabilities: Capabilities,
        now: float,
        lane_ready_at: float,
    ) -> tuple[Delivery, Next]:
        """Advance a delivery by what happened and let its lane go on, wait or withdraw.

        ``lane_ready_at`` is when the chat may be sent to again (pace); it never shortens a wait.
        """
        ...

    async def settle_amend(
        self, claim: Claim, amend: int, happening: Happening, capabilities: Capabilities, now: float
    ) -> Delivery:
        """Record the outcome of an edit or withdrawal and let the amend lane go on or wait.

        An edit that arrived changes what the ledger shows; one that was refused for good leaves
        the delivery as it is, with the reason on the amend.
        """
        ...

    async def put_notice(
        self, chat: int, delivery: NewDelivery, now: float, person: str = ""
    ) -> int | None:
        """Queue a delivery that no running turn says; None when its origin exists.

        Who it is said to (``person``) may take it back like an answer.
        """
        ...

    async def retry_delivery(self, delivery: int, capabilities: Capabilities, now: float) -> bool:
        """An operator wants a failed or doubtful delivery sent after all."""
        ...

    # --- looking back -------------------------------------------------------------------

    async def answers(self, turn: int) -> tuple[Delivery, ...]:
        """The deliveries of a turn in order, those of the turns it replaced included."""
        ...

    async def history(
        self, session: str, characters_max: int, since_at: float = 0.0
    ) -> tuple[tuple[str, str], ...]:
        """The session's newest exchanges, oldest first: ("person" | "bot", text).

        Its events since ``forget_before`` and the not-withdrawn deliveries of its finished turns.
        """
        ...
