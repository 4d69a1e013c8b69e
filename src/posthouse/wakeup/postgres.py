"""Nudges between gateways that share a PostgreSQL database: LISTEN and NOTIFY, and nothing stored.

One connection, in a thread of its own, hears and tells. Listeners of this process are called at
once, those of others when the database passes the nudge on. While the connection is lost nudges are
lost with it, so everybody here is told to look when it is back; who waits for nudges looks now and
then by itself anyway.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import select
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

import psycopg

from posthouse.wakeup.local import LocalWakeup
from posthouse.wakeup.wakeup import WITHOUT_SWEEP, Listener

CHANNEL = "posthouse"
LISTEN = f"LISTEN {CHANNEL}"
NOTIFY = "SELECT pg_notify($1, part) FROM unnest($2::text[]) AS part"  # all of it at once, in order
PART_CHARS = 7_000  # PostgreSQL carries less than 8,000 bytes at a time
PENDING_MAX = 10_000  # nudges that wait to be told; of more, the oldest are lost
CONNECT_S = 5
LONGEST_WAIT_S = 5.0  # between two tries to connect
STATEMENT_MS = 5_000
QUIET_S = 10.0  # how long nothing is heard before the connection is tried


class PostgresWakeup:
    """``Wakeup`` over one connection; see the module."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._here = LocalWakeup()
        self._topics: dict[str, int] = {}  # how many listen here
        self._pending: dict[bytes, None] = {}  # in order; the same nudge twice is one
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._bell: tuple[int, int] | None = None  # a pipe: what select() can wait for
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_up = asyncio.Event()

    async def open(self) -> None:
        """Begin to hear; returns when the first try to connect is over, whatever came of it."""
        self._closed.clear()
        self._loop = asyncio.get_running_loop()
        self._is_up = asyncio.Event()
        self._bell = os.pipe()
        os.set_blocking(self._bell[1], False)
        self._thread = threading.Thread(target=self._run, name="wakeup", daemon=True)
        self._thread.start()
        await self._is_up.wait()

    async def close(self) -> None:
        """Tell what is pending, and hear nothing more."""
        thread, self._thread = self._thread, None
        await self._here.close()
        self._topics.clear()
        if thread is None:
            return
        self._closed.set()
        self._ring()
        await asyncio.to_thread(thread.join)
        if self._bell is not None:
            for end in self._bell:
                os.close(end)
            self._bell = None

    def nudge(self, topic: str, payload: bytes = b"") -> None:
        """Call listeners here, and let the thread tell the others."""
        self._here.nudge(topic, payload)
        with self._lock:
            if len(self._pending) >= PENDING_MAX:
                self._pending.pop(next(iter(self._pending)))
            self._pending[topic.encode() + b"\0" + payload] = None
        self._ring()

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Add ``listener``; the returned function removes it."""
        stop_here = self._here.listen(topic, listener)
        self._topics[topic] = self._topics.get(topic, 0) + 1
        is_stopped = False

        def stop() -> None:
            nonlocal is_stopped
            if not is_stopped:
                is_stopped = True
                stop_here()
                self._leave(topic)

        return stop

    def _leave(self, topic: str) -> None:
        left = self._topics.get(topic, 0) - 1
        if left > 0:
            self._topics[topic] = left
        else:
            self._topics.pop(topic, None)

    def _ring(self) -> None:
        if self._bell is not None:
            with suppress(BlockingIOError):  # the pipe is full: it is ringing
                os.write(self._bell[1], b"!")

    def _heard(self, topic: str, payload: bytes) -> None:
        self._here.nudge(topic, payload)

    def _sweep(self) -> None:
        """Nobody knows what was missed: let everybody look who needs no payload for it."""
        for topic in tuple(self._topics):
            if topic not in WITHOUT_SWEEP:
                self._here.nudge(topic)

    # --- below: the thread -------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                with self._connect() as connection:
                    failures = 0
                    self._tell_loop(self._sweep)
                    self._tell_loop(self._is_up.set)
                    self._serve(connection)
            except psycopg.Error:
                failures += 1
                self._tell_loop(self._is_up.set)
                wait_s = min(LONGEST_WAIT_S, 0.1 * 2 ** min(failures, 10))
                self._closed.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spread, not secret

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="posthouse wakeup",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
        try:
            connection.execute(f"SET statement_timeout = {STATEMENT_MS}")
            connection.execute(LISTEN)
        except BaseException:
            connection.close()
            raise
        return connection

    def _serve(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        own, heard = connection.info.backend_pid, Parts()
        while True:
            self._tell_others(connection)
            for notify in connection.notifies(timeout=0):
                if notify.pid != own and (nudge := heard.add(notify.pid, notify.payload)):
                    self._tell_loop(self._heard, *nudge)
            if self._closed.is_set() and not self._pending:
                return
            if not self._wait(connection.fileno(), QUIET_S):
                connection.execute("SELECT 1")  # whether anybody is there at all

    def _tell_others(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        with self._lock:
            pending = list(self._pending)
            self._pending.clear()
        if pending:
            parts = [part for nudge in pending for part in split(nudge)]
            psycopg.RawCursor(connection).execute(NOTIFY, [CHANNEL, parts])

    def _wait(self, socket: int, timeout_s: float) -> bool:
        """Wait until something is heard or is to be told; False when nothing was."""
        assert self._bell is not None
        ready, _, _ = select.select([socket, self._bell[0]], [], [], timeout_s)
        if self._bell[0] in ready:
            os.read(self._bell[0], 65536)
        return bool(ready)

    def _tell_loop(self, call: Callable[..., object], *args: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who listens
            self._loop.call_soon_threadsafe(call, *args)


class Parts:
    """Puts the parts of nudges together again; those of one sender arrive in order."""

    def __init__(self) -> None:
        self._begun: dict[int, str] = {}

    def add(self, sender: int, part: str) -> tuple[str, bytes] | None:
        """Return (topic, payload) when this was the last part."""
        text = self._begun.pop(sender, "") + part[1:]
        if part[:1] == "+":
            self._begun[sender] = text
            return None
        try:
            topic, _, payload = base64.b64decode(text).partition(b"\0")
            return topic.decode(), payload
        except ValueError:  # not from one of us, or its beginning was lost
            return None


def split(nudge: bytes) -> Iterable[str]:
    """Write a nudge as texts that PostgreSQL can carry; each says whether it is the last."""
    text = base64.b64encode(nudge).decode()
    while len(text) > PART_CHARS:
        yield f"+{text[:PART_CHARS]}"
        text = text[PART_CHARS:]
    yield f".{text}"
