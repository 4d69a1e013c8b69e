"""Whose time is shown, and when its days begin."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name, or the machine's when it is empty."""
    if name:
        return ZoneInfo(name)
    return datetime.now(UTC).astimezone().tzinfo or UTC


def live_in(name: str) -> None:
    """Let the whole process tell the time of that zone; the machine's when it is empty."""
    if name and hasattr(time, "tzset"):  # there is none on Windows
        os.environ["TZ"] = name
        time.tzset()


def midnight(now: float, days_later: int = 0) -> float:
    """Return when the day began, or one later, in the time zone of this process."""
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday + days_later, 0, 0, 0, 0, 0, -1))
