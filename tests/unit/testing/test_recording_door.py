"""The recording door behaves as the house's own: once per key, and nothing while it refuses."""

import pytest

from posthouse.model.address import Entrance, Person, Place
from posthouse.model.errors import StorageFull
from posthouse.model.event import MessageReceived
from posthouse.model.message import Text
from posthouse.testing.recording_door import RecordingDoor


def said(number: int) -> MessageReceived:
    return MessageReceived(
        key=f"m:c-1:{number}",
        place=Place("bot", "c-1"),
        sender=Person("u-1"),
        message_id=str(number),
        parts=(Text("hello"),),
        at=0.0,
    )


async def test_a_repeat_is_recognised_and_keeps_its_number() -> None:
    door = RecordingDoor()
    first = await door.accept([said(1), said(2)], Entrance.WEBHOOK)
    again = await door.accept([said(2), said(3)], Entrance.WEBHOOK)
    assert (first.events, first.new) == ((1, 2), (True, True))
    assert (again.events, again.new) == ((2, 3), (False, True))
    assert len(door.attempts) == 4


async def test_a_refusal_keeps_nothing() -> None:
    door = RecordingDoor()
    door.refusal = StorageFull()
    with pytest.raises(StorageFull):
        await door.accept([said(1)], Entrance.WEBHOOK)
    assert door.events == []
    assert len(door.attempts) == 1


async def test_answers_are_given_in_order() -> None:
    door = RecordingDoor([b"one", None])
    given = [await door.answer([said(n)], Entrance.WEBHOOK, 5.0) for n in range(3)]
    assert given == [b"one", None, None]
    await door.answered([said(0)], is_written=True)
    assert door.written == [("m:c-1:0", True)]
