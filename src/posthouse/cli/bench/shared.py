"""The road of one and of two gateways on a PostgreSQL database, with the server's CPU counted."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

from msgspec import Struct, json

from posthouse.channels.channel import Door
from posthouse.cli.bench.channel import BOT, Said, decode, encode
from posthouse.cli.bench.figure import Figure
from posthouse.cli.bench.road import CHATS, IN_FLIGHT, house_in, settings_for
from posthouse.cli.run import fast_loop
from posthouse.model.address import Entrance
from posthouse.settings.settings import GatewaySettings, StoreSettings

URL = "POSTHOUSE_BENCH_DATABASE"  # an empty database on this machine, to be filled
CPU_US_MAX = 900.0
LOOK_EVERY_S = 0.02
PARENT, USED_ITSELF, USED = 0, slice(10, 12), slice(10, 14)  # of a process's numbers, in ticks
WARM, GO = b"warm\n", b"go\n"  # said to each other by a gateway and whoever measures it
WARM_UP_MESSAGES = 1_000
OPEN = "SELECT count(*) FROM lanes WHERE waiting > 0"


class Spent(Struct, frozen=True):
    """What one gateway took for its messages."""

    cpu_s: float
    wall_s: float


async def measure_shared(data: Path, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Measure CPU over all processes, and messages a second, of one and of two gateways."""
    figures: list[Figure] = []
    for gateways in (1, 2):
        found = [
            await _round(data / f"{gateways}-{number}", gateways, messages)
            for number in range(rounds)
        ]
        cpu_us, server_us, rate = (sorted(each)[rounds // 2] for each in zip(*found, strict=True))
        name = f"shared, {gateways} gateway{'s' * (gateways - 1)}"
        note = f"{server_us:.0f} µs of it the server's; load {os.getloadavg()[0]:.0f}"
        figures += (
            Figure(
                name=f"{name}: CPU per message",
                value=cpu_us,
                unit="µs",
                target=CPU_US_MAX,
                note=note,
            ),
            Figure(name=f"{name}: messages", value=rate, unit="/s", is_smaller_better=False),
        )
    return tuple(figures)


async def _round(data: Path, gateways: int, messages: int) -> tuple[float, float, float]:
    """Return CPU per message, the server's share of it (both in µs), and messages a second."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "posthouse.cli.bench.shared",
            str(data / str(number)),
            str(messages // gateways),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(gateways)
    ]
    for process in processes:
        await _until_warm(process)
    before_s = _server_cpu_s()
    said = await asyncio.gather(*(process.communicate(GO) for process in processes))
    server_us = (_server_cpu_s() - before_s) / messages * 1e6
    spent = [json.decode(out.splitlines()[-1], type=Spent) for out, _ in said]
    cpu_us = sum(each.cpu_s for each in spent) / messages * 1e6 + server_us
    return cpu_us, server_us, messages / max(each.wall_s for each in spent)


async def _until_warm(process: asyncio.subprocess.Process) -> None:
    """Wait until a gateway has prepared its statements and knows its chats."""
    assert process.stdout is not None
    while (line := await process.stdout.readline()) != WARM:
        if not line:
            raise RuntimeError("a gateway of the benchmark has ended: see what it said above")


def _server_cpu_s() -> float:
    """Return what the processes of the database's server have used, those that ended included."""
    from posthouse.store.postgres.connect import connect

    with closing(connect(os.environ[URL], is_reading=True)) as connection:
        server = _stat(connection.info.backend_pid)[PARENT]
    ticks = sum(_stat(server)[USED])
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = _stat(int(entry.name))
        except OSError:  # it has ended
            continue
        ticks += sum(stat[USED_ITSELF]) if stat[PARENT] == server else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(process: int) -> list[int]:
    """Return the numbers of ``/proc/<pid>/stat`` that follow a process's name and state."""
    text = Path(f"/proc/{process}/stat").read_text("utf-8")
    return [int(field) for field in text.rsplit(")", 1)[1].split()[1:]]


# --- one gateway, in a process of its own ---------------------------------------------------------


async def _run(data: Path, messages: int) -> Spent:
    settings = settings_for(data).model_copy(
        update={
            "store": StoreSettings(url=os.environ[URL]),
            "gateway": GatewaySettings(name=f"bench-{data.name}", lease_s=60.0),
        }
    )
    async with house_in(settings) as house:
        door = house.inbox.door(house.bots[BOT])
        warming = min(messages, WARM_UP_MESSAGES)
        payloads = _payloads(warming + messages)
        await _accept_all(door, payloads[:warming])
        await _until_done()
        await asyncio.to_thread(_wait_for_the_others)
        cpu_s, began_at = _cpu_s(), time.perf_counter()
        await _accept_all(door, payloads[warming:])
        await _until_done()
        return Spent(_cpu_s() - cpu_s, time.perf_counter() - began_at)


def _wait_for_the_others() -> None:
    """Say that this gateway is warm, and go on when all are."""
    sys.stdout.buffer.write(WARM)
    sys.stdout.buffer.flush()
    sys.stdin.buffer.readline()


def _payloads(messages: int) -> list[bytes]:
    """Make payloads that no other process of the benchmark makes."""
    now, mine = time.time(), f"{os.getpid()}"
    return [
        encode(Said(f"chat-{mine}-{number % CHATS}", f"{mine}-{number}", "/echo hello", now))
        for number in range(messages)
    ]


async def _accept_all(door: Door, payloads: list[bytes]) -> None:
    """Accept so many at once as another kind of road has under way."""
    waiting = iter(payloads)
    while some := list(islice(waiting, IN_FLIGHT)):
        await asyncio.gather(*(door.accept((decode(one),), Entrance.WEBHOOK) for one in some))


async def _until_done() -> None:
    """Wait until nothing waits in the book, of the other gateway's either."""
    from posthouse.store.postgres.connect import connect

    with closing(connect(os.environ[URL], is_reading=True)) as connection:
        while connection.execute(OPEN).fetchone() != (0,):  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(LOOK_EVERY_S)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        spent = runner.run(_run(Path(sys.argv[1]), int(sys.argv[2])))
    print(json.encode(spent).decode())  # noqa: T201 - the parent reads it
