"""A slot carries one answer inside the platform's own request, and knows whether it got there."""

import asyncio

from posthouse.gateway.reply_slot import WRITTEN_WITHIN_S, ReplySlots
from posthouse.model.delivery import NotSent, Sent, Unknown
from posthouse.testing.clock import run_simulated

EVENT = 7
BODY = b"the answer"


async def opened(slots: ReplySlots, wait_s: float = 5.0) -> "asyncio.Task[bytes | None]":
    """A response that waits."""
    waiting = asyncio.create_task(slots.wait(EVENT, wait_s))
    await asyncio.sleep(0)
    assert slots.is_open(EVENT)
    return waiting


async def begun(slots: ReplySlots) -> "asyncio.Task[object]":
    """An answer on its way into the slot."""
    performing = asyncio.create_task(slots.perform(EVENT, BODY))
    await asyncio.sleep(0)
    return performing


def is_empty(slots: ReplySlots) -> bool:
    return repr(slots) == "<ReplySlots 0 open>"


def test_in_time() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        assert await waiting == BODY
        assert not performing.done()  # handed over is not yet written
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()
        assert is_empty(slots)

    run_simulated(scenario())


def test_too_late() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots, wait_s=5.0)
        assert await waiting is None
        assert not slots.is_open(EVENT)
        assert await slots.perform(EVENT, BODY) == NotSent("slot_closed")
        assert is_empty(slots)

    run_simulated(scenario())


def test_released_when_the_answer_comes_by_another_road() -> None:
    async def scenario() -> float:
        slots = ReplySlots()
        first, second = await opened(slots, wait_s=5.0), await opened(slots, wait_s=5.0)
        began_at = asyncio.get_running_loop().time()
        slots.release(EVENT)
        assert (await first, await second) == (None, None)
        assert await slots.perform(EVENT, BODY) == NotSent("slot_closed")
        assert is_empty(slots)
        return asyncio.get_running_loop().time() - began_at

    assert run_simulated(scenario()) == 0.0  # nobody waits any longer


def test_not_released_once_it_carries_the_answer() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        slots.release(EVENT)
        assert await waiting == BODY
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()

    run_simulated(scenario())


def test_written_in_vain_is_unclear() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        assert await waiting == BODY
        slots.written(EVENT, is_written=False)
        assert await performing == Unknown("cut")

    run_simulated(scenario())


def test_never_told_is_unclear_after_a_while() -> None:
    async def scenario() -> float:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        await waiting
        began_at = asyncio.get_running_loop().time()
        assert await performing == Unknown("timed_out")
        assert is_empty(slots)
        return asyncio.get_running_loop().time() - began_at

    assert run_simulated(scenario()) == WRITTEN_WITHIN_S


def test_a_repeat_while_we_think_gets_the_same_bytes() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        first, second = await opened(slots), await opened(slots)
        performing = await begun(slots)
        assert (await first, await second) == (BODY, BODY)
        slots.written(EVENT, is_written=False)
        assert not performing.done()  # the other response may still be written
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()

    run_simulated(scenario())


def test_one_response_that_was_written_is_enough() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        first, second = await opened(slots), await opened(slots)
        performing = await begun(slots)
        await asyncio.gather(first, second)
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()
        slots.written(EVENT, is_written=False)  # too late to matter

    run_simulated(scenario())


def test_a_repeat_keeps_the_slot_open_when_the_first_response_gives_up() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        first = await opened(slots, wait_s=5.0)
        await asyncio.sleep(4.0)
        second = await opened(slots, wait_s=5.0)
        assert await first is None
        performing = await begun(slots)
        assert await second == BODY
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()

    run_simulated(scenario())


def test_a_repeat_of_an_answer_that_is_being_written_counts_too() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        assert not slots.repeat(EVENT)
        waiting = await opened(slots)
        assert not slots.repeat(EVENT)
        performing = await begun(slots)
        await waiting
        assert slots.repeat(EVENT)
        slots.written(EVENT, is_written=False)
        assert not performing.done()
        slots.written(EVENT, is_written=True)
        assert await performing == Sent()

    run_simulated(scenario())


def test_a_client_that_goes_away_closes_its_slot() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        waiting.cancel()
        await asyncio.wait((waiting,))
        assert is_empty(slots)
        assert await slots.perform(EVENT, BODY) == NotSent("slot_closed")

    run_simulated(scenario())


def test_a_client_that_goes_away_with_the_bytes_in_hand_leaves_it_unclear() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        waiting.cancel()
        assert await performing == Unknown("cut")
        assert is_empty(slots)

    run_simulated(scenario())


def test_a_slot_is_used_once() -> None:
    async def scenario() -> None:
        slots = ReplySlots()
        waiting = await opened(slots)
        performing = await begun(slots)
        assert await slots.perform(EVENT, b"second") == NotSent("slot_closed")
        assert await waiting == BODY
        slots.written(EVENT, is_written=True)
        await performing

    run_simulated(scenario())


def test_a_word_about_a_slot_that_is_gone_is_ignored() -> None:
    async def scenario() -> None:
        ReplySlots().written(EVENT, is_written=True)

    run_simulated(scenario())
