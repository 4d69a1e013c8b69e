"""What the store costs: CPU per message on its whole road, and a claim beside a flooded lane.

Run: ``.venv/bin/python benchmarks/store.py [--messages N] [--rounds N]``
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from posthouse.model.address import Chat, Entrance, Person, Place, SessionKind, session_key
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Sent
from posthouse.model.disposition import Disposition, NewDelivery
from posthouse.model.event import MessageReceived, message_key
from posthouse.model.message import Content, Text
from posthouse.model.turn import EventState
from posthouse.store.journal import Arrival, ClaimedTurn, Gateway, Result
from posthouse.store.sqlite.store import SqliteStore, new_key

BOT = "bench"
CHATS = 500
IN_FLIGHT = 100
FLOOD = 100_000
LEASE_S = 3600.0
CAPABILITIES = Capabilities()


class Bench(Struct):
    """A store with chats and a gateway at work."""

    store: SqliteStore
    gateway: Gateway
    chats: list[Chat]


@asynccontextmanager
async def opened() -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # a real disk, not a tmpfs
        store = SqliteStore.open(Path(folder) / "bench.db")
        gateway = await store.journal.enter("bench", time.time(), LEASE_S)
        places = [Place(BOT, f"chat{n}") for n in range(CHATS)]
        chats = [await store.chats.resolve(place, time.time()) for place in places]
        yield Bench(store, gateway, chats)
        await store.close()


def arrival(chat: Chat, number: int) -> Arrival:
    now = time.time()
    person = Person(f"u{number % 7}", name="Somebody")
    event = MessageReceived(
        key=message_key(chat.platform_id, f"m{number}"),
        place=Place(BOT, chat.platform_id),
        sender=person,
        message_id=f"m{number}",
        parts=(Text(f"message {number} " + "x" * 200),),
        at=now,
        is_addressed=True,
    )
    session = session_key(chat.id, SessionKind.MEMBER, person.id, "")
    routed = Disposition(state=EventState.ROUTED, session=session, handler="echo")
    return Arrival(event=event, disposition=routed, chat=chat.id, entrance=Entrance.WEBHOOK)


# --- the whole road -------------------------------------------------------------------------


async def road(messages: int) -> tuple[float, float]:
    """Return microseconds of CPU and of time per message, 100 in flight."""
    async with opened() as bench:
        began_cpu, began = time.process_time(), time.perf_counter()
        numbers = iter(range(messages))
        runner = asyncio.create_task(run_turns(bench, messages))
        await asyncio.gather(*(arrive(bench, numbers) for _ in range(IN_FLIGHT)))
        await runner
        cpu_s, spent_s = time.process_time() - began_cpu, time.perf_counter() - began
        problems = await bench.store.upkeep.check()
        assert not problems, problems
    return cpu_s / messages * 1e6, spent_s / messages * 1e6


async def arrive(bench: Bench, numbers: Iterator[int]) -> None:
    for number in numbers:
        chat = bench.chats[number % CHATS]
        await bench.store.journal.accept((arrival(chat, number),), time.time())


async def run_turns(bench: Bench, messages: int) -> None:
    journal, done = bench.store.journal, 0
    running: set[asyncio.Task[int]] = set()
    while done < messages:
        claimed = await journal.claim_turns(bench.gateway, time.time(), IN_FLIGHT)
        running |= {asyncio.create_task(answer(bench, one)) for one in claimed}
        if not running:
            await asyncio.sleep(0)
            continue
        finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        done += sum(task.result() for task in finished)


async def answer(bench: Bench, claimed: ClaimedTurn) -> int:
    journal, turn = bench.store.journal, claimed.turn
    delivery = NewDelivery(
        origin=f"turn:{turn.id}",
        ordinal=0,
        part=0,
        content=Content(turn.text),
        key=new_key(),
        body=turn.text.encode(),
    )
    finished = await journal.finish(
        claimed.claim,
        turn.id,
        Result(deliveries=(delivery,)),
        CAPABILITIES,
        time.time(),
        is_first_sent=True,
    )
    if finished.first is not None:
        first = finished.first
        sent = Sent((f"p{first.delivery.id}",))
        await journal.settle(
            first.claim, first.delivery.id, sent, CAPABILITIES, time.time(), time.time()
        )
    return 1


# --- a claim beside a flooded lane ----------------------------------------------------------


async def claim_beside(flood: int, rounds: int = 200) -> float:
    """Return milliseconds for a claim of 64 lanes while one lane has ``flood`` turns waiting."""
    async with opened() as bench:
        journal = bench.store.journal
        flooded = bench.chats[0]
        for first in range(0, flood, 500):
            batch = tuple(arrival(flooded, 7 * n) for n in range(first, min(flood, first + 500)))
            await journal.accept(batch, time.time())
        spent = []
        for number in range(rounds):
            others = tuple(arrival(chat, 10**9 + number) for chat in bench.chats[1:65])
            await journal.accept(others, time.time())
            began = time.process_time()
            claimed = await journal.claim_turns(bench.gateway, time.time(), 64)
            spent.append(time.process_time() - began)
            await asyncio.gather(
                *(
                    journal.finish(
                        one.claim,
                        one.turn.id,
                        Result(),
                        CAPABILITIES,
                        time.time(),
                        is_first_sent=False,
                    )
                    for one in claimed
                )
            )
    return statistics.median(spent) * 1e3


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--flood", type=int, default=FLOOD)
    chosen = options.parse_args()
    found = [await road(chosen.messages) for _ in range(chosen.rounds)]
    cpu, spent = (statistics.median(values) for values in zip(*found, strict=True))
    print(f"accept, claim, finish and send, settle: {cpu:.0f} µs CPU, {spent:.0f} µs per message")
    print(f"that is {1e6 / spent:.0f} messages per second, {IN_FLIGHT} in flight, durable")
    calm, flooded = await claim_beside(0), await claim_beside(chosen.flood)
    print(f"claim of 64 lanes: {calm:.2f} ms; with {chosen.flood} in one lane: {flooded:.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
