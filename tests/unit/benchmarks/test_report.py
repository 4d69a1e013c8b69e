"""Medians, ratios and targets out of rounds."""

from collections.abc import Sequence

import msgspec

from benchmarks.peers.ledger import Counts
from benchmarks.peers.machine import Machine
from benchmarks.peers.processes import Memory
from benchmarks.peers.report import COMPARED, Report, markdown, targets
from benchmarks.peers.scenarios import Kill, Load, Round, Start


def round_of(cpu_ms: float, *, p99_ms: float = 10.0, lost: int = 0, others: float = 0.0) -> Round:
    counts = Counts(
        pushed=100,
        answered=100 - lost,
        told=0,
        lost=lost,
        twice=0,
        inverted=0,
        strange=0,
        p50_ms=5.0,
        p99_ms=p99_ms,
        answers_s=1.0,
    )
    memory = Memory(rss_mib=60.0, pss_mib=50.0, processes=1)
    return Round(
        first_start=Start(0.5, 0.6),
        later_start=Start(0.4, 0.5),
        idle=memory,
        loads={COMPARED: Load(counts, cpu_ms=cpu_ms, rate=100.0, others=others)},
        after_burst=memory,
        kill=Kill(pushed=300, before=20, after=280, told=0, lost=0, twice=0, inverted=0),
        restart=Start(0.4, 0.5),
    )


def report_of(ours: Sequence[Round], theirs: Sequence[Round], *, load: float = 0.0) -> Report:
    machine = Machine(cores=2, processor="cpu", system="Linux", load=load, filesystem="ext4")
    return Report(machine, {}, {"posthouse": ours, "nonebot2": theirs})


def missed(ours: Sequence[Round], theirs: Sequence[Round]) -> list[str]:
    found = targets({"posthouse": ours, "nonebot2": theirs})
    return [target.name.partition(",")[0] for target in found if not target.is_reached]


def test_a_third_of_the_cpu_and_a_lower_p99_reach_the_targets() -> None:
    assert missed([round_of(0.5, p99_ms=9.0)], [round_of(1.5)]) == []


def test_more_than_a_third_of_the_cpu_misses() -> None:
    assert missed([round_of(0.51, p99_ms=9.0)], [round_of(1.5)]) == [
        "CPU per message at most a third of the peer's"
    ]


def test_an_equal_p99_misses() -> None:
    assert missed([round_of(0.5)], [round_of(1.5)]) == ["p99 below the peer's"]


def test_one_outlier_does_not_decide() -> None:
    ours = [round_of(0.5, p99_ms=9.0), round_of(0.5, p99_ms=9.0), round_of(5.0, p99_ms=90.0)]
    assert missed(ours, [round_of(1.5)] * 3) == []


def test_one_lost_message_in_one_round_misses() -> None:
    ours = [round_of(0.5, p99_ms=9.0)] * 2 + [round_of(0.5, p99_ms=9.0, lost=1)]
    assert missed(ours, [round_of(1.5)] * 3) == ["none lost"]


def test_a_message_lost_in_a_kill_misses() -> None:
    killed = Kill(pushed=300, before=20, after=279, told=0, lost=1, twice=0, inverted=0)
    ours = msgspec.structs.replace(round_of(0.5, p99_ms=9.0), kill=killed)
    assert missed([ours], [round_of(1.5)]) == ["none lost"]


def test_the_table_shows_median_span_and_ratio() -> None:
    report = report_of([round_of(0.2), round_of(0.5), round_of(0.6)], [round_of(2.0)] * 3)
    line = f"| {COMPARED}: CPU ms per message | 0.500 (0.200–0.600) | 2.000 (2.000–2.000) | 0.25 |"
    assert line in markdown(report).splitlines()


def test_counts_are_summed_up_so_that_no_round_hides() -> None:
    report = report_of([round_of(0.5), round_of(0.5, lost=3), round_of(0.5)], [round_of(2.0)] * 3)
    line = f"| {COMPARED}: lost / twice / out of order | 3 / 0 / 0 | 0 / 0 / 0 |  |"
    assert line in markdown(report).splitlines()


def test_a_result_says_when_others_were_at_work() -> None:
    calm, theirs = [round_of(0.5)], [round_of(1.5)]
    assert "Disturbed" not in markdown(report_of(calm, theirs))
    assert "Disturbed" in markdown(report_of(calm, theirs, load=4.0))
    assert "Disturbed" in markdown(
        report_of([round_of(0.5, others=1.0)], [round_of(1.5, others=1.0)])
    )
