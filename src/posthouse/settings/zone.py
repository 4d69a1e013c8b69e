"""Whose time is shown."""

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
