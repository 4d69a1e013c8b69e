"""The connections of one bot, and what it has sent by them."""

from __future__ import annotations

import asyncio
from collections.abc import Container

from posthouse.channels.keep_connected import Clock
from posthouse.channels.onebot.line import Line, Role

REMEMBERED_MAX = 10_000
BLIP_S = 10.0  # after a loss or the start: a connection is about to come
WAIT_S = 5.0  # of a call, for that connection


class Remembered(Container[str]):
    """The newest names of something, so many and no more."""

    def __init__(self, names_max: int = REMEMBERED_MAX) -> None:
        self._names: dict[str, None] = {}
        self._max = names_max

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def add(self, *names: str) -> None:
        """Remember these, and forget the oldest."""
        self._names |= dict.fromkeys(names)
        while len(self._names) > self._max:
            del self._names[next(iter(self._names))]


class Lines:
    """At most one connection for each purpose."""

    def __init__(self, clock: Clock) -> None:
        self.sent = Remembered()
        self.recalled = Remembered()
        self.changed_at = clock()  # since when there are, or are no, connections
        self.is_online = True  # whether QQ itself is, as far as anybody said
        self._clock = clock
        self._lines: dict[Role, Line] = {}
        self._has_caller = asyncio.Event()

    def opening(self) -> None:
        """The house begins to wait for connections."""
        self.changed_at = self._clock()

    def of(self, role: Role) -> Line | None:
        """Return the connection for a purpose."""
        return self._lines.get(role)

    def add(self, line: Line) -> None:
        """Use a connection from now on."""
        self.is_online = True
        self._lines[line.role] = line
        self._changed()

    def remove(self, line: Line) -> None:
        """Use a connection no longer."""
        if self._lines.get(line.role) is line:
            del self._lines[line.role]
            self._changed()

    def _changed(self) -> None:
        self.changed_at = self._clock()
        if self._caller_now() is None:
            self._has_caller.clear()
        else:
            self._has_caller.set()

    def _caller_now(self) -> Line | None:
        return self._lines.get(Role.UNIVERSAL) or self._lines.get(Role.API)

    @property
    def has_caller(self) -> bool:
        """Whether messages can leave."""
        return self._caller_now() is not None

    @property
    def hears(self) -> bool:
        """Whether messages can come in."""
        return Role.UNIVERSAL in self._lines or Role.EVENT in self._lines

    async def caller(self) -> Line | None:
        """Return the connection that takes actions; shortly after a loss, wait for the next."""
        line = self._caller_now()
        if line is None and self._clock() - self.changed_at < BLIP_S:
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._has_caller.wait()
            except TimeoutError:
                return None
            line = self._caller_now()
        return line

    async def close(self) -> None:
        """End all of them; nobody waits for another."""
        self.changed_at = 0.0
        for line in list(self._lines.values()):
            await line.close(1001, "the house closes")
