"""Open pages are told that something happened, and in which chat."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest
from starlette.responses import StreamingResponse

from posthouse.console import live as live_pages
from posthouse.console.asking import Ask
from posthouse.console.live import Live
from posthouse.console.problems import Declined
from posthouse.wakeup.wakeup import TURNS
from tests.unit.console.office import Office

LISTENING = b"retry: 2000\nevent: listening\ndata: []\n\n"


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
    assert (await anext(first), await anext(second)) == (LISTENING, LISTENING)
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


async def test_so_many_pages_are_open_at_once_and_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_pages, "PAGES_MAX", 2)
    live = Live(office.around)
    pages = [await opened(live), await opened(live)]
    assert [await anext(page) for page in pages] == [LISTENING, LISTENING]
    with pytest.raises(Declined, match="too_many_pages"):
        await opened(live)
    await cast("AsyncGenerator[bytes]", pages[0]).aclose()
    assert await anext(await opened(live)) == LISTENING


async def test_a_page_whose_follower_has_failed_is_let_go_to_ask_again(office: Office) -> None:
    live = Live(office.around)
    page = await opened(live)
    await anext(page)
    assert live._follower is not None
    live._follower.cancel()
    async with asyncio.timeout(10):
        assert [frame async for frame in page if frame.startswith(b"event")] == []
    assert await anext(await opened(live)) == LISTENING
