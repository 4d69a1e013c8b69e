"""Working hours as operators write them."""

import time
from datetime import datetime

import pytest

from posthouse.handlers.assistant.hours import is_open, read_hours

MONDAY = datetime(2026, 11, 16)  # noqa: DTZ001 - the house's own time


def at(day: int, hour: int, minute: int = 0) -> float:
    moment = MONDAY.replace(day=16 + day, hour=hour, minute=minute)
    return time.mktime(moment.timetuple())


@pytest.mark.parametrize(
    ("hours", "day", "hour", "is_it"),
    [
        ("", 6, 3, True),
        ("Mon-Fri 09:00-18:00", 0, 9, True),
        ("Mon-Fri 09:00-18:00", 4, 17, True),
        ("Mon-Fri 09:00-18:00", 0, 8, False),
        ("Mon-Fri 09:00-18:00", 0, 18, False),
        ("Mon-Fri 09:00-18:00", 5, 10, False),
        ("Mon-Fri 09:00-18:00, Sat 10:00-12:00", 5, 11, True),
        ("周一至周五 9:00-18:00", 2, 10, True),
        ("周一至周五 9:00-18:00", 6, 10, False),
        ("周六、周日 10:00-16:00", 6, 10, True),
        ("09:00-12:00；13:00-18:00", 3, 12, False),
        ("Fri-Mon 10:00-11:00", 6, 10, True),
        ("Fri-Mon 10:00-11:00", 2, 10, False),
        ("Fri 22:00-02:00", 5, 1, True),
        ("Fri 22:00-02:00", 4, 1, False),
        ("00:00-24:00", 1, 23, True),
    ],
)
def test_somebody_works_then(hours: str, day: int, hour: int, *, is_it: bool) -> None:
    assert is_open(hours, at(day, hour)) is is_it


@pytest.mark.parametrize(
    "hours", ["weekdays", "Mon 9-18", "Mon 25:00-26:00", "09:00-09:00", "x 9:00-10:00"]
)
def test_what_nobody_can_read_is_refused(hours: str) -> None:
    assert read_hours(hours) is None
