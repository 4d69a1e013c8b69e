"""What people read about a message: 排队中, 回答中, 已送达, 可能重复, 需要处理."""

from __future__ import annotations

from msgspec import Struct

from posthouse.model.delivery import Delivery, State
from posthouse.model.reasons import explain, next_click
from posthouse.model.turn import TurnState
from posthouse.settings.language import Said
from posthouse.store.reader import EventRow, TurnRow

GOOD, BUSY, WARN, BAD, QUIET = "good", "busy", "warn", "bad", "quiet"


class Mood(Struct, frozen=True):
    """A word, how it looks, the sentence behind it and the next click (both may be empty)."""

    word: str
    tone: str
    sentence: str = ""
    next: str = ""


_DELIVERIES = {
    State.QUEUED: (Said("排队中", "queued"), BUSY),
    State.SENDING: (Said("发送中", "being sent"), BUSY),
    State.UNKNOWN: (Said("确认中", "checking"), BUSY),
    State.SENT: (Said("已送达", "delivered"), GOOD),
    State.DOUBTFUL: (Said("需要处理", "needs attention"), BAD),
    State.FAILED: (Said("需要处理", "needs attention"), BAD),
    State.DROPPED: (Said("已取消", "dropped"), QUIET),
    State.WITHDRAWING: (Said("撤回中", "being taken back"), BUSY),
    State.WITHDRAWN: (Said("已撤回", "taken back"), QUIET),
    State.KEPT: (Said("撤不回", "could not be taken back"), WARN),
}
_REPEATED = Said("可能重复", "maybe twice")
_DOUBT = Said("不知是否送达", "nobody can tell whether it arrived")
_NOT_AGAIN = Said("不会自动重发", "not sent again by itself")


def of_delivery(delivery: Delivery, language: str) -> Mood:
    """Say how a delivery is."""
    said, tone = _DELIVERIES[delivery.state]
    if delivery.state is State.SENT and delivery.may_be_duplicate:
        said, tone = _REPEATED, WARN
    sentence = explain(delivery.reason, language) if delivery.reason else ""
    if delivery.state is State.DOUBTFUL:
        sentence = f"{sentence or _DOUBT(language)} · {_NOT_AGAIN(language)}"
    return Mood(said(language), tone, sentence, next_click(delivery.reason, language))


def of_event(event: EventRow, turn: TurnRow | None, language: str) -> Mood:
    """Say what became of what somebody said; every message ends with a reason."""
    if event.reason or turn is None:
        reason = event.reason or event.state
        tone = BAD if event.state in {"refused", "undecodable"} else QUIET
        tone = WARN if event.state == "late" else tone
        return _because(reason, tone, language)
    return of_turn(turn, language)


def of_turn(turn: TurnRow, language: str) -> Mood:
    """Say how far a turn is."""
    if turn.state is TurnState.WAITING:
        said = Said("回答中", "answering") if turn.is_running else Said("排队中", "queued")
        again = explain(turn.reason, language) if turn.reason else ""
        return Mood(said(language), BUSY, again, next_click(turn.reason, language))
    if turn.state is TurnState.BURIED:
        mood = _because(turn.reason or "buried", BAD, language)
        return Mood(Said("需要处理", "needs attention")(language), BAD, mood.word, mood.next)
    tone = GOOD if turn.reason == "answered" else QUIET
    if turn.reason.startswith(("handler_", "interrupted", "no_answer")):
        tone = BAD
    return _because(turn.reason or str(turn.state), tone, language)


def _because(reason: str, tone: str, language: str) -> Mood:
    return Mood(explain(reason, language), tone, "", next_click(reason, language))
