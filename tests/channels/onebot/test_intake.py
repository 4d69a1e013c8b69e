"""Events between the connection and the book: none is left behind, and their number is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from posthouse.channels.onebot.codec import Context, undecodable
from posthouse.channels.onebot.intake import WAITING_MAX, Intake
from posthouse.model.errors import TryLater
from posthouse.model.event import Event
from posthouse.testing.recording_door import RecordingDoor


def event(number: int) -> Event:
    return undecodable(str(number), "", Context("qq", 1.0))


def raws(door: RecordingDoor) -> list[str]:
    return [getattr(each, "raw", "") for each in door.events]


@asynccontextmanager
async def running(door: RecordingDoor) -> AsyncIterator[tuple[Intake, Callable[[], None]]]:
    """An intake, and what lets it ask a door again that refused."""
    again = asyncio.Event()

    async def sleep(_span_s: float) -> None:
        await again.wait()

    intake = Intake("qq", sleep)
    run = asyncio.ensure_future(intake.run(door))
    await asyncio.sleep(0)  # it has begun
    try:
        yield intake, again.set
    finally:
        run.cancel()
        await asyncio.wait({run})


async def test_who_brings_more_than_fits_waits() -> None:
    door = RecordingDoor()
    door.refusal = TryLater()
    async with running(door) as (intake, ask_again):
        for number in range(WAITING_MAX - 1):
            await intake.put(event(number))
        late = asyncio.ensure_future(intake.put(event(WAITING_MAX)))
        await door.until_tried(1)
        assert not late.done()
        door.refusal = None
        ask_again()
        await late
        await door.until_accepted(WAITING_MAX)


async def test_what_is_older_goes_first_and_what_was_kept_back_follows() -> None:
    door = RecordingDoor()
    async with running(door) as (intake, _):
        intake.hold()
        await intake.put(event(3))
        intake.put_older([event(1), event(2)])
        await door.until_accepted(2)
        intake.release()
        await door.until_accepted(3)
    assert raws(door) == ["1", "2", "3"]


async def test_what_is_kept_back_is_bounded_too() -> None:
    door = RecordingDoor()
    async with running(door) as (intake, _):
        intake.hold()
        for number in range(WAITING_MAX + 1):
            await intake.put(event(number))
        await door.until_accepted(WAITING_MAX + 1)


async def test_a_stop_leaves_nothing_behind_not_even_what_was_kept_back() -> None:
    door = RecordingDoor()
    async with running(door) as (intake, _):
        intake.hold()
        await intake.put(event(1))
    assert raws(door) == ["1"]


async def test_waiting_for_the_book_ends_when_it_has_everything() -> None:
    door = RecordingDoor()
    door.refusal = TryLater()
    async with running(door) as (intake, ask_again):
        await intake.put(event(1))
        waiting = asyncio.ensure_future(intake.until_accepted())
        await door.until_tried(1)
        assert not waiting.done()
        door.refusal = None
        ask_again()
        await waiting
        assert raws(door) == ["1"]
