"""The CPU time of a program is that of its whole tree, ended children included."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from benchmarks.peers.processes import Program

BURN_S = 0.2
BURN = f"import time\nwhile time.process_time() < {BURN_S}: pass"
PARENT = f"""
import signal, subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
print("ended", flush=True)
signal.pause()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_child_that_has_ended_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = await Program.start([sys.executable, "-c", PARENT], tmp_path, os.environ, log)
    try:
        async with asyncio.timeout(30):
            while "ended" not in log.read_text():  # noqa: ASYNC110 - a file calls nobody
                await asyncio.sleep(0.01)
        assert program.cpu_s() >= BURN_S
    finally:
        await program.stop()
    assert program.has_ended
