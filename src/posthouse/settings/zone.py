"""Whose time is shown."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name, or the machine's when it is empty."""
    if name:
        return ZoneInfo(name)
    return datetime.now(UTC).astimezone().tzinfo or UTC
