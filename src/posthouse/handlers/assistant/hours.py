"""Working hours: ``Mon-Fri 09:00-18:00, Sat 10:00-12:00``, also ``周一至周五 9:00-18:00``."""

from __future__ import annotations

import re
import time
from typing import Final

from msgspec import Struct

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ZH_DAYS: Final = "一二三四五六日"
_ALL_DAYS: Final = frozenset(range(7))

_CLOCK = r"(\d{1,2})[:：](\d{2})"
_SPAN = re.compile(rf"(.*?)\s*{_CLOCK}\s*[-–—~至到]\s*{_CLOCK}")
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|(?:周|星期|礼拜)[一二三四五六日天]"
_DAY_SPAN = re.compile(rf"({_DAY})(?:\s*[-–—~至到]\s*({_DAY}))?", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,，、;；/]*")

MINUTES_A_DAY = 24 * 60


class Span(Struct, frozen=True):
    """One stretch of some days, in minutes since midnight; an end before its start is next day."""

    days: frozenset[int]  # 0: Monday
    start: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Whether a minute of a day lies in it."""
        if self.start <= self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or (
            (day - 1) % 7 in self.days and minute < self.end
        )


def read_hours(text: str) -> tuple[Span, ...] | None:
    """Read working hours; nothing for always, None when it says something else."""
    spans: list[Span] = []
    at = 0
    while rest := text[at:].strip(" ,，、;；\n"):
        at = len(text) - len(text[at:].lstrip(" ,，、;；\n"))
        found = _SPAN.match(text, at)
        span = None if found is None else _span(found)
        if found is None or span is None or not rest:
            return None
        spans.append(span)
        at = found.end()
    return tuple(spans)


def is_open(hours: str, now: float) -> bool:
    """Whether somebody works then, in the house's time zone; hours nobody can read are always."""
    spans = read_hours(hours)
    if not spans:
        return True
    moment = time.localtime(now)
    minute = moment.tm_hour * 60 + moment.tm_min
    return any(span.holds(moment.tm_wday, minute) for span in spans)


def _span(found: re.Match[str]) -> Span | None:
    days = _days(found[1])
    start, end = (int(found[at]) * 60 + int(found[at + 1]) for at in (2, 4))
    if days is None or max(start, end) > MINUTES_A_DAY or start == end:
        return None
    return Span(days, start, end)


def _days(text: str) -> frozenset[int] | None:
    """Read which days; all when none is named, None when something else is said."""
    if not text.strip():
        return _ALL_DAYS
    if _BETWEEN.fullmatch(_DAY_SPAN.sub("", text)) is None:
        return None
    days: set[int] = set()
    for first, last in _DAY_SPAN.findall(text):
        start, end = _day(first), _day(last or first)
        days |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(days)


def _day(word: str) -> int:
    if word[-1] in f"{_ZH_DAYS}天":
        return _ZH_DAYS.index(word[-1].replace("天", "日"))
    return _DAYS.index(word[:3].lower())
