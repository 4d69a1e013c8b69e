"""Measure Posthouse beside another bot framework, both behind the same OneBot implementation.

Run: ``make bench-peers`` or ``.venv/bin/python -m benchmarks.peers [--rounds N] [--json FILE]``
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from benchmarks.peers.machine import NO_DISK, Machine, this_machine
from benchmarks.peers.peers import PEERS, Peer
from benchmarks.peers.processes import adopt_orphans
from benchmarks.peers.report import Report, markdown
from benchmarks.peers.scenarios import MESSAGES, Round, measure_round

PORT = 6700
ROUNDS = 5
REFUSED = 2


async def measure(
    peers: Sequence[Peer], port: int, messages: int, rounds: int
) -> dict[str, list[Round]]:
    """Measure all of them in turns, so that what changes meanwhile meets each alike."""
    found: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    for number in range(rounds):
        for peer in peers:
            print(f"round {number + 1} of {rounds}: {peer.title} …", file=sys.stderr)
            found[peer.name].append(await measure_round(peer, port, messages))
    return found


def reason_to_refuse(machine: Machine, *, is_busy_accepted: bool) -> str:
    """Say why nothing should be measured here and now; empty when it should."""
    if machine.filesystem in NO_DISK:
        return "This folder is in memory, where durability costs nothing: run it on a disk."
    if machine.is_busy and not is_busy_accepted:
        return (
            f"The load is {machine.load:.1f} on {machine.cores} cores: others are at work. "
            "Wait, or take --anyway: the result is then marked."
        )
    return ""


def main() -> int:
    """Run from the command line; returns the exit code."""
    chosen = _options().parse_args()
    peers = [PEERS[name] for name in chosen.peers]
    machine = this_machine(Path.cwd())
    if refusal := reason_to_refuse(machine, is_busy_accepted=chosen.anyway):
        print(refusal, file=sys.stderr)
        return REFUSED
    adopt_orphans()
    for peer in peers:
        peer.prepare()
    versions = {peer.title: peer.versions() for peer in peers}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rounds = runner.run(measure(peers, chosen.port, chosen.messages, chosen.rounds))
    report = Report(machine, versions, rounds)
    print(markdown(report))
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    options.add_argument("--peers", nargs="+", choices=sorted(PEERS), default=list(PEERS))
    options.add_argument("--rounds", type=int, default=ROUNDS, help="of each, in turns")
    options.add_argument("--messages", type=int, default=MESSAGES, help="of each steady load")
    options.add_argument("--port", type=int, default=PORT)
    options.add_argument("--json", type=Path, metavar="FILE", help="every round, for machines")
    options.add_argument("--anyway", action="store_true", help="also when the machine is busy")
    return options


if __name__ == "__main__":
    sys.exit(main())
