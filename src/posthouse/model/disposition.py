"""What ``route`` decides about an event, stored with it when it is accepted."""

from __future__ import annotations

from msgspec import Struct

from posthouse.model.action import Policy
from posthouse.model.delivery import Kind
from posthouse.model.message import Content
from posthouse.model.turn import EventState, LaneKind, OnEdit


class Notice(Struct, frozen=True):
    """One sentence that covers an episode; ``origin`` is unique, so it is said once."""

    origin: str  # "notice:<kind>:<episode>"
    text: str


class Claimant(Struct, frozen=True):
    """The question that an event answers, if it comes first."""

    question: str
    choice: int | None
    refused: Notice | None = None  # said when somebody else was first, or too late


class Disposition(Struct, frozen=True, kw_only=True):
    """Where an event goes."""

    state: EventState
    reason: str = ""
    lane_kind: LaneKind = LaneKind.TURN
    session: str = ""
    handler: str = ""
    burst_s: float = 0.0  # how long a turn waits for more events of the same session
    queue_max: int = 2000  # waiting turns of the session; more are refused
    on_edit: OnEdit = OnEdit.IGNORE
    notice: Notice | None = None  # said now (refused, paused)
    overload: Notice | None = None  # said when the queue is full
    claimant: Claimant | None = None


class NewDelivery(Struct, frozen=True, kw_only=True):
    """A delivery to be put.

    ``body`` is what the platform gets; left empty, the deliverer encodes ``content`` before the
    first attempt. Either way the bytes are stored before one of them leaves.
    """

    origin: str
    ordinal: int
    part: int
    content: Content
    key: str
    body: bytes = b""
    kind: Kind = Kind.SEND
    policy: Policy = Policy.AT_LEAST_ONCE
    target: int | None = None
    unsaid: str = ""  # the reason for which it is only written down, as dropped


class NewQuestion(Struct, frozen=True, kw_only=True):
    """A question to be kept open."""

    id: str
    session: str
    handler: str
    who: str  # a platform id, or "" for anyone
    labels: tuple[str, ...]
    expires_at: float
    state: str
    takes_text: bool


class Question(Struct, frozen=True, kw_only=True):
    """A question as the store keeps it."""

    id: str
    chat: int
    session: str
    handler: str
    who: str
    labels: tuple[str, ...]
    expires_at: float
    state: str
    takes_text: bool
    is_answered: bool
