"""The real process, killed at random under load, on a network that often fails: the user's command.

``POSTHOUSE_CRASH_SEED`` plays the same people, faults and kills again, ``POSTHOUSE_CRASH_KILLS``
and ``POSTHOUSE_CRASH_EVENTS`` make it longer.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest

from posthouse.cli.laboratory.laboratory import EVERY_BOT
from posthouse.cli.laboratory.qq import QQ
from posthouse.cli.terminal import OPERATOR_MISTAKE

SEED = int(os.environ.get("POSTHOUSE_CRASH_SEED") or secrets.randbits(32))
KILLS = int(os.environ.get("POSTHOUSE_CRASH_KILLS", "7"))
EVENTS = int(os.environ.get("POSTHOUSE_CRASH_EVENTS", "300"))

pytestmark = [pytest.mark.crash, pytest.mark.slow]


async def bench_crash(folder: Path, **options: int) -> tuple[int, str, str]:
    """Run the command; returns its exit code and what it said on both outputs."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "posthouse", "bench", "crash", "--json", *words),
        env={**os.environ, "TMPDIR": str(folder), "LC_ALL": "en_US.UTF-8"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, warned = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, said.decode(), warned.decode()


def left_in(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


@pytest.mark.timeout(360 + 8 * KILLS + EVENTS // 5)
async def test_killed_at_random_it_loses_nothing_and_says_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said, warned = await bench_crash(tmp_path, kills=KILLS, events=EVENTS, seed=SEED)
    assert f"seed {SEED}" in warned
    report: dict[str, Any] = json.loads(said)
    shown = {name: value for name, value in report.items() if name != "judgements"}
    with capsys.disabled():
        print(f"\nPOSTHOUSE_CRASH_SEED={SEED}: {shown}")  # noqa: T201 - the figures of this run
    assert report["is_kept"], said
    fallen = {name: len(each["fallen"]) for name, each in report["judgements"].items()}
    assert report["acknowledged"] + sum(fallen.values()) == EVENTS
    assert fallen.keys() == {each.bot for each in EVERY_BOT}
    fallen.pop(QQ.bot)
    assert not any(fallen.values()), "these platforms ask until it is taken"
    assert report["turns_caught"], "no kill hit a running turn: more kills"
    assert report["sends_caught"], "no kill hit a message on its way: more kills"
    assert not left_in(tmp_path), "a good run leaves nothing behind"


async def test_numbers_that_make_no_run_are_refused(tmp_path: Path) -> None:
    code, _, warned = await bench_crash(tmp_path, kills=5, events=5)
    assert code == OPERATOR_MISTAKE
    assert "more events than kills" in warned
