"""Rounds of several peers as medians, ratios and targets; as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from msgspec import Struct

from benchmarks.peers.machine import Machine
from benchmarks.peers.scenarios import Round

OURS, THEIRS = "posthouse", "nonebot2"
COMPARED = "16 in flight"
CPU_RATIO_MAX = 1 / 3
OTHERS_MAX = 0.25  # cores; above it a load's times tell of others as well

Rounds = Mapping[str, Sequence[Round]]


class Figure(Struct, frozen=True):
    """One line of the table: what to read out of a round. Several numbers are counts."""

    name: str
    read: Callable[[Round], Sequence[float]]
    digits: int = 0

    @property
    def is_counted(self) -> bool:
        """Whether rounds are summed up: a median would hide what happens in one of them."""
        return " / " in self.name


class Report(Struct, frozen=True):
    """All that one run found; this is the shape of ``--json``."""

    machine: Machine
    versions: Mapping[str, str]
    rounds: Rounds

    @property
    def others(self) -> float:
        """Cores that others used meanwhile: the median over all loads."""
        return median(
            load.others
            for found in self.rounds.values()
            for one in found
            for load in one.loads.values()
        )

    @property
    def is_disturbed(self) -> bool:
        """Whether times and rates tell of others as well."""
        return self.machine.is_busy or self.others > OTHERS_MAX


class Target(Struct, frozen=True):
    """What the project promises itself, and whether a run keeps it."""

    name: str
    is_reached: bool


def figures(loads: Sequence[str]) -> Iterator[Figure]:
    """Yield every line of the table, in its order."""
    for load in loads:
        yield from _of_load(load)
    yield Figure(
        "killed while answering: pushed / before / after / told / lost / twice / out of order",
        lambda one: (
            *(one.kill.pushed, one.kill.before, one.kill.after, one.kill.told),
            *(one.kill.lost, one.kill.twice, one.kill.inverted),
        ),
    )
    yield Figure("restart to first answer, s", lambda one: (one.restart.answer_s,), 2)
    yield Figure("first start to open port, s", lambda one: (one.first_start.port_s,), 2)
    yield Figure("later start to first answer, s", lambda one: (one.later_start.answer_s,), 2)
    yield Figure("memory after 500 messages, PSS MiB", lambda one: (one.idle.pss_mib,))
    yield Figure("memory after all loads, PSS MiB", lambda one: (one.after_burst.pss_mib,))
    yield Figure("memory after all loads, RSS MiB", lambda one: (one.after_burst.rss_mib,))


def _of_load(name: str) -> Iterator[Figure]:
    yield Figure(f"{name}: CPU ms per message", lambda one: (one.loads[name].cpu_ms,), 3)
    yield Figure(f"{name}: messages/s", lambda one: (one.loads[name].rate,))
    yield Figure(f"{name}: p50, ms", lambda one: (one.loads[name].counts.p50_ms,), 2)
    yield Figure(f"{name}: p99, ms", lambda one: (one.loads[name].counts.p99_ms,), 2)
    yield Figure(
        f"{name}: lost / twice / out of order",
        lambda one: (
            one.loads[name].counts.lost + one.loads[name].counts.told,
            one.loads[name].counts.twice + one.loads[name].counts.strange,
            one.loads[name].counts.inverted,
        ),
    )


def middle(found: Sequence[Round], figure: Figure) -> float:
    """Return the median over the rounds of a figure that is one number."""
    return median(figure.read(one)[0] for one in found)


def totals(found: Sequence[Round], figure: Figure) -> Sequence[float]:
    """Return the sums over the rounds, of each count of a figure by itself."""
    return [sum(values) for values in zip(*map(figure.read, found), strict=True)]


def targets(rounds: Rounds) -> Iterator[Target]:
    """Yield what was promised beside the peer; what must be zero is so in every round."""
    ours, theirs = rounds[OURS], rounds[THEIRS]

    def half(read: Callable[[Round], float]) -> tuple[float, float]:
        return median(map(read, ours)), median(map(read, theirs))

    cpu, their_cpu = half(lambda one: one.loads[COMPARED].cpu_ms)
    p99, their_p99 = half(lambda one: one.loads[COMPARED].counts.p99_ms)
    everything = [load.counts for one in ours for load in one.loads.values()]
    lost = sum(counts.lost for counts in everything) + sum(one.kill.lost for one in ours)
    inverted = sum(counts.inverted for counts in everything) + sum(
        one.kill.inverted for one in ours
    )
    yield Target(
        f"CPU per message at most a third of the peer's, {COMPARED}: {cpu / their_cpu:.2f}",
        cpu <= their_cpu * CPU_RATIO_MAX,
    )
    yield Target(
        f"p99 below the peer's, {COMPARED}: {p99:.1f} ms against {their_p99:.1f}", p99 < their_p99
    )
    yield Target(f"none lost, kills included: {lost}", lost == 0)
    yield Target(f"none out of order, kills included: {inverted}", inverted == 0)


def markdown(report: Report) -> str:
    """Return the report for people."""
    return "\n".join((*_heading(report), "", *_table(report.rounds), "", *_promises(report)))


def _heading(report: Report) -> Iterator[str]:
    machine = report.machine
    count = max(map(len, report.rounds.values()))
    yield (
        f"{machine.cores} cores, {machine.processor}, {machine.system}, {machine.filesystem}; "
        f"load {machine.load:.1f} at the start, others used {report.others:.2f} cores meanwhile; "
        f"medians of {count} interleaved rounds (least–most); counts are of all rounds together."
    )
    yield from (f"{name}: {version}." for name, version in report.versions.items())
    if report.is_disturbed:
        yield "**Disturbed: others were at work. Compare ratios, not times.**"


def _table(rounds: Rounds) -> Iterator[str]:
    names = list(rounds)
    is_compared = {OURS, THEIRS} <= set(names)
    heads = ["", *names, *(["ratio"] if is_compared else [])]
    yield _line(heads)
    yield _line(["---"] * len(heads))
    first = next(iter(rounds.values()))[0]
    for figure in figures(list(first.loads)):
        cells = [figure.name, *(_cell(rounds[name], figure) for name in names)]
        yield _line([*cells, *([_ratio(rounds, figure)] if is_compared else [])])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(found: Sequence[Round], figure: Figure) -> str:
    if figure.is_counted:
        return " / ".join(f"{value:.0f}" for value in totals(found, figure))
    values = [figure.read(one)[0] for one in found]
    least, most = (f"{one:,.{figure.digits}f}" for one in (min(values), max(values)))
    return f"{middle(found, figure):,.{figure.digits}f} ({least}–{most})"


def _ratio(rounds: Rounds, figure: Figure) -> str:
    if figure.is_counted:
        return ""
    ours, theirs = (middle(rounds[name], figure) for name in (OURS, THEIRS))
    return f"{ours / theirs:.2f}" if theirs else ""


def _promises(report: Report) -> Iterator[str]:
    if {OURS, THEIRS} <= set(report.rounds):
        for target in targets(report.rounds):
            yield f"- {'reached' if target.is_reached else '**missed**'}: {target.name}"
