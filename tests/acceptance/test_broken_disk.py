"""The real process on a disk that fails: nothing is acknowledged before it is durable."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.cli.laboratory import book
from posthouse.cli.laboratory.laboratory import BOTS, Laboratory
from posthouse.cli.laboratory.premises import RunningHouse
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.state import Event
from posthouse.simulators.probe.wire import Chat, Person, Saying

KEYED = tuple(each for each in BOTS if each.bot_class is BotClass.KEYED)
SOURCE = Path(__file__).with_name("failing_disk.c")
REST_WITHIN_S = 60.0
MESSAGES = 5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes a disk fail when it is told to."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("making a disk fail needs a C compiler (cc)")
    library = tmp_path_factory.mktemp("shim") / "failing_disk.so"
    options = ("-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl")
    made = subprocess.run((compiler, *options), capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"making a disk fail needs Linux: {made.stderr.splitlines()[0]}")
    return library


def said(laboratory: Laboratory, number: int) -> Event:
    return laboratory.platform.say(
        Saying(
            bot=KEYED[0].bot,
            chat=Chat(id="c-0"),
            sender=Person(id="u-0"),
            text=f"/echo m-{number}",
            mentions_bot=True,
        )
    )


@pytest.mark.parametrize(
    "how", [pytest.param("f", id="flush fails"), pytest.param("r", id="read-only")]
)
async def test_what_a_failing_disk_did_not_take_is_not_acknowledged(
    tmp_path: Path, shim: Path, how: str
) -> None:
    switch = tmp_path / "switch"
    environ = {"LD_PRELOAD": str(shim), "FAILING_DISK": str(switch)}
    laboratory = Laboratory(tmp_path, secrets.randbits(32), bots=KEYED)
    async with laboratory.opened(), laboratory.premises.house(environ=environ) as house:
        await house.until_open()
        before = [said(laboratory, number) for number in range(MESSAGES)]
        assert [await laboratory.hand_over(event) for event in before] == [200] * MESSAGES
        await laboratory.until_at_rest(REST_WITHIN_S)

        switch.write_text(how)
        refused = [said(laboratory, MESSAGES + number) for number in range(MESSAGES)]
        assert [await laboratory.hand_over(event) for event in refused] == [503] * MESSAGES
        switch.unlink()
        assert not {event.entry.message_id for event in refused} & in_book(laboratory)

        assert [await laboratory.hand_over(event) for event in refused] == [200] * MESSAGES
        await laboratory.until_at_rest(REST_WITHIN_S)
        assert not house.has_ended
    judgement = laboratory.judgement()
    assert judgement.is_good, judgement.problems
    assert judgement.answered == 2 * MESSAGES
    code, words = await laboratory.premises.command("db", "check")
    assert code == 0, words


def in_book(laboratory: Laboratory) -> set[str]:
    return {message.message_id for message in book.read(laboratory.premises.database).messages}


# --- a flush before every acknowledgement -----------------------------------------------------

CALLS = "read,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync"
READS = re.compile(r'(read|recvfrom)\(.*"POST /webhooks')
FLUSHES = re.compile(r"fdatasync\(\d+<[^>]*posthouse\.db-wal>|fsync\(\d+<[^>]*posthouse\.db-wal>")
FLUSHED = re.compile(r"(fdatasync|fsync)(\(.*| resumed>)\)\s+= 0")
ACKNOWLEDGES = re.compile(r'(write|writev|sendto|sendmsg)\(.*"HTTP/1\.1 200')


@contextlib.asynccontextmanager
async def traced(house: RunningHouse, trace: Path) -> AsyncIterator[None]:
    """Write down the system calls of a house."""
    tracer = shutil.which("strace")
    if tracer is None:
        pytest.skip("watching system calls needs strace")
    options = ("-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o", str(trace))
    process = await asyncio.create_subprocess_exec(
        tracer, *options, "-p", str(house.pid), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    line = await process.stderr.readline()
    if b"attached" not in line:
        pytest.skip(f"watching system calls is not allowed here: {line.decode().strip()}")
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_every_acknowledgement_leaves_after_a_flush(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path, secrets.randbits(32), bots=KEYED)
    trace = tmp_path / "trace"
    async with laboratory.opened(), laboratory.premises.house() as house:
        await house.until_open()
        async with traced(house, trace):
            for number in range(MESSAGES):
                assert await laboratory.hand_over(said(laboratory, number)) == 200
                await laboratory.until_at_rest(REST_WITHIN_S)  # nobody else's flush counts
    steps = [step for line in trace.read_text("utf-8").splitlines() for step in steps_of(line)]
    acknowledged = 0
    is_read = is_flushing = is_flushed = False
    for step in steps:
        if step == "read":
            is_read, is_flushing, is_flushed = True, False, False
        elif step == "flush":
            is_flushing = is_read
        elif step == "flushed":
            is_flushed |= is_flushing
        elif is_read:
            assert is_flushed, "acknowledged before a flush that began after it was read"
            acknowledged += 1
            is_read = False
    assert acknowledged == MESSAGES, steps


def steps_of(line: str) -> tuple[str, ...]:
    """Say what a line of the trace means; a call that others interrupt has two lines."""
    if READS.search(line):
        return ("read",)
    if ACKNOWLEDGES.search(line):
        return ("acknowledge",)
    begins = ("flush",) if FLUSHES.search(line) else ()
    return (*begins, "flushed") if FLUSHED.search(line) else begins
