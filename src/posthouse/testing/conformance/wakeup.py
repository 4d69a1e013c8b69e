"""What every wake-up must do. A nudge is a hint; these checks say how much of a hint.

Nudges may take a moment (another process, another machine), so a check waits for what it expects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from posthouse.testing.conformance.checks import Check, holds, same
from posthouse.wakeup.wakeup import PAYLOAD_BYTES_MAX, SENDS, TURNS, Wakeup

Factory = Callable[[], AbstractAsyncContextManager[Wakeup]]

ARRIVES_S = 5.0


async def run(check: Check[Wakeup], wakeup: Factory) -> None:
    """Run one check on a fresh, opened wake-up."""
    async with wakeup() as opened:
        await check(opened)


class Ear:
    """Remembers what it heard, and lets a check wait for it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._news = asyncio.Event()

    def __call__(self, payload: bytes) -> None:
        self.heard.append(payload)
        self._news.set()

    async def hears(self, count: int) -> None:
        async with asyncio.timeout(ARRIVES_S):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()


async def a_nudge_reaches_who_listens(wakeup: Wakeup) -> None:
    ear, other = Ear(), Ear()
    wakeup.listen(TURNS, ear)
    wakeup.listen(TURNS, other)
    wakeup.nudge(TURNS, b"7")
    await ear.hears(1)
    await other.hears(1)
    same((ear.heard, other.heard), ([b"7"], [b"7"]), "what was heard")


async def a_nudge_needs_no_payload(wakeup: Wakeup) -> None:
    ear = Ear()
    wakeup.listen(TURNS, ear)
    wakeup.nudge(TURNS)
    await ear.hears(1)
    same(ear.heard, [b""], "what was heard")


async def nudges_keep_their_order(wakeup: Wakeup) -> None:
    ear = Ear()
    wakeup.listen(TURNS, ear)
    for n in range(50):
        wakeup.nudge(TURNS, str(n).encode())
    await ear.hears(50)
    same(ear.heard, [str(n).encode() for n in range(50)], "what was heard")


async def topics_are_apart(wakeup: Wakeup) -> None:
    turns, sends = Ear(), Ear()
    wakeup.listen(TURNS, turns)
    wakeup.listen(SENDS, sends)
    wakeup.nudge(TURNS, b"t")
    wakeup.nudge(SENDS, b"s")
    await turns.hears(1)
    await sends.hears(1)
    same((turns.heard, sends.heard), ([b"t"], [b"s"]), "what was heard")


async def who_stopped_listening_hears_nothing(wakeup: Wakeup) -> None:
    ear, other = Ear(), Ear()
    stop = wakeup.listen(TURNS, ear)
    wakeup.listen(TURNS, other)
    stop()
    stop()  # twice is harmless
    wakeup.nudge(TURNS)
    await other.hears(1)
    same(ear.heard, [], "what was heard after stopping")


async def stopping_one_leaves_its_twin(wakeup: Wakeup) -> None:
    ear = Ear()
    stop = wakeup.listen(TURNS, ear)
    wakeup.listen(TURNS, ear)
    stop()
    stop()
    wakeup.nudge(TURNS)
    await ear.hears(1)
    same(ear.heard, [b""], "what the second registration hears")


async def a_listener_may_stop_while_it_is_called(wakeup: Wakeup) -> None:
    ear = Ear()
    stops: list[Callable[[], None]] = []

    def once(payload: bytes) -> None:
        del payload
        stops[0]()

    stops.append(wakeup.listen(TURNS, once))
    wakeup.listen(TURNS, ear)
    wakeup.nudge(TURNS)
    await ear.hears(1)


async def one_bad_listener_does_not_silence_the_others(wakeup: Wakeup) -> None:
    ear = Ear()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # its error goes there, not to us
    wakeup.listen(TURNS, _raise)
    wakeup.listen(TURNS, ear)
    wakeup.nudge(TURNS)
    await ear.hears(1)
    loop.set_exception_handler(None)


async def nobody_needs_to_listen(wakeup: Wakeup) -> None:
    wakeup.nudge("a topic that nobody knows", b"x")


async def a_payload_has_a_largest_size(wakeup: Wakeup) -> None:
    ear = Ear()
    wakeup.listen(TURNS, ear)
    wakeup.nudge(TURNS, b"x" * PAYLOAD_BYTES_MAX)
    await ear.hears(1)
    same(len(ear.heard[0]), PAYLOAD_BYTES_MAX, "bytes heard")
    try:
        wakeup.nudge(TURNS, b"x" * (PAYLOAD_BYTES_MAX + 1))
    except ValueError:
        return
    holds(condition=False, what="a longer payload is a ValueError")


async def a_closed_wakeup_is_silent(wakeup: Wakeup) -> None:
    ear = Ear()
    wakeup.listen(TURNS, ear)
    await wakeup.close()
    await wakeup.close()  # twice is harmless
    await wakeup.open()
    other = Ear()
    wakeup.listen(TURNS, other)
    wakeup.nudge(TURNS)
    await other.hears(1)
    same(ear.heard, [], "what a forgotten listener heard")


def _raise(payload: bytes) -> None:
    raise RuntimeError(f"a listener that fails ({payload!r})")
