"""Nudges inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from posthouse.wakeup.wakeup import PAYLOAD_BYTES_MAX, Listener


class LocalWakeup:
    """A table of listeners; a nudge calls them directly, in the order they came."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[object, Listener]] = {}

    async def open(self) -> None:
        """Nothing to open: there is nobody elsewhere."""

    async def close(self) -> None:
        """Forget every listener."""
        self._listeners.clear()

    def nudge(self, topic: str, payload: bytes = b"") -> None:
        """Call every listener of ``topic``."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"a nudge carries at most {PAYLOAD_BYTES_MAX} bytes")
        for listener in tuple(self._listeners.get(topic, {}).values()):
            try:
                listener(payload)
            except Exception as problem:  # noqa: BLE001 - one that fails does not silence the others
                said = {"message": f"a listener of {topic!r} failed", "exception": problem}
                asyncio.get_running_loop().call_exception_handler(said)

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Add ``listener``; the returned function removes it."""
        listeners = self._listeners.setdefault(topic, {})
        name = object()  # the same function may listen twice
        listeners[name] = listener

        def stop() -> None:
            listeners.pop(name, None)

        return stop
