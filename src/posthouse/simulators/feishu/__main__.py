"""``python -m posthouse.simulators.feishu``: a pretended Feishu tenant in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.feishu.program import Options, run


def main(prog: str | None = None) -> None:
    """Run a pretended Feishu tenant until interrupted; prints its address and apps first."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    add = parser.add_argument
    add("--apps", default="a", help="for example a,b=cli_0123456789abcdef:secret")
    add("--port", type=int, default=0, help="0: any free one")
    add("--seed", type=int, help="decides every id; a new one by default")
    add("--encrypt-key", default="", help="of every app; webhooks are encrypted and signed then")
    add("--hears-everything", action="store_true", help="bots hear groups without a mention")
    add("--webhook", action="append", default=[], help="app=url; may be repeated")
    add("--speed", type=float, default=1.0, help="redelivery is so many times faster")
    add("--queue", action="store_true", help="events wait while nobody is connected")
    add("--faults", type=Path, help="a fault plan as JSON")
    options = parser.parse_args()
    try:
        asyncio.run(run(_options(options), lambda line: print(line, flush=True)))  # noqa: T201 - its output
    except (OperatorMistake, OSError) as mistake:
        sys.exit(f"feishu: {mistake}")


def _options(given: argparse.Namespace) -> Options:
    return Options(
        apps=given.apps,
        port=given.port,
        seed=given.seed,
        encrypt_key=given.encrypt_key,
        hears_everything=given.hears_everything,
        webhooks=tuple(given.webhook),
        speed=given.speed,
        is_queued=given.queue,
        faults=given.faults,
    )


if __name__ == "__main__":
    main("python -m posthouse.simulators.feishu")
