"""What a site asks of those who read it by machine (RFC 9309)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

LINES_MAX: Final = 5000
DELAY_S_MAX: Final = 30.0  # a site that asks for more is read as slowly as this

Rule = tuple[str, bool]  # a pattern of paths, and whether they may be read


class Robots(Struct, frozen=True):
    """The part of ``robots.txt`` that is meant for us."""

    rules: tuple[Rule, ...] = ()
    delay_s: float = 0.0

    def allows(self, address: str) -> bool:
        """Whether a page may be read: the longest rule that fits decides, and it allows at par."""
        parts = urlsplit(address)
        path = unquote(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
        fitting = [
            (len(pattern), is_allowed) for pattern, is_allowed in self.rules if _fits(pattern, path)
        ]
        return max(fitting, default=(0, True))[1]


def robots(text: str, agent: str) -> Robots:
    """Read what is meant for an agent; where it is not named, what is meant for everybody."""
    own: list[tuple[str, str]] = []
    general: list[tuple[str, str]] = []
    is_named = False
    for agents, lines in _groups(text):
        if agent in agents:
            is_named = True
            own += lines
        if "*" in agents:
            general += lines
    lines = own if is_named else general
    rules = tuple((value, key == "allow") for key, value in lines if key != "crawl-delay" and value)
    return Robots(
        rules, max((_seconds(value) for key, value in lines if key == "crawl-delay"), default=0.0)
    )


def _groups(text: str) -> Iterator[tuple[set[str], list[tuple[str, str]]]]:
    agents: set[str] = set()
    lines: list[tuple[str, str]] = []
    for line in text.splitlines()[:LINES_MAX]:
        key, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        match key.lower():
            case "user-agent":
                if lines:
                    yield agents, lines
                    agents, lines = set(), []
                agents.add(value.lower())
            case "allow" | "disallow" | "crawl-delay" as known:
                lines.append((known, unquote(value)))
            case _:
                pass
    yield agents, lines


def _fits(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says; ``*`` is anything, ``$`` the end."""
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if is_whole and others:
        last = others.pop()
        if not path.endswith(last) or len(path) - len(last) < at:
            return False
        path = path[: len(path) - len(last)]
        is_whole = False
    for part in others:
        if (found := path.find(part, at)) < 0:
            return False
        at = found + len(part)
    return not is_whole or at == len(path)


def _seconds(value: str) -> float:
    try:
        return min(max(float(value), 0.0), DELAY_S_MAX)
    except ValueError:
        return 0.0
