"""Answers that travel inside the platform's own HTTP response.

A slot opens when an entrance accepts events and waits. The turn's first delivery takes it if it
is at the head of its chat's send lane; then the slot is a performer like any other: it hands the
bytes to the waiting response and learns whether they were written. A toast travels the same way,
and nobody learns whether it was seen.
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
        self.body: asyncio.Future[bytes | None] = loop.create_future()  # None: by another road
        self.is_written: asyncio.Future[bool] = loop.create_future()
        self.waiting = 0  # responses without bytes
        self.writing = 0  # responses that have been given the bytes


class ReplySlots:
    """The slots that are open in this process, by the number of their event."""

    def __init__(self) -> None:
        self._slots: dict[int, _Slot] = {}

    def __repr__(self) -> str:
        return f"<ReplySlots {len(self._slots)} open>"

    def is_open(self, event: int) -> bool:
        """Whether a response is waiting for this event's answer."""
        slot = self._slots.get(event)
        return slot is not None and slot.waiting > 0 and not slot.body.done()

    async def wait(self, event: int, wait_s: float) -> bytes | None:
        """Wait for an answer; None when the time is over first.

        Whoever gets bytes must tell ``written``.
        """
        if event not in self._slots and len(self._slots) >= SLOTS_MAX:
            return None
        slot = self._slots.setdefault(event, _Slot())
        slot.waiting += 1
        try:
            await asyncio.wait((slot.body,), timeout=wait_s)
        except asyncio.CancelledError:  # the client has gone
            slot.waiting -= 1
            self._close_if_left(event, slot)
            raise
        slot.waiting -= 1
        body = slot.body.result() if slot.body.done() else None
        if body is None:
            self._close_if_left(event, slot)
        else:
            slot.writing += 1
        return body

    def release(self, event: int) -> bool:
        """Let the waiting responses go: the answer, if there is one, comes by another road.

        Returns False when none waits here.
        """
        slot = self._slots.get(event)
        if slot is None:
            return False
        if not slot.body.done():
            del self._slots[event]
            slot.body.set_result(None)
        return True

    def hand(self, event: int, body: bytes) -> bool:
        """Give the waiting responses a body that nobody keeps; False when none waits."""
        if not self.is_open(event):
            return False
        self._slots.pop(event).body.set_result(body)
        return True

    def repeat(self, event: int) -> bool:
        """Count one more response that carries the bytes, if others are still being written."""
        slot = self._slots.get(event)
        if slot is None or not slot.body.done():
            return False
        slot.writing += 1
        return True

    def written(self, event: int, *, is_written: bool) -> None:
        """Learn what became of the bytes; one of several responses is enough."""
        slot = self._slots.get(event)
        if slot is None:
            return
        slot.writing -= 1
        if is_written and not slot.is_written.done():
            slot.is_written.set_result(True)
        self._close_if_left(event, slot)

    def _close_if_left(self, event: int, slot: _Slot) -> None:
        """When the last response has gone: forget the slot, or say that nobody wrote the bytes."""
        if slot.waiting or slot.writing:
            return
        if not slot.body.done():
            del self._slots[event]
        elif not slot.is_written.done():
            slot.is_written.set_result(False)

    async def perform(self, event: int, body: bytes) -> Outcome:
        """Hand ``body`` to the waiting response and wait until it was written."""
        if not self.is_open(event):
            return NotSent("slot_closed")
        slot = self._slots[event]
        slot.body.set_result(body)
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                is_written = await slot.is_written
        except TimeoutError:
            return Unknown("timed_out")
        finally:
            del self._slots[event]
        return Sent() if is_written else Unknown("cut")
