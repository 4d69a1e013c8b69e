"""Answers that travel inside the platform's own HTTP response.

A slot opens when an entrance accepts events and waits. The turn's first delivery takes it if it
is at the head of its chat's send lane; then the slot is a performer like any other: it hands the
bytes to the waiting response and learns whether they were written.
"""

from __future__ import annotations

import asyncio

from posthouse.model.delivery import NotSent, Outcome, Sent, Unknown

SLOTS_MAX = 10_000
WRITTEN_WITHIN_S = 10.0


class _Slot:
    """One event's waiting responses (a platform may repeat its request while we think)."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.body: asyncio.Future[bytes] = loop.create_future()
        self.is_written: asyncio.Future[bool] = loop.create_future()
        self.waiting = 0


class ReplySlots:
    """The slots that are open in this process, by the number of their event."""

    def __init__(self) -> None:
        self._slots: dict[int, _Slot] = {}

    def is_open(self, event: int) -> bool:
        """Whether a response is waiting for this event's answer."""
        slot = self._slots.get(event)
        return slot is not None and slot.waiting > 0 and not slot.body.done()

    async def wait(self, event: int, wait_s: float) -> bytes | None:
        """Wait for an answer; None when the time is over first."""
        slot = self._slots.get(event)
        if slot is None:
            if len(self._slots) >= SLOTS_MAX:
                return None
            slot = self._slots[event] = _Slot()
        slot.waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(slot.body)
        except TimeoutError:
            return None
        finally:
            slot.waiting -= 1
            if not slot.waiting and not slot.body.done():
                del self._slots[event]

    def written(self, event: int, *, is_written: bool) -> None:
        """Learn what became of the bytes; one of several responses is enough."""
        slot = self._slots.get(event)
        if slot is None or slot.is_written.done():
            return
        if is_written or not slot.waiting:
            slot.is_written.set_result(is_written)

    async def perform(self, event: int, body: bytes) -> Outcome:
        """Hand ``body`` to the waiting response and wait until it was written."""
        slot = self._slots.get(event)
        if slot is None or slot.body.done() or not slot.waiting:
            return NotSent("slot_closed")
        slot.body.set_result(body)
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                is_written = await slot.is_written
        except TimeoutError:
            return Unknown("timed_out")
        finally:
            self._slots.pop(event, None)
        return Sent() if is_written else Unknown("cut")
