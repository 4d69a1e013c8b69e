"""What happened hour by hour, without reading every row: numbers grow with time.

Where a span begins is found by halving, so a million rows cost twenty looks; how many came in is
the difference of two numbers; shares and latencies are those of a sample.
"""

from __future__ import annotations

from statistics import median, quantiles

from posthouse.store.queries import load
from posthouse.store.reader import Span
from posthouse.store.sql.database import Database, Row

SQL = load("sqlite/activity.sql")

EVENTS = ("ends_events", "at_events")
DELIVERIES = ("ends_deliveries", "at_deliveries")

SAMPLE_MAX = 60  # messages of one span that are looked at
TENTHS = 10


def spans(database: Database, until_at: float, span_s: float, count: int) -> tuple[Span, ...]:
    times = [until_at - span_s * left for left in range(count, -1, -1)]
    events = _bounds(database, EVENTS, times)
    deliveries = _bounds(database, DELIVERIES, times)
    return tuple(
        _span(database, times[i], events[i : i + 2], deliveries[i : i + 2]) for i in range(count)
    )


def _bounds(database: Database, queries: tuple[str, str], times: list[float]) -> list[int]:
    """Return for each time the number from which on rows are younger."""
    row = database.one(SQL[queries[0]])
    if row is None or row[0] is None:
        return [0] * len(times)
    first, behind = int(row[0]), int(row[1]) + 1
    found: list[int] = []
    for at in times:
        first = _first_since(database, queries, at, first, behind)
        found.append(first)
    return found


def _first_since(
    database: Database, queries: tuple[str, str], at: float, first: int, behind: int
) -> int:
    while first < behind:
        middle = (first + behind) // 2
        row = database.one(SQL[queries[1]], number=middle)
        if row is None or row[1] >= at:
            behind = middle
        else:
            first = int(row[0]) + 1
    return first


def _span(database: Database, since_at: float, events: list[int], deliveries: list[int]) -> Span:
    sample = database.all(SQL["sample"], first=events[0], behind=events[1], limit=SAMPLE_MAX)
    troubled = database.one(SQL["troubled_between"], first=deliveries[0], behind=deliveries[1])
    latencies = [max(0.0, row[1]) for row in sample if row[1] is not None]
    return Span(
        since_at=since_at,
        events=events[1] - events[0],
        deliveries=deliveries[1] - deliveries[0],
        troubled=0 if troubled is None else int(troubled[0]),
        asked=len(sample),
        answered=sum(map(_is_answered, sample)),
        latency_median_s=median(latencies) if latencies else None,
        latency_slow_s=_slow(latencies),
    )


def _is_answered(row: Row) -> bool:
    return bool(row[0] == "answered")


def _slow(latencies: list[float]) -> float | None:
    """Return the latency that nine of ten stay below."""
    if not latencies:
        return None
    return max(latencies) if len(latencies) < TENTHS else quantiles(latencies, n=TENTHS)[-1]
