"""What a run leaves out belongs at its end, where it is read; and the one PostgreSQL of a run."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster import Cluster, Missing, running

# How fast examples are made says something about the machine, and nothing about the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of our own, or the reason why there is none."""
    try:
        with running() as cluster:
            yield cluster
    except Missing as missing:
        pytest.skip(str(missing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once per reason what was not tested, with the number of tests it concerns."""
    reasons = Counter(_reason(report) for report in _skipped(terminalreporter))
    if not reasons:
        return
    terminalreporter.section("not tested here")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5d} × {reason}")


def _skipped(terminalreporter: pytest.TerminalReporter) -> Iterable[pytest.TestReport]:
    return (
        report
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report, pytest.TestReport)
    )


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return "no reason given"
