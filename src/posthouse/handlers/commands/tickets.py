"""Who begins a call that was handed over behind another: the worker, or nobody there.

Each such call has a number that lies in a pipe. The worker takes the number before it begins; the
house takes back what lies there when the call in front lasts. What is read from a pipe is read
once, so a call is begun once, whoever was quicker and whoever dies.
"""

from __future__ import annotations

import os
from contextlib import suppress

TICKET_BYTES = 4
_READ_BYTES = 1024 * TICKET_BYTES


class Tickets:
    """The house's ends of the pipe; the worker has the one that is read as well."""

    def __init__(self) -> None:
        self.pipe, self._giving = os.pipe()
        os.set_blocking(self.pipe, False)
        self._last = 0
        self._is_open = True

    def give(self) -> int:
        """Put the next number into the pipe."""
        self._last += 1
        os.write(self._giving, self._last.to_bytes(TICKET_BYTES, "big"))
        return self._last

    def take_back(self) -> set[int]:
        """Return the numbers that nobody has taken, and now nobody will."""
        found = b""
        if self._is_open:
            with suppress(BlockingIOError):
                found = os.read(self.pipe, _READ_BYTES)
        starts = range(0, len(found), TICKET_BYTES)
        return {int.from_bytes(found[at : at + TICKET_BYTES], "big") for at in starts}

    def close(self) -> None:
        """Let go of both ends."""
        if self._is_open:
            self._is_open = False
            os.close(self.pipe)
            os.close(self._giving)
