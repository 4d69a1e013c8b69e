"""``python -m posthouse.simulators.probe``: a probe platform in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.probe.program import Options, run


def main(prog: str | None = None) -> None:
    """Run a probe platform until it is interrupted; prints its address first."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("--bots", default="a=keyed", help="for example a=keyed,b=none")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, help="decides every id; a new one by default")
    parser.add_argument("--webhook", action="append", default=[], help="bot=url; may be repeated")
    parser.add_argument("--faults", type=Path, help="a fault plan as JSON")
    parser.add_argument("--back-off-max", type=float, default=30.0, help="seconds")
    options = parser.parse_args()
    try:
        asyncio.run(run(_options(options), lambda line: print(line, flush=True)))  # noqa: T201 - its output
    except (OperatorMistake, OSError) as mistake:
        sys.exit(f"probe: {mistake}")


def _options(given: argparse.Namespace) -> Options:
    return Options(
        bots=given.bots,
        port=given.port,
        seed=given.seed,
        webhooks=tuple(given.webhook),
        faults=given.faults,
        back_off_max_s=given.back_off_max,
    )


if __name__ == "__main__":
    main("python -m posthouse.simulators.probe")
