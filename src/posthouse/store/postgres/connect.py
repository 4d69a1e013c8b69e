"""Connections to PostgreSQL that never wait for ever, and are made anew when they are lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import psycopg

from posthouse.model.errors import TryLater
from posthouse.store.postgres.database import Database, adapt
from posthouse.store.postgres.pipeline import Pipeline
from posthouse.store.postgres.problems import translated
from posthouse.store.queries import load
from posthouse.store.sql.database import Row

SQL = load("postgres/connect.sql")

CONNECT_S = 5
STATEMENT_MS = 10_000
# Whoever is frozen inside a transaction loses it after this long, and with it what it holds locked;
# whoever waits for such a lock waits longer than that.
IDLE_IN_TRANSACTION_MS = 4_000
LOCK_MS = 8_000
BACK_OFF_S = (0.1, 5.0)  # between two tries to connect: the first, the longest

DEAD_AFTER_MS = 20_000  # of silence on the way to another machine


def connect(
    url: str, *, is_reading: bool = False, is_patient: bool = False
) -> psycopg.Connection[Row]:
    """Open a connection on which every statement is a transaction of its own unless one is begun.

    Args:
        url: as libpq takes it.
        is_reading: refuse to write.
        is_patient: for migrations and copies, which take as long as they take.

    Raises:
        psycopg.Error: it cannot be opened.
    """
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_S,
        application_name="posthouse",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=DEAD_AFTER_MS,
    )
    try:
        adapt(connection)
        Database(connection).run(
            SQL["limits"],
            statement_ms="0" if is_patient else str(STATEMENT_MS),
            lock_ms="0" if is_patient else str(LOCK_MS),
            idle_ms="0" if is_patient else str(IDLE_IN_TRANSACTION_MS),
            is_reading="on" if is_reading else "off",
        )
    except BaseException:
        connection.close()
        raise
    return connection


class Line:
    """One connection, used by one thread, that is made again after it broke."""

    def __init__(
        self,
        url: str,
        *,
        is_reading: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._is_reading = is_reading
        self._clock = clock
        self._pipeline: Pipeline | None = None
        self._failures = 0
        self._not_before = 0.0

    def open(self) -> Pipeline:
        """Return the connection, a new one if need be.

        Raises:
            TryLater: the database cannot be reached, or could not a moment ago.
        """
        if self._pipeline is not None and not self._pipeline.connection.broken:
            return self._pipeline
        self.close()
        if self._clock() < self._not_before:
            raise TryLater("the database could not be reached a moment ago: try again soon")
        try:
            self._pipeline = Pipeline(connect(self._url, is_reading=self._is_reading))
        except psycopg.Error as problem:
            self._fail()
            raise translated(problem) from problem
        self._failures = 0
        return self._pipeline

    def close(self) -> None:
        """Let the connection go; what it had begun is undone by the server."""
        if self._pipeline is not None:
            self._pipeline.connection.close()
            self._pipeline = None

    def _fail(self) -> None:
        first, longest = BACK_OFF_S
        wait_s = min(longest, first * 2 ** min(self._failures, 10))
        self._failures += 1
        self._not_before = self._clock() + wait_s * random.uniform(0.5, 1.0)  # noqa: S311 - spread
