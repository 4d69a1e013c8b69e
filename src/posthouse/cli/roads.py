"""The road of a message as people read it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

from msgspec import Struct

from posthouse.model.address import Chat, Entrance
from posthouse.model.delivery import Kind, State
from posthouse.model.reasons import REASONS, explain, next_click
from posthouse.model.turn import EventState, TurnState
from posthouse.settings.language import Said
from posthouse.store.reader import DeliveryRow, Road, TurnRow

TEXT_SHOWN_MAX = 80

STATES: Mapping[State, Said] = {
    State.QUEUED: Said("排队中", "waiting to be sent"),
    State.SENDING: Said("发送中", "being sent"),
    State.UNKNOWN: Said("正在确认是否送达", "finding out whether it arrived"),
    State.SENT: Said("已送达", "delivered"),
    State.DOUBTFUL: Said("不知是否送达，需要处理", "nobody can tell whether it arrived"),
    State.FAILED: Said("没有送达，需要处理", "not delivered"),
    State.DROPPED: Said("发送前被撤回", "taken back before it was sent"),
    State.WITHDRAWING: Said("撤回中", "being taken back"),
    State.WITHDRAWN: Said("已撤回", "taken back"),
    State.KEPT: Said(
        "已送达，平台不让撤回", "delivered; the platform did not let it be taken back"
    ),
}

TURNS: Mapping[TurnState, Said] = {
    TurnState.WAITING: Said("排队中", "waiting"),
    TurnState.FINISHED: Said("处理完", "done"),
    TurnState.CANCELLED: Said("已取消", "cancelled"),
    TurnState.INTERRUPTED: Said("被中断", "interrupted"),
    TurnState.BURIED: Said("已放弃，需要处理", "given up"),
}

ENTRANCES: Mapping[str, Said] = {
    Entrance.WEBHOOK: Said("经 HTTP", "over HTTP"),
    Entrance.LONG_CONNECTION: Said("经长连接", "over the long connection"),
    Entrance.RELAY: Said("经中转", "through the relay"),
    Entrance.INTERNAL: Said("内部", "from inside"),
}

# What of several deliveries decides how the message ended: the worst one.
_WORST_FIRST = (
    State.FAILED,
    State.DOUBTFUL,
    State.UNKNOWN,
    State.SENDING,
    State.QUEUED,
    State.WITHDRAWING,
    State.KEPT,
    State.WITHDRAWN,
    State.DROPPED,
)


class Verdict(Struct, frozen=True):
    """How a message ended, or how far it is: one sentence, and what to do about it."""

    sentence: Said
    next: Said
    code: str


def verdict(road: Road) -> Verdict:
    """Say how the message of a road ended."""
    turn = road.turn
    if road.event.state != EventState.ROUTED or turn is None:
        return _by_reason(road.event.reason or road.event.state)
    if turn.state is TurnState.WAITING:
        return _of_waiting(turn)
    if turn.state is not TurnState.FINISHED or not road.deliveries:
        return _by_reason(turn.reason or turn.state)
    return _of_deliveries(turn, road.deliveries)


def _by_reason(stored: str) -> Verdict:
    return Verdict(
        Said(explain(stored, "zh"), explain(stored, "en")),
        Said(next_click(stored, "zh"), next_click(stored, "en")),
        stored,
    )


def _of_waiting(turn: TurnRow) -> Verdict:
    nothing = Said("", "")
    if turn.is_running:
        return Verdict(Said("回答中", "being answered"), nothing, "running")
    if turn.reason:
        because = _by_reason(turn.reason)
        zh, en = because.sentence.zh, because.sentence.en
        said = Said(f"排队中，上次：{zh}", f"waiting; last time: {en}")
        return Verdict(said, because.next, turn.reason)
    return Verdict(Said("排队中", "waiting"), nothing, "waiting")


def _of_deliveries(turn: TurnRow, rows: tuple[DeliveryRow, ...]) -> Verdict:
    final = [row for row in rows if row.delivery.kind is not Kind.DRAFT]
    states = {row.delivery.state: row.delivery for row in final or rows}
    worst = next((states[state] for state in _WORST_FIRST if state in states), None)
    if worst is None:
        return _by_reason(turn.reason or "answered")
    state = STATES[worst.state]
    if not worst.reason:
        return Verdict(state, Said("", ""), str(worst.state))
    because = _by_reason(worst.reason)
    return Verdict(
        Said(f"{state.zh}：{because.sentence.zh}", f"{state.en}: {because.sentence.en}"),
        because.next,
        worst.reason,
    )


def describe(road: Road, chat: Chat | None, language: str, zone: tzinfo) -> Iterator[str]:
    """Yield the lines of one road: what came in, each step with its time, how it ended."""
    event = road.event
    place = f"{chat.title or chat.platform_id} · {chat.bot}" if chat else "?"
    yield f"#{event.id} · {place} · chat:{event.chat}"
    who = event.sender_name or event.sender_id
    yield f"  {who}: {short(event.text) or event.kind}"
    for at, step in sorted(_steps(road, language), key=lambda step: step[0]):
        yield f"  {_time(at, zone)}  {step}"
    for name, value in road.turn.notes if road.turn is not None else ():
        yield f"    {name}: {short(value)}"
    end = verdict(road)
    action = end.next(language)
    arrow = Said("下一步", "next")(language)
    yield f"  ⇒ {end.sentence(language)}" + (f"  ({arrow}: {action})" if action else "")


def _steps(road: Road, language: str) -> Iterator[tuple[float, str]]:
    event, turn = road.event, road.turn
    way = ENTRANCES.get(event.entrance, Said(event.entrance, event.entrance))
    entered = Said(f"收到（{way.zh}），已入册", f"came in ({way.en}), in the book")
    yield event.accepted_at, entered(language)
    if turn is not None:
        yield from _steps_of_turn(turn, language)
    for row in road.deliveries:
        yield _step_of_delivery(row, language)


def _steps_of_turn(turn: TurnRow, language: str) -> Iterator[tuple[float, str]]:
    if turn.started_at is not None:
        tries = f" ×{turn.tries}" if turn.tries > 1 else ""
        began = Said(f"{turn.handler} 开始处理", f"{turn.handler} began")
        yield turn.started_at, began(language) + tries
    if turn.finished_at is not None:
        is_known = turn.reason.partition(" ")[0] in REASONS
        reason = f": {explain(turn.reason, language)}" if is_known else ""
        yield turn.finished_at, f"{TURNS[turn.state](language)}{reason}"


def _step_of_delivery(row: DeliveryRow, language: str) -> tuple[float, str]:
    delivery = row.delivery
    words = [STATES[delivery.state](language)]
    if delivery.kind is Kind.DRAFT:
        words.insert(0, Said("开始书写", "began to write")(language))
    if delivery.may_be_duplicate:
        words.append(Said("可能重复", "may be a duplicate")(language))
    if delivery.attempts > 1:
        words.append(f"×{delivery.attempts}")
    if delivery.reason:
        words.append(explain(delivery.reason, language))
    shown = f"{' · '.join(words)}  “{short(row.text)}”"
    return row.settled_at or delivery.first_sent_at or delivery.queued_at, shown


def short(text: str, most: int = TEXT_SHOWN_MAX) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[:most] + "…"


def _time(at: float, zone: tzinfo) -> str:
    shown = datetime.fromtimestamp(at, zone)
    return f"{shown:%Y-%m-%d %H:%M:%S}.{shown.microsecond // 1000:03d} {shown:%Z}"
