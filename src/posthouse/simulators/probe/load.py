"""Lets people talk: N messages over M chats, each with a mark that its answer must repeat.

As a program it drives a platform in another process::

    python -m posthouse.simulators.probe.load --address http://127.0.0.1:8360 --bots a,b
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import Protocol

import aiohttp
import msgspec
from msgspec import Struct

from posthouse.simulators.probe.server import Said
from posthouse.simulators.probe.wire import Chat, Person, Saying, decode
from posthouse.simulators.timing import Sleep


class Load(Struct, frozen=True, kw_only=True):
    """What is said. Message n goes to bot, chat and person in turn, so every run says the same."""

    bots: tuple[str, ...]
    messages: int
    chats: int = 10  # of each bot
    people: int = 1  # in each chat
    rate_per_s: float | None = None  # None: as fast as ``in_flight_max`` allows
    in_flight_max: int = 100
    first: int = 0  # number of the first message, so that several runs can follow one another
    words: str = ""  # what is said beside the mark, for example a command

    def saying(self, n: int) -> Saying:
        """Return message ``n``."""
        turn, bot = divmod(n, len(self.bots))
        visit, chat = divmod(turn, self.chats)
        person = visit % self.people
        return Saying(
            bot=self.bots[bot],
            chat=Chat(id=f"c-{chat}", title=f"Chat {chat}"),
            sender=Person(id=f"u-{chat}-{person}", name=f"Person {person}"),
            text=f"{self.words} {mark(n)}".strip(),
            mentions_bot=True,
        )


class Spoken(Struct, frozen=True):
    """A message that was said, and when the house had it (None: never)."""

    n: int
    message_id: str | None
    acknowledged_at: float | None


class Platform(Protocol):
    """Where people talk: a ``ProbeServer`` in this process, or ``RemotePlatform``."""

    async def tell(self, saying: Saying) -> Said:
        """Let somebody do something, and wait until the house has it."""
        ...


class RemotePlatform:
    """A platform in another process."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._url = f"{address}/v1/say?wait=1"

    async def tell(self, saying: Saying) -> Said:
        """Let somebody do something, and wait until the house has it."""
        async with self._session.post(self._url, data=msgspec.json.encode(saying)) as response:
            response.raise_for_status()
            return decode(await response.read(), Said)


def mark(n: int) -> str:
    """Return what makes message ``n`` and its answers recognisable."""
    return f"m-{n}"


async def drive(
    load: Load,
    platform: Platform,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> tuple[Spoken, ...]:
    """Say everything, and return when the house has acknowledged or the platform given up.

    With a rate, message n is due at n divided by the rate, whatever became of those before: a slow
    house meets the same crowd as a fast one, up to ``in_flight_max``.
    """
    gate = asyncio.Semaphore(load.in_flight_max)
    began_at = clock()

    async def say(n: int) -> Spoken:
        try:
            said = await platform.tell(load.saying(n))
        finally:
            gate.release()
        return Spoken(n, said.message_id, said.acknowledged_at)

    async with asyncio.TaskGroup() as group:
        tasks = []
        for n in range(load.first, load.first + load.messages):
            if load.rate_per_s is not None:
                due_at = began_at + (n - load.first) / load.rate_per_s
                await sleep(max(0.0, due_at - clock()))
            await gate.acquire()
            tasks.append(group.create_task(say(n)))
    return tuple(task.result() for task in tasks)


def main() -> None:
    """Drive a platform in another process; one JSON line per message."""
    parser = argparse.ArgumentParser(
        prog="python -m posthouse.simulators.probe.load", description=main.__doc__
    )
    parser.add_argument("--address", required=True, help="what the platform printed")
    parser.add_argument("--bots", required=True, help="names, with commas between")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--chats", type=int, default=10, help="of each bot")
    parser.add_argument("--people", type=int, default=1, help="in each chat")
    parser.add_argument("--rate", type=float, default=None, help="messages per second")
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first message")
    parser.add_argument("--words", default="", help="what is said beside the mark")
    options = parser.parse_args()
    load = Load(
        bots=tuple(options.bots.split(",")),
        messages=options.messages,
        chats=options.chats,
        people=options.people,
        rate_per_s=options.rate,
        in_flight_max=options.in_flight,
        first=options.first,
        words=options.words,
    )
    for spoken in asyncio.run(_drive_remote(load, options.address)):
        sys.stdout.write(msgspec.json.encode(spoken).decode() + "\n")


async def _drive_remote(load: Load, address: str) -> tuple[Spoken, ...]:
    connector = aiohttp.TCPConnector(limit=load.in_flight_max)
    timeout = aiohttp.ClientTimeout(total=None)  # the platform decides when it gives up
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        return await drive(load, RemotePlatform(session, address))


if __name__ == "__main__":
    main()
