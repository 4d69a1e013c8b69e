"""A chat as people see it: what was heard and what was said, in one line of time. Pure."""

from __future__ import annotations

from msgspec import Struct

from posthouse.console import states
from posthouse.console.names import event_text, person_name
from posthouse.console.states import Mood
from posthouse.console.words import words_of
from posthouse.model.delivery import Kind, State
from posthouse.store.reader import ChatPage, DeliveryRow, Heard

CAN_GO_BACK = frozenset({State.QUEUED, State.SENDING, State.UNKNOWN, State.SENT})
CAN_RETRY = frozenset({State.FAILED, State.DOUBTFUL})
_UNSAID = frozenset({State.QUEUED, State.FAILED, State.DROPPED})


class Bubble(Struct, frozen=True, kw_only=True):
    """One message of the page."""

    id: str
    at: float
    who: str
    text: str
    mood: Mood
    files: tuple[str, ...] = ()
    is_ours: bool = False
    is_aside: bool = False  # no message, only something that happened
    is_gone: bool = False
    to: str = ""  # who was answered
    source: str = ""  # a reply by somebody, a push, a notice
    event: int | None = None
    delivery: int | None = None
    turn: int | None = None  # was given up and can be revived
    can_recall: bool = False
    can_retry: bool = False


def bubbles(page: ChatPage, bot: str, language: str) -> list[Bubble]:
    """Merge both sides by time; a growing message with final words is shown once."""
    names = {heard.event.sender_id: heard.event.sender_name for heard in page.heard}
    settled = {row.delivery.target for row in page.said if row.delivery.state not in _UNSAID}
    shown = [row for row in page.said if row.delivery.id not in settled]
    mixed = [
        *((heard.event.accepted_at, 0, heard_bubble(heard, language)) for heard in page.heard),
        *((row.put_at, 1, said_bubble(row, bot, names, language)) for row in shown),
    ]
    mixed.sort(key=lambda item: item[:2])
    return [bubble for _, _, bubble in mixed]


def heard_bubble(heard: Heard, language: str) -> Bubble:
    """Show what somebody did."""
    event, turn = heard.event, heard.turn
    is_buried = turn is not None and turn.state == "buried"
    return Bubble(
        id=f"e{event.id}",
        at=event.platform_at,
        who=person_name(event, language),
        text=event_text(event, language),
        files=event.files,
        mood=states.of_event(event, turn, language),
        is_aside=event.kind not in {"message", "edited"},
        is_gone=event.state == "recalled",
        source=words_of(language)["edited_now"] if event.kind == "edited" else "",
        event=event.id,
        turn=turn.id if turn is not None and is_buried else None,
    )


def said_bubble(row: DeliveryRow, bot: str, names: dict[str, str], language: str) -> Bubble:
    """Show what a bot said."""
    delivery = row.delivery
    return Bubble(
        id=f"d{delivery.id}",
        at=row.settled_at or row.put_at,
        who=bot,
        text=row.text,
        files=(row.file,) if row.file else (),
        mood=states.of_delivery(delivery, language),
        is_ours=True,
        is_aside=delivery.kind is Kind.REACT,
        is_gone=delivery.state in {State.WITHDRAWN, State.DROPPED},
        to=names.get(row.person, "") if row.person else "",
        source=source_of(delivery.origin, language),
        delivery=delivery.id,
        can_recall=delivery.state in CAN_GO_BACK and delivery.kind is not Kind.REACT,
        can_retry=delivery.state in CAN_RETRY,
    )


def source_of(origin: str, language: str) -> str:
    """Say what caused a delivery, where it is no answer."""
    words = words_of(language)
    kind, _, rest = origin.partition(":")
    if kind == "console":
        return words["by_operator"].format(name=rest.rpartition(":")[0])
    return {"push": words["by_push"], "notice": words["by_notice"]}.get(kind, "")
