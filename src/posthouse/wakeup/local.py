"""Nudges inside one process."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.wakeup.wakeup import PAYLOAD_BYTES_MAX, Listener


class LocalWakeup:
    """A table of listeners; a nudge calls them directly, in the order they came."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    async def open(self) -> None:
        """Nothing to open: there is nobody elsewhere."""

    async def close(self) -> None:
        """Forget every listener."""
        self._listeners.clear()

    def nudge(self, topic: str, payload: bytes = b"") -> None:
        """Call every listener of ``topic``."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"a nudge carries at most {PAYLOAD_BYTES_MAX} bytes")
        for listener in tuple(self._listeners.get(topic, ())):
            listener(payload)

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Add ``listener``; the returned function removes it."""
        listeners = self._listeners.setdefault(topic, [])
        listeners.append(listener)

        def stop() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return stop
