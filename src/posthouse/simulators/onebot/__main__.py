"""``python -m posthouse.simulators.onebot``: QQ with a OneBot v11 implementation, pretended."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot.accounts import IdStyle, MessageFormat
from posthouse.simulators.onebot.program import Options, run


def main(prog: str | None = None) -> None:
    """Run pretended QQ accounts until interrupted; prints the control address first."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    add = parser.add_argument
    add("--accounts", default="a=10000", help="for example a=10000,b=10001")
    add("--url", action="append", default=[], help="bot server to dial; [name=]ws://…, repeatable")
    add("--forward", action="append", default=[], help="[name=]port where bots dial in; 0: any")
    add("--token", action="append", default=[], help="access token; [name=]token")
    add(
        "--format",
        choices=[str(each) for each in MessageFormat],
        default="array",
        help="of messages in events",
    )
    add(
        "--ids",
        choices=[str(each) for each in IdStyle],
        default="int32",
        help="what message ids look like",
    )
    add("--heartbeat", type=float, default=30.0, help="seconds; 0: none")
    add("--reconnect", type=float, default=3.0, help="seconds between two attempts")
    add("--report-self", action="store_true", help="push the account's own messages as well")
    add("--port", type=int, default=0, help="of the control surface; 0: any free one")
    add("--seed", type=int, help="decides every id; a new one by default")
    add("--faults", type=Path, help="a fault plan as JSON")
    add("--talk", action="store_true", help="type messages here, and see the answers")
    add("--json", action="store_true", help="the same for programs: JSON lines in and out")
    options = parser.parse_args()
    try:
        asyncio.run(run(_options(options), lambda line: print(line, flush=True)))  # noqa: T201 - its output
    except (OperatorMistake, OSError) as mistake:
        sys.exit(f"onebot: {mistake}")


def _options(given: argparse.Namespace) -> Options:
    return Options(
        accounts=given.accounts,
        urls=tuple(given.url),
        forwards=tuple(given.forward),
        tokens=tuple(given.token),
        message_format=given.format,
        ids=given.ids,
        heartbeat_s=given.heartbeat,
        reconnect_s=given.reconnect,
        reports_self=given.report_self,
        port=given.port,
        seed=given.seed,
        faults=given.faults,
        talk="json" if given.json else "text" if given.talk else "",
    )


if __name__ == "__main__":
    main("python -m posthouse.simulators.onebot")
