"""What stands under one's own message: where it is on its road, in true words."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.channels.web.progress import progress_of
from posthouse.model.delivery import State
from posthouse.model.turn import TurnState
from posthouse.store.reader import DeliveryRow, EventRow, HeardChat, Road, Spoken, TurnRow
from tests.channels.web.stage import open_stage
from tests.one_road import DELIVERY, EVENT, TURN


class Book:
    """A reader of one road."""

    def __init__(self, road: Road | None, *, is_held: bool = False) -> None:
        self.road_of_all = road
        self._is_held = is_held

    async def is_held(self) -> bool:
        return self._is_held

    async def road(self, event: int) -> Road | None:
        return self.road_of_all

    async def find_message(self, bot: str, message_id: str) -> tuple[int, ...]:
        is_there = self.road_of_all is not None and (bot, message_id[-2:]) == ("web", "-5")
        return (1,) if is_there else ()

    async def whose(self, chat: int, message_id: str) -> Spoken | None:
        raise AssertionError(f"nobody reacts here: {chat}, {message_id}")

    async def is_ours(self, chat: int, message_id: str) -> bool:
        raise NotImplementedError

    async def heard_lately(
        self, bot: str, since_at: float, limit: int = 50
    ) -> tuple[HeardChat, ...]:
        raise NotImplementedError


def finished(state: TurnState, reason: str) -> TurnRow:
    return replace(TURN, state=state, reason=reason)


@pytest.mark.parametrize(
    ("event", "turn", "state", "is_final"),
    [
        (EVENT, TURN, "queued", False),
        (EVENT, replace(TURN, is_running=True), "answering", False),
        (EVENT, finished(TurnState.FINISHED, "answered"), "answered", True),
        (EVENT, finished(TurnState.FINISHED, "no_answer"), "delivered", True),
        (EVENT, finished(TurnState.FINISHED, "shadow"), "delivered", True),
        (EVENT, finished(TurnState.FINISHED, "unsure 0.41<0.73"), "delivered", True),
        (EVENT, finished(TurnState.FINISHED, "not_in_knowledge"), "delivered", True),
        (EVENT, finished(TurnState.BURIED, "buried"), "unanswered", True),
        (EVENT, finished(TurnState.CANCELLED, "stopped"), "delivered", True),
        (EVENT, finished(TurnState.INTERRUPTED, "interrupted"), "unanswered", True),
        (replace(EVENT, state="ignored", reason="not_addressed"), None, "delivered", True),
        (replace(EVENT, state="refused", reason="paused"), None, "unanswered", True),
        (replace(EVENT, state="late", reason="late"), None, "unanswered", True),
    ],
)
async def test_every_road_in_words(
    event: EventRow, turn: TurnRow | None, state: str, *, is_final: bool
) -> None:
    found = await progress_of(Book(Road(event=event, turn=turn, deliveries=())), "web", "r1", 5)
    assert (found.number, found.state, found.is_final) == (5, state, is_final)
    assert bool(found.zh and found.en) == (state == "unanswered")


@pytest.mark.parametrize(
    ("state", "is_held", "expected"),
    [
        (State.QUEUED, True, ("queued", False)),
        (State.QUEUED, False, ("answered", True)),
        (State.SENT, True, ("answered", True)),
    ],
)
async def test_an_answer_that_an_operator_must_see_first_is_queued_with_the_reason(
    state: State, expected: tuple[str, bool], *, is_held: bool
) -> None:
    answer = replace(DELIVERY, bot="web", state=state)
    said = (DeliveryRow(delivery=answer, text="hi", settled_at=None),)
    road = Road(event=EVENT, turn=finished(TurnState.FINISHED, "answered"), deliveries=said)
    found = await progress_of(Book(road, is_held=is_held), "web", "r1", 5)
    assert (found.state, found.is_final) == expected
    assert found.is_held is (expected == ("queued", False))
    assert ("restore" in found.en) is found.is_held


async def test_what_the_book_does_not_have_is_only_delivered() -> None:
    found = await progress_of(Book(None), "web", "r1", 5)
    assert (found.state, found.is_final) == ("delivered", False)


async def test_a_page_is_told_how_far_its_message_has_come(tmp_path: Path) -> None:
    book = Book(Road(event=EVENT, turn=TURN, deliveries=()))
    async with open_stage(tmp_path, reader=book) as stage:
        room, (ann, ben) = await stage.team("Ann", "Ben")
        for text in ("one", "two"):
            await ben.say(room, text)
        number = (await ann.say(room, "@bot hello")).json["number"]
        assert number == 5
        async with ann.browser.events(f"/chat/rooms/{room}/events") as stream:
            (first,) = (await stream.next("progress")).data
            assert (first["number"], first["state"]) == (5, "queued")
            book.road_of_all = Road(
                event=EVENT, turn=finished(TurnState.FINISHED, "answered"), deliveries=()
            )
            stage.channel._chat.live.changed(room)
            (last,) = (await stream.next("progress")).data
            assert (last["state"], last["is_final"]) == ("answered", True)
        path = f"/chat/api/rooms/{room}/messages/5/road"
        assert (await ann.browser.get(path)).json["state"] == "answered"
