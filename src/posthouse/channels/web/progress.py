"""What became of a person's message, in the words people read under it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from posthouse.channels.web.codec import message_id
from posthouse.model.delivery import OPEN_STATES
from posthouse.model.reasons import explain, next_click
from posthouse.model.turn import EventState, TurnState
from posthouse.store.reader import Road, Roads


class Progress(Struct, frozen=True, kw_only=True):
    """Where a message is on its road; ``is_final``: nothing more will happen by itself."""

    number: int
    state: str  # delivered, queued, answering, answered, or unanswered
    zh: str = ""  # why, where there is something to be said
    en: str = ""
    next_zh: str = ""
    next_en: str = ""
    is_final: bool = False
    is_held: bool = False  # queued until an operator has looked


async def progress_of(reader: Roads, bot: str, room: str, number: int) -> Progress:
    """Look up how far a message has come."""
    events = await reader.find_message(bot, message_id(room, number))
    road = await reader.road(events[0]) if events else None
    if road is None:
        return Progress(number=number, state="delivered")
    if _is_answer_waiting(road) and await reader.is_held():
        return replace(_ended(number, "held"), state="queued", is_final=False, is_held=True)
    return _progress(road, number)


def _is_answer_waiting(road: Road) -> bool:
    return any(row.delivery.state in OPEN_STATES for row in road.deliveries)


def _progress(road: Road, number: int) -> Progress:
    event, turn = road.event, road.turn
    if event.state != EventState.ROUTED or turn is None:
        return _ended(number, event.reason)
    if turn.state is TurnState.WAITING:
        return Progress(number=number, state="answering" if turn.is_running else "queued")
    if turn.state is TurnState.FINISHED and turn.reason.partition(" ")[0] in {"", "answered"}:
        return Progress(number=number, state="answered", is_final=True)
    return _ended(number, turn.reason)


# Words that are nobody's business below a message: the bot was not asked, or what it has to say of
# this it has said itself. Operators see them on the message's road.
_UNSAID = frozenset(
    {
        *("not_addressed", "no_route", "recalled", "recalled_early", "no_answer", "shadow", ""),
        *("unsure", "not_a_question", "not_in_knowledge", "stopped"),
    }
)


def _ended(number: int, reason: str) -> Progress:
    if reason.partition(" ")[0] in _UNSAID:
        return Progress(number=number, state="delivered", is_final=True)
    return Progress(
        number=number,
        state="unanswered",
        zh=explain(reason, "zh"),
        en=explain(reason, "en"),
        next_zh=next_click(reason, "zh"),
        next_en=next_click(reason, "en"),
        is_final=True,
    )
