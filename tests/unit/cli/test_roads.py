"""Every message ends with one sentence, and the same facts always give the same one."""

from __future__ import annotations

from datetime import UTC

import pytest
from msgspec.structs import replace

from posthouse.cli.roads import ENTRANCES, STATES, TURNS, describe, verdict
from posthouse.model.address import Chat, ChatKind, Entrance
from posthouse.model.delivery import Kind, State
from posthouse.model.turn import EventState, TurnState
from posthouse.store.reader import DeliveryRow, EventRow, Road, TurnRow
from tests.one_road import AT, DELIVERY, EVENT, TURN


def event(state: str = EventState.ROUTED, reason: str = "", text: str = "你好") -> EventRow:
    return replace(EVENT, id=12, chat=3, state=state, reason=reason, text=text, sender_name="张三")


def turn(
    state: TurnState = TurnState.FINISHED, reason: str = "answered", *, is_running: bool = False
) -> TurnRow:
    finished_at = AT + 1 if state is not TurnState.WAITING else None
    return replace(
        TURN,
        id=7,
        state=state,
        reason=reason,
        started_at=AT + 0.01,
        finished_at=finished_at,
        tries=1,
        is_running=is_running,
    )


def delivery(state: State = State.SENT, reason: str = "", **fields: object) -> DeliveryRow:
    row = replace(DELIVERY, id=9, state=state, reason=reason, attempts=2, **fields)
    return DeliveryRow(delivery=row, text="你好！", settled_at=AT + 2)


def road(an_event: EventRow, a_turn: TurnRow | None = None, *deliveries: DeliveryRow) -> Road:
    return Road(event=an_event, turn=a_turn, deliveries=deliveries)


CASES = {
    "answered": (road(event(), turn(), delivery()), "已回答", "answered"),
    "answered, its growing message was dropped": (
        road(
            event(),
            turn(),
            delivery(State.DROPPED, "dropped_by_operator", kind=Kind.DRAFT),
            delivery(),
        ),
        "已回答",
        "answered",
    ),
    "overheard": (
        road(event(EventState.IGNORED, "not_addressed")),
        "没有@机器人",
        "the bot was not addressed",
    ),
    "waiting": (road(event(), turn(TurnState.WAITING, "")), "排队中", "waiting"),
    "running": (
        road(event(), turn(TurnState.WAITING, "", is_running=True)),
        "回答中",
        "being answered",
    ),
    "failed before, waiting": (
        road(event(), turn(TurnState.WAITING, "handler_error")),
        "排队中，上次：处理程序出错",
        "waiting; last time: the handler raised an error",
    ),
    "buried": (
        road(event(), turn(TurnState.BURIED, "buried")),
        "多次失败后已放弃，等待处理",
        "given up after several failures",
    ),
    "stopped": (
        road(event(), turn(TurnState.CANCELLED, "stopped")),
        "已按要求停止",
        "stopped on request",
    ),
    "nothing to say": (
        road(event(), turn(reason="no_answer")),
        "处理程序没有给出回答",
        "the handler had nothing to say",
    ),
    "refused by the platform": (
        road(event(), turn(), delivery(State.FAILED, "refused_by_platform 60020")),
        "没有送达，需要处理：平台拒绝 (60020)",
        "not delivered: the platform refused it (60020)",
    ),
    "one of two doubtful": (
        road(event(), turn(), delivery(), delivery(State.DOUBTFUL, "timed_out")),
        "不知是否送达，需要处理：平台没有回应，不知是否送达",
        "nobody can tell whether it arrived: the platform did not answer in time",
    ),
    "on its way": (
        road(event(), turn(), delivery(), delivery(State.QUEUED)),
        "排队中",
        "waiting to be sent",
    ),
    "taken back": (road(event(), turn(), delivery(State.WITHDRAWN)), "已撤回", "taken back"),
}


@pytest.mark.parametrize(("a_road", "chinese", "english"), CASES.values(), ids=CASES)
def test_a_road_ends_with_one_sentence(a_road: Road, chinese: str, english: str) -> None:
    said = verdict(a_road).sentence
    assert (said.zh, said.en) == (chinese, english)


def test_the_next_click_follows() -> None:
    end = verdict(road(event(EventState.IGNORED, "not_addressed")))
    assert "listen" in end.next.en
    assert "listen" in end.next.zh


def test_every_state_has_words() -> None:
    assert set(ENTRANCES) == set(Entrance)
    assert set(STATES) == set(State)
    assert set(TURNS) == set(TurnState)


def test_a_road_is_told_with_times() -> None:
    chat = Chat(3, "a", "oc_1", ChatKind.GROUP, "产品群")
    a_road = road(event(), turn(), delivery(may_be_duplicate=True))
    assert list(describe(a_road, chat, "zh", UTC)) == [
        "#12 · 产品群 · a · chat:3",
        "  张三: 你好",
        "  2025-11-20 00:53:20.000 UTC  收到（经 HTTP），已入册",
        "  2025-11-20 00:53:20.010 UTC  demo 开始处理",
        "  2025-11-20 00:53:21.000 UTC  处理完: 已回答",
        "  2025-11-20 00:53:22.000 UTC  已送达 · 可能重复 · ×2  “你好！”",
        "  ⇒ 已回答",
    ]


def test_what_was_decided_on_the_way_is_told() -> None:
    notes = (("gate", "0.41<0.55 shipped"), ("answer", "a\nb " * 100))
    silent = replace(turn(), reason="unsure 0.41<0.55", notes=notes)
    lines = list(describe(road(event(), silent), None, "en", UTC))
    assert "done: not sure enough to answer (0.41<0.55)" in lines[-4]
    assert lines[-3] == "    gate: 0.41<0.55 shipped"
    assert lines[-2].startswith("    answer: a b a b")
    assert all("\n" not in line for line in lines)


def test_a_long_text_takes_one_line() -> None:
    lines = list(describe(road(event(text="a\nb " * 500)), None, "en", UTC))
    assert all("\n" not in line and len(line) < 150 for line in lines)
