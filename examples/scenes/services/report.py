"""长报告。Long reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from posthouse.scene import File, Progress, limit

LINES_SHOWN = 20


@limit(give_up_s=120)
def cmd_daily(day: date | None = None, days: int = 1, comment: str = "") -> Iterator[object]:
    """日报。Report on some days: a summary at once, all of it as a file.

    Whatever stands below the first line is the comment.
    """
    first = day or (date.today() - timedelta(days=days))  # noqa: DTZ011 - the reader's own day
    lines = []
    for number in range(days):
        today = first + timedelta(days=number)
        yield Progress(f"Reading {today} …")
        lines += [f"{today} {hour:02d}:00  requests {1000 + 37 * hour}" for hour in range(24)]
    shown = "\n".join(f"    {line}" for line in lines[:LINES_SHOWN])
    more = f"\n\n… and {len(lines) - LINES_SHOWN} more lines in the file." if lines else ""
    yield f"## From {first}, {days} day(s)\n\n{comment}\n\n{shown}{more}"
    yield File("\n".join(lines).encode(), f"report-{first}.txt")
