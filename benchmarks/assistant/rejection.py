"""How well the assistant knows when to be silent, with how many labels, and what that costs.

Run: ``.venv/bin/python benchmarks/assistant/rejection.py CORPUS LABELS [--draws N]``

CORPUS and LABELS as for ``posthouse kb eval``, which gives the figures of one gate; here are those
that need many: what few labels are worth, and how long training and judging take. Labels are drawn
from four of five blocks of neighbours, and the gate is tested on the fifth, which it never saw.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from posthouse.cli.kb_eval import searching
from posthouse.cli.terminal import Terminal
from posthouse.knowledge.evaluation import cases_of
from posthouse.knowledge.gate.gate import dump, see, shipped
from posthouse.knowledge.gate.measures import Quality, quality
from posthouse.knowledge.gate.training import CASES_MIN, Case, decided, learn, parted
from posthouse.knowledge.labels import labelled

COUNTS = (20, 50, 100, 200, 1000)
JUDGED = 2000


def drawn(cases: Sequence[Case], count: int, random: Random) -> list[Case]:
    """Draw messages as they come, in their order; enough of either kind to learn from."""
    while True:
        chosen = sorted(random.sample(range(len(cases)), count))
        found = [cases[at] for at in chosen]
        wanted = sum(one.is_wanted for one in found)
        if min(wanted, count - wanted) >= CASES_MIN:
            return found


def with_labels(cases: Sequence[Case], count: int, draws: int) -> list[Quality]:
    """Train with so many labels and test on the block that none of them is from."""
    random, blocks = Random(count), list(parted(cases))
    found: list[Quality] = []
    for number in range(draws):
        block, others = blocks[number % len(blocks)]
        known = [cases[at] for at in others]
        gate = learn(drawn(known, min(count, len(known)), random))
        found.append(quality(list(decided(gate, [cases[at] for at in block]))))
    return found


def without(cases: Sequence[Case]) -> list[Quality]:
    """Test the shipped gate on the same blocks."""
    return [
        quality(list(decided(shipped(), [cases[at] for at in block]))) for block, _ in parted(cases)
    ]


def row(name: str, found: Sequence[Quality]) -> str:
    def mean(field: str) -> str:
        return f"{statistics.mean(getattr(one, field) for one in found):.3f}"

    fields = ("auc", "f1", "best_f1", "sure_precision", "sure_recall")
    return f"{name:>8}  " + "  ".join(f"{field} {mean(field)}" for field in fields)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    wanted = parser.parse_args()
    labels = labelled(wanted.labels.read_bytes(), wanted.labels.name)
    async with searching(wanted.corpus, Terminal("en")) as find:
        cases = await cases_of(labels, find)
        found = await find(labels[0].text)
    print(row("none", without(cases)))
    for count in COUNTS:
        print(row(str(count), with_labels(cases, count, wanted.draws)))
    began = time.perf_counter()
    gate = learn(cases)
    print(f"training with {len(cases)} labels: {time.perf_counter() - began:.1f} s")
    print(f"a stored gate: {len(dump(gate)) / 1000:.0f} kB")
    began = time.perf_counter()
    for _ in range(JUDGED):
        gate.score(see(labels[0].text, found))
    print(f"judging a message: {(time.perf_counter() - began) / JUDGED * 1000:.3f} ms")


if __name__ == "__main__":
    asyncio.run(main())
