"""What is done to a peer in one round: starts, steady loads, a burst, a kill."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import ClientError, ClientSession
from msgspec import Struct

from benchmarks.peers.driver import SETTLED_AFTER_S, START_WITHIN_S, Driver
from benchmarks.peers.implementation import RETRY_EVERY_S
from benchmarks.peers.ledger import Counts
from benchmarks.peers.machine import busy_s
from benchmarks.peers.peers import Peer
from benchmarks.peers.processes import Memory, Program, own_cpu_s

IN_FLIGHT = (1, 16, 64)
MESSAGES = 4000
FEW = 1000  # one in flight takes long
WARM_UP = 500
GROUP = 777
BURST = 1000
KILL_PEOPLE = 50
KILL_PUSHED = 300
KILL_AFTER = 20  # answers


class Load(Struct, frozen=True):
    """What one load brought."""

    counts: Counts
    cpu_ms: float  # of the peer's whole tree, per answer
    rate: float  # answers per second
    others: float  # cores that neither the peer nor this driver used


class Start(Struct, frozen=True):
    """How soon a peer was there, from its spawn on."""

    port_s: float
    answer_s: float


class Kill(Struct, frozen=True):
    """What a kill left of the messages that were on their way."""

    pushed: int
    before: int  # answered before the kill
    after: int  # answered after the restart
    told: int  # told that theirs was interrupted
    lost: int
    twice: int
    inverted: int


class Round(Struct, frozen=True):
    """All that one round found about one peer."""

    first_start: Start
    later_start: Start
    idle: Memory
    loads: dict[str, Load]
    after_burst: Memory
    kill: Kill
    restart: Start


class Table:
    """A peer that can be started, and a driver that sits across from it."""

    def __init__(self, peer: Peer, port: int, folder: Path, session: ClientSession) -> None:
        self._peer = peer
        self._port = port
        self._folder = folder
        self._program: Program | None = None
        self.driver = Driver(session, port)

    @property
    def program(self) -> Program:
        """The running peer."""
        assert self._program is not None, "start it first"
        return self._program

    async def start(self) -> Start:
        """Start the peer with the data it has, and wait until it has answered once.

        Raises:
            TimeoutError: it did not; its log is in the error.
        """
        began = time.perf_counter()
        self._program = await Program.start(
            self._peer.command(self._port, self._folder / "data"),
            self._peer.folder,
            self._peer.environment(self._port),
            self._folder / "log",
        )
        try:
            await self._until_open()
            port_s = time.perf_counter() - began
            await self.driver.connect()
            await self.driver.greet()
        except TimeoutError as error:
            log = (self._folder / "log").read_text("utf-8", "replace")[-2000:]
            raise TimeoutError(
                f"{self._peer.title} did not answer; its log ends:\n{log}"
            ) from error
        return Start(port_s, time.perf_counter() - began)

    async def stop(self) -> None:
        """Leave the peer and end it, whatever state it is in."""
        await self.driver.close()
        if self._program is not None:
            await self._program.stop()

    async def _until_open(self) -> None:
        async with asyncio.timeout(START_WITHIN_S):
            while not _is_open(self._port):  # noqa: ASYNC110 - a port calls nobody
                await asyncio.sleep(RETRY_EVERY_S)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.asynccontextmanager
async def seated(peer: Peer, port: int) -> AsyncIterator[Table]:
    """Have a table with an empty data directory on this disk."""
    with tempfile.TemporaryDirectory(prefix="posthouse-peers-", dir=Path.cwd()) as folder:
        async with ClientSession() as session:
            table = Table(peer, port, Path(folder), session)
            try:
                yield table
            finally:
                await table.stop()


async def measure_round(peer: Peer, port: int, messages: int) -> Round:
    """Do everything to a peer once."""
    async with seated(peer, port) as table:
        first_start = await table.start()
        await steady(table.driver, WARM_UP, 16)
        idle = table.program.memory()
        loads = {name: await measure(table, load) for name, load in all_loads(messages).items()}
        after_burst = table.program.memory()
        await table.stop()
        later_start = await table.start()
    async with seated(peer, port) as table:
        await table.start()
        await steady(table.driver, WARM_UP, 16)
        kill, restart = await kill_while_answering(table)
    return Round(first_start, later_start, idle, loads, after_burst, kill, restart)


def all_loads(messages: int) -> dict[str, Callable[[Driver], Awaitable[None]]]:
    """Return every load by its name, in the order of a round."""
    return {
        "1 in flight": lambda driver: steady(driver, min(messages, FEW), 1),
        "16 in flight": lambda driver: steady(driver, messages, 16),
        "64 in flight": lambda driver: steady(driver, messages, 64),
        "16 in flight, in a group": lambda driver: steady(driver, messages // 2, 16, GROUP),
        "1,000 at once in one session": lambda driver: burst(driver, BURST),
    }


async def steady(driver: Driver, messages: int, people: int, group: int | None = None) -> None:
    """Let so many people talk at once; each says the next thing when answered."""
    numbers = iter(range(messages))

    async def talk(person: int) -> None:
        for _ in numbers:
            await driver.ask(person, group)

    await asyncio.gather(*(talk(person) for person in range(100, 100 + people)))


async def burst(driver: Driver, messages: int) -> None:
    """Let one person say everything at once."""
    for _ in range(messages):
        _ = await driver.say(person=99)
    await driver.hear(messages)


async def measure(table: Table, load: Callable[[Driver], Awaitable[None]]) -> Load:
    """Put a load on the peer and count what it brings and costs."""
    ledger = table.driver.turn_page()
    cpu, own, busy, began = table.program.cpu_s(), own_cpu_s(), busy_s(), time.perf_counter()
    await load(table.driver)
    await asyncio.sleep(SETTLED_AFTER_S)
    used_s, own_used_s = table.program.cpu_s() - cpu, own_cpu_s() - own
    others_s = busy_s() - busy - used_s - own_used_s
    counts = ledger.counts()
    return Load(
        counts=counts,
        cpu_ms=used_s * 1000 / max(counts.answered, 1),
        rate=counts.answered / counts.answers_s if counts.answered else 0.0,
        others=max(others_s / (time.perf_counter() - began), 0.0),
    )


async def kill_while_answering(table: Table) -> tuple[Kill, Start]:
    """Kill the peer when it has answered a few of many, start it again and see what comes."""
    driver = table.driver
    ledger = driver.turn_page()
    pushing = asyncio.create_task(_push_to_many(driver))
    await driver.hear(KILL_AFTER)
    await table.program.kill()
    await pushing
    await driver.close()
    before = ledger.answered
    restart = await table.start()  # asks once more, and is answered: that one is taken off below
    pushed = ledger.counts().pushed
    await driver.hear(pushed)
    await asyncio.sleep(SETTLED_AFTER_S)
    counts = ledger.counts()
    kill = Kill(
        pushed=pushed - 1,
        before=before,
        after=counts.answered - before - 1,
        told=counts.told,
        lost=counts.lost,
        twice=counts.twice + counts.strange,
        inverted=counts.inverted,
    )
    return kill, restart


async def _push_to_many(driver: Driver) -> None:
    with contextlib.suppress(ClientError):  # the peer is gone: the rest was never pushed
        for number in range(KILL_PUSHED):
            _ = await driver.say(person=200 + number % KILL_PEOPLE)
