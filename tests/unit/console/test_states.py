"""The words that people read about a message."""

import pytest
from msgspec.structs import replace

from posthouse.console.states import of_delivery, of_event, of_turn
from posthouse.model.delivery import Delivery, State
from posthouse.model.turn import EventState, TurnState
from posthouse.store.reader import EventRow, TurnRow
from tests.one_road import DELIVERY, EVENT, TURN


def delivery(state: State, *, reason: str = "", is_doubled: bool = False) -> Delivery:
    return replace(DELIVERY, state=state, reason=reason, may_be_duplicate=is_doubled)


def turn(state: TurnState, reason: str = "", *, is_running: bool = False) -> TurnRow:
    return replace(TURN, state=state, reason=reason, is_running=is_running)


def event(state: EventState, reason: str = "") -> EventRow:
    return replace(EVENT, state=state, reason=reason, turn=None)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_of_a_delivery_has_a_word(state: State, language: str) -> None:
    mood = of_delivery(delivery(state), language)
    assert mood.word
    assert mood.tone in {"good", "busy", "warn", "bad", "quiet"}


def test_the_words_are_the_ones_that_people_know() -> None:
    assert of_delivery(delivery(State.QUEUED), "zh").word == "排队中"
    assert of_delivery(delivery(State.SENT), "zh").word == "已送达"
    assert of_delivery(delivery(State.SENT, is_doubled=True), "zh").word == "可能重复"
    for state in (State.FAILED, State.DOUBTFUL):
        assert of_delivery(delivery(state), "zh").word == "需要处理"
    assert of_turn(turn(TurnState.WAITING, is_running=True), "zh").word == "回答中"
    assert of_turn(turn(TurnState.WAITING), "zh").word == "排队中"
    assert of_turn(turn(TurnState.BURIED, "buried"), "zh").word == "需要处理"


def test_a_doubt_is_told_once_and_with_its_cause() -> None:
    said = of_delivery(delivery(State.DOUBTFUL, reason="timed_out"), "zh").sentence
    assert said == "平台没有回应，不知是否送达 · 不会自动重发"
    assert of_delivery(delivery(State.DOUBTFUL), "en").sentence.startswith("nobody can tell")


def test_a_message_without_an_answer_ends_with_its_reason_and_the_next_click() -> None:
    mood = of_event(event(EventState.IGNORED, "not_addressed"), None, "zh")
    assert mood.word == "没有@机器人"
    assert "listen" in mood.next
    unsure = of_turn(turn(TurnState.FINISHED, "handler_error 4711"), "zh")
    assert (unsure.word, unsure.tone) == ("处理程序出错 (4711)", "bad")
