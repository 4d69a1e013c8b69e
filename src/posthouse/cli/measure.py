"""``posthouse bench`` for people: which benchmarks, how they are shown, what counts as reached."""

from __future__ import annotations

import sys

import structlog

from posthouse.cli.bench.command import benchmarks, measure
from posthouse.cli.bench.figure import Figure
from posthouse.cli.progress import at_work
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake

MARKS = {True: "ok", False: "MISS", None: ""}


def bench(names: tuple[str, ...], messages: int, rounds: int, *, as_json: bool) -> int:
    """Run the benchmarks of these names, or all; 1 when a target was missed.

    Raises:
        OperatorMistake: there is no benchmark of that name.
    """
    known = tuple(benchmarks())
    if unknown := [name for name in names if name not in known]:
        raise OperatorMistake(
            f"There is no benchmark {unknown[0]}; there are: {', '.join(known)}.",
            zh=f"没有 {unknown[0]} 这项测量；可用：{', '.join(known)}。",
        )
    # What the measured house logs is no result.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    terminal = Terminal()
    figures: list[Figure] = []
    for name in names or known:
        with at_work(terminal, f"测量 {name}", f"measuring {name}"):
            found = measure(name, messages, rounds)
        figures += found
        for figure in () if as_json else found:
            terminal.line(_shown(figure))
    if as_json:
        terminal.json(figures)
    return PROBLEM_FOUND if any(figure.is_reached is False for figure in figures) else OK


def _shown(figure: Figure) -> str:
    relation = "≤" if figure.is_smaller_better else "≥"
    target = "" if figure.target is None else f"{relation} {figure.target:,.6g}"
    note = f"  {figure.note}" if figure.note else ""
    value = f"{figure.value:>12,.2f} {figure.unit:<8}"
    return f"{figure.name:<36} {value} {target:<12} {MARKS[figure.is_reached]:<4}{note}".rstrip()
