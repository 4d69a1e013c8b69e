"""Many turns that waited while the house was away, and one lane that floods all others."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median

from posthouse.bootstrap import DATABASE
from posthouse.cli.bench.channel import BOT, BenchChannel, Said, decode, encode
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.road import house_in, settings_for
from posthouse.model.address import ChatKind, Entrance, Place
from posthouse.model.disposition import Disposition
from posthouse.model.turn import EventState
from posthouse.store.journal import Arrival, Claim, ClaimedTurn, Gateway, Journal
from posthouse.store.sqlite.store import SqliteStore

WAITING = 100_000
CHATS = 1000
SLICE = 500
FIRST_REPLY_S_MAX = 3.0
CLAIM = 64
CLAIM_ROUNDS = 15
LEASE_S = 3600.0
FLOOD_RATIO_MAX = 1.5


async def fill(store: SqliteStore, waiting: int, chats: int, first: int = 0) -> None:
    """Let so many turns wait, spread over so many chats from ``first`` on."""
    now = time.time()
    for begin in range(0, waiting, SLICE):
        slice_ = [
            await _arrival(store, first + number % chats, f"{first}-{number}", now)
            for number in range(begin, min(begin + SLICE, waiting))
        ]
        await store.journal.accept(tuple(slice_), now)


async def _arrival(store: SqliteStore, chat_number: int, message: str, now: float) -> Arrival:
    said = Said(f"chat-{chat_number}", message, "/echo hello", now)
    place = Place(BOT, said.chat, ChatKind.PRIVATE)
    chat = (await store.chats.resolve(place, now)).id
    session = f"{chat}:m:person-{said.chat}"
    disposition = Disposition(
        state=EventState.ROUTED, session=session, handler="commands", queue_max=10**9
    )
    return Arrival(
        event=decode(encode(said)), disposition=disposition, chat=chat, entrance=Entrance.WEBHOOK
    )


async def measure_backlog(data: Path, waiting: int) -> tuple[Figure, ...]:
    """Measure from the start of a process to its first reply when many turns wait."""
    store = SqliteStore.open(data / DATABASE)
    await fill(store, waiting, CHATS)
    await store.close()
    begun_at = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "posthouse.cli.bench.backlog",
        str(data),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    elapsed_s = time.monotonic() - begun_at
    process.terminate()
    await process.wait()
    return (
        Figure(
            name="backlog: first reply after a restart",
            value=elapsed_s,
            unit="s",
            target=FIRST_REPLY_S_MAX,
            note=f"{waiting:,} waiting turns in {CHATS:,} sessions",
        ),
    )


async def measure_claims(data: Path, waiting: int) -> tuple[Figure, ...]:
    """Measure what a claim costs, without and with one flooded lane."""
    store = SqliteStore.open(data / DATABASE)
    await fill(store, CHATS * CLAIM_ROUNDS, CHATS)
    gateway = await store.journal.enter("bench", time.time(), LEASE_S)
    calm_ms = await _claim_ms(store.journal, gateway)
    await fill(store, waiting, 1, first=CHATS)
    flooded_ms = await _claim_ms(store.journal, gateway)
    await store.close()
    return (
        Figure(name=f"claims: {CLAIM} lanes", value=calm_ms, unit="ms"),
        Figure(
            name=f"claims: {CLAIM} lanes beside {waiting:,} turns in one lane, ratio",
            value=flooded_ms / calm_ms,
            unit="×",
            target=FLOOD_RATIO_MAX,
        ),
    )


async def _claim_ms(journal: Journal, gateway: Gateway) -> float:
    times = []
    for _ in range(CLAIM_ROUNDS):
        begun_at = time.perf_counter()
        claimed = await journal.claim_turns(gateway, time.time(), CLAIM)
        times.append((time.perf_counter() - begun_at) * 1000)
        assert len(claimed) == CLAIM
        await asyncio.gather(*(_give_back(journal, one) for one in claimed))
    return median(times)


async def _give_back(journal: Journal, claimed: ClaimedTurn) -> None:
    claim: Claim = claimed.claim
    await journal.retry(claim, claimed.turn.id, time.time(), "stopping")


async def _reply_once(data: Path) -> None:
    """Open the house that was filled and say when the first answer has left."""
    has_replied = asyncio.Event()
    BenchChannel.on_send = staticmethod(has_replied.set)
    async with house_in(settings_for(data)):
        await has_replied.wait()
        print("replied", flush=True)  # noqa: T201 - the parent waits for it


if __name__ == "__main__":
    asyncio.run(_reply_once(Path(sys.argv[1])))
