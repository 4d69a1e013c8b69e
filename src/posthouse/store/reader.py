"""Reading the book without writing: for ``why``, the console, and people with questions."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from posthouse.model.address import ChatKind
from posthouse.model.delivery import Delivery
from posthouse.model.turn import TurnState

OURS_MAX = 500
HEARD_MAX = 5_000


class EventRow(Struct, frozen=True, kw_only=True):
    """An event as people read it."""

    id: int
    chat: int
    kind: str
    key: str
    message_id: str
    sender_id: str
    sender_name: str
    text: str
    entrance: str
    platform_at: float
    accepted_at: float
    state: str
    reason: str
    turn: int | None
    files: tuple[str, ...] = ()  # their names


class TurnRow(Struct, frozen=True, kw_only=True):
    """A turn as people read it."""

    id: int
    lane: str
    session: str
    handler: str
    state: TurnState
    reason: str
    accepted_at: float
    started_at: float | None
    finished_at: float | None
    tries: int
    is_running: bool
    notes: tuple[tuple[str, str], ...] = ()
    chat: int = 0


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery as people read it."""

    delivery: Delivery
    text: str
    settled_at: float | None
    put_at: float = 0.0
    person: str = ""  # platform id of who was answered
    file: str = ""  # its name


class AmendRow(Struct, frozen=True, kw_only=True):
    """An edit or withdrawal of a delivery as people read it."""

    id: int
    delivery: int
    kind: str
    state: str
    reason: str
    put_at: float
    settled_at: float | None


class Road(Struct, frozen=True, kw_only=True):
    """The road of one event: event → turn → deliveries."""

    event: EventRow
    turn: TurnRow | None
    deliveries: tuple[DeliveryRow, ...]


class Heard(Struct, frozen=True):
    """An event, and the turn that dealt with it."""

    event: EventRow
    turn: TurnRow | None


class ChatPage(Struct, frozen=True, kw_only=True):
    """A stretch of a chat: what people said, and everything that was said to them, oldest first."""

    heard: tuple[Heard, ...]
    said: tuple[DeliveryRow, ...]
    is_more: bool  # there is something before it


class Below(Struct, frozen=True):
    """Where a search goes on: at the rows with smaller numbers than these."""

    event: int
    delivery: int


class Matches(Struct, frozen=True, kw_only=True):
    """What a search found, newest first, in one stretch of so many rows each way."""

    events: tuple[EventRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    rows_looked_at: int
    further: Below | None = None  # None: everything was looked at


class Span(Struct, frozen=True, kw_only=True):
    """What happened from ``since_at`` on for one span; shares and latencies are of a sample."""

    since_at: float
    events: int
    deliveries: int
    troubled: int  # failed or doubtful
    asked: int  # of the sample: messages that some handler was to answer, and that are over
    answered: int  # of these
    latency_median_s: float | None = None  # from accepted to settled, of the sample
    latency_slow_s: float | None = None  # nine of ten were faster


class ChangeKind(StrEnum):
    """What has news."""

    EVENT = "event"  # came in
    TURN = "turn"  # ended
    DELIVERY = "delivery"  # settled, or its words changed


class Change(Struct, frozen=True):
    """One line of the feed; ``state`` is what it is now."""

    kind: ChangeKind
    number: int
    chat: int
    state: str


class Followed(Struct, frozen=True):
    """How far rows of one kind were read, and which of those are not over yet."""

    number: int = 0
    open: tuple[int, ...] = ()


class Mark(Struct, frozen=True):
    """How far a feed was read; opaque to who holds it."""

    event: int = 0
    turns: Followed = Followed()
    deliveries: Followed = Followed()
    amends: Followed = Followed()


class Feed(Struct, frozen=True, kw_only=True):
    """What happened after a mark, and the mark to go on from."""

    changes: tuple[Change, ...]
    mark: Mark
    is_more: bool


class HeardChat(Struct, frozen=True):
    """A chat as its platform names it, and when somebody was last heard there."""

    platform_id: str
    kind: ChatKind
    heard_at: float


class Spoken(Struct, frozen=True):
    """The turn that said something."""

    turn: int
    handler: str
    session: str
    person: str  # whom it answered


class Roads(Protocol):
    """What became of one message: all that a channel needs to know of the book."""

    async def road(self, event: int) -> Road | None:
        """Return the road of one event."""
        ...

    async def find_message(self, bot: str, message_id: str) -> tuple[int, ...]:
        """Return the events that carry the platform's message id, newest first."""
        ...

    async def is_held(self) -> bool:
        """Whether nothing is sent because an operator has to look first, after a restore."""
        ...

    async def is_ours(self, chat: int, message_id: str) -> bool:
        """Whether the bot said this, among the newest ``OURS_MAX`` messages it said in the chat."""
        ...

    async def whose(self, chat: int, message_id: str) -> Spoken | None:
        """Return the turn that said this, as far back as ``is_ours`` looks."""
        ...

    async def heard_lately(
        self, bot: str, since_at: float, limit: int = 50
    ) -> tuple[HeardChat, ...]:
        """Return the bot's chats with the newest traffic, newest first.

        Only the newest ``HEARD_MAX`` events of all bots are looked at.
        """
        ...


class Reader(Roads, Protocol):
    """Read only; may be a little behind. Every answer is bounded, whatever the book holds."""

    async def recent(self, chat: int, limit: int = 20) -> tuple[Road, ...]:
        """Return the newest events of a chat with their roads, newest first."""
        ...

    async def troubled(self, limit: int = 100) -> tuple[DeliveryRow, ...]:
        """Return failed and doubtful deliveries, newest first."""
        ...

    async def buried(self, limit: int = 100) -> tuple[TurnRow, ...]:
        """Return buried turns, newest first."""
        ...

    async def page(self, chat: int, before: int | None = None, limit: int = 40) -> ChatPage:
        """Return the newest ``limit`` events of a chat before event ``before``, and what was said.

        What was said is everything queued between the first of these events and ``before``.
        """
        ...

    async def last_heard(self, chats: tuple[int, ...]) -> dict[int, EventRow]:
        """Return the newest event of each chat that has one."""
        ...

    async def delivery(self, delivery: int) -> DeliveryRow | None:
        """Return one delivery."""
        ...

    async def turn(self, turn: int) -> tuple[TurnRow, tuple[EventRow, ...]] | None:
        """Return a turn and its events, oldest first."""
        ...

    async def amends(self, deliveries: tuple[int, ...]) -> tuple[AmendRow, ...]:
        """Return the edits and withdrawals of deliveries, oldest first."""
        ...

    async def said_since(
        self, chat: int, since_at: float, limit: int = 1000
    ) -> tuple[DeliveryRow, ...]:
        """Return what was said in a chat since then and can be taken back, newest first.

        A growing message and its final words are one message: only one of the two is returned.
        """
        ...

    async def unanswered(self, rows_looked_at: int = 2000, limit: int = 20) -> tuple[Heard, ...]:
        """Return messages that got no answer for a reason worth knowing, newest first."""
        ...

    async def search(
        self,
        text: str,
        rows_looked_at: int = 20_000,
        limit: int = 50,
        below: Below | None = None,
    ) -> Matches:
        """Find words, names and file names in events and deliveries, the newest or those below."""
        ...

    async def activity(self, until_at: float, span_s: float, spans: int) -> tuple[Span, ...]:
        """Return what happened in the ``spans`` spans before ``until_at``, oldest first."""
        ...

    async def feed(self, after: Mark | None, limit: int = 500) -> Feed:
        """Return everything after a mark: events, turns ended, deliveries settled or reworded.

        None begins now. Nothing is missed, whatever clocks do: rows are followed by their numbers,
        and those that were not over at the mark (at most some thousands) by name.
        """
        ...
