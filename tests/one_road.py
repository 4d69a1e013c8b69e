"""One message on its road, as the book has it; a test replaces what it is about."""

from posthouse.model.delivery import Delivery
from posthouse.model.turn import EventState, TurnState
from posthouse.store.reader import EventRow, TurnRow

AT = 1_763_600_000.0

EVENT = EventRow(
    id=1,
    chat=1,
    kind="message",
    key="m:r1:r1-5",
    message_id="r1-5",
    sender_id="p1",
    sender_name="Ann",
    text="hello",
    entrance="webhook",
    platform_at=AT,
    accepted_at=AT,
    state=EventState.ROUTED,
    reason="",
    turn=1,
)
TURN = TurnRow(
    id=1,
    lane="t:1",
    session="1",
    handler="demo",
    state=TurnState.WAITING,
    reason="",
    accepted_at=AT,
    started_at=None,
    finished_at=None,
    tries=0,
    is_running=False,
)
DELIVERY = Delivery(id=1, bot="b", chat=1, origin="turn:1", ordinal=0, part=0)
