"""Open pages are told that something happened, and in which chat."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from starlette.responses import StreamingResponse

from posthouse.console.asking import Ask
from posthouse.console.live import Live
from posthouse.wakeup.wakeup import TURNS
from tests.unit.console.office import Office


async def opened(live: Live) -> AsyncIterator[bytes]:
    (entry,) = live.table()
    answer = cast("StreamingResponse", await entry.page(cast("Ask", None)))
    return cast("AsyncIterator[bytes]", answer.body_iterator)


async def told(frames: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(10):
        async for frame in frames:
            if frame.startswith(b"event"):
                return frame
    raise AssertionError("the stream ended")


async def test_pages_are_told_of_messages_and_of_outcomes(office: Office) -> None:
    live = Live(office.around)
    first, second = await opened(live), await opened(live)
    assert (await anext(first), await anext(second)) == (b"retry: 2000\n\n",) * 2
    await asyncio.sleep(0)  # the follower takes its mark
    await office.scene.answer("question", "answer")
    office.wakeup.nudge(TURNS)
    expected = b"event: changed\ndata: [%d]\n\n" % office.chat
    assert await told(first) == expected
    assert await told(second) == expected
    await office.scene.deliver()  # nobody nudges for an outcome
    assert await told(first) == expected
    office.pulse.is_stopping = True
    async with asyncio.timeout(10):
        assert [frame async for frame in first if frame.startswith(b"event")] == []
        assert [frame async for frame in second if not frame.startswith(b":")] in ([], [expected])
