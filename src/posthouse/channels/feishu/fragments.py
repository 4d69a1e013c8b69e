"""Puts the fragments of large events together, whatever order and however often they come."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from posthouse.channels.feishu.frames import Frame
from posthouse.model.errors import NotUnderstood

FRAGMENTS_MAX = 256  # of one event
DIGITS_MAX = 6
EVENT_BYTES_MAX = 16 * 1024 * 1024
EVENTS_MAX = 64  # incomplete at once; the oldest gives way and is brought again
KEPT_S = 300.0  # gaps of more than five seconds happen; the platform repeats after fifteen


class _Incomplete(Struct):
    pieces: list[bytes | None]
    touched_at: float

    @property
    def bytes(self) -> int:
        return sum(len(piece) for piece in self.pieces if piece is not None)


class Fragments:
    """Collects frames by ``message_id``; one connection has one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._incomplete: OrderedDict[str, _Incomplete] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Fragments of {len(self._incomplete)} events>"

    def add(self, frame: Frame) -> bytes | None:
        """Return the whole payload when this frame completes it, else None.

        A repeat of a fragment changes nothing; after completion the set is forgotten, so a repeated
        last fragment waits alone until it is dropped.

        Raises:
            NotUnderstood: the numbers of the fragment make no sense, or the event is too long.
        """
        payload = frame.payload or b""
        count, place = _numbers(frame)
        if count == 1:
            return payload
        self._drop_old()
        key = frame.header("message_id")
        entry = self._incomplete.get(key)
        if entry is None or len(entry.pieces) != count:
            entry = self._incomplete[key] = _Incomplete([None] * count, 0.0)
        entry.pieces[place] = payload
        entry.touched_at = self._clock()
        self._incomplete.move_to_end(key)
        if entry.bytes > EVENT_BYTES_MAX:
            del self._incomplete[key]
            raise NotUnderstood(f"an event of more than {EVENT_BYTES_MAX} bytes")
        pieces = [piece for piece in entry.pieces if piece is not None]
        if len(pieces) < count:
            return None
        del self._incomplete[key]
        return b"".join(pieces)

    def _drop_old(self) -> None:
        """Forget what will not be completed: what the platform does not hear of, it repeats."""
        oldest_at = self._clock() - KEPT_S
        while self._incomplete:
            key, entry = next(iter(self._incomplete.items()))
            if entry.touched_at >= oldest_at and len(self._incomplete) < EVENTS_MAX:
                break
            del self._incomplete[key]


def _numbers(frame: Frame) -> tuple[int, int]:
    """Return how many fragments there are and which one this is, counted from 0."""
    count, place = frame.header("sum") or "1", frame.header("seq") or "0"
    if not (count.isascii() and count.isdecimal() and place.isascii() and place.isdecimal()):
        raise NotUnderstood(f"fragment {place[:20]} of {count[:20]}")
    if max(len(count), len(place)) > DIGITS_MAX or not int(place) < int(count) <= FRAGMENTS_MAX:
        raise NotUnderstood(f"fragment {place[:20]} of {count[:20]}")
    return int(count), int(place)
