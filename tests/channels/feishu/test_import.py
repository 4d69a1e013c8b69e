"""What a Feishu bot costs a house: its own modules, and little else."""

from __future__ import annotations

import json
import subprocess
import sys

MEASURE = """
import json, sys, tracemalloc
import aiohttp, structlog
import posthouse.channels.keep_connected, posthouse.channels.markup, posthouse.channels.options
before = set(sys.modules)
tracemalloc.start()
import posthouse.channels.feishu.channel
taken = tracemalloc.get_traced_memory()[0]
new = sorted(name for name in set(sys.modules) - before if not name.startswith("posthouse."))
print(json.dumps({"bytes": taken, "new": new}))
"""


def test_importing_the_channel_brings_nothing_but_itself() -> None:
    """Neither an SDK nor cryptography, which only encrypted webhooks need."""
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, check=True, text=True
    )
    found = json.loads(measured.stdout)
    assert found["new"] == []
    assert found["bytes"] < 5 * 1024 * 1024
