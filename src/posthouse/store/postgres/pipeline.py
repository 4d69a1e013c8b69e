"""A connection on which statements travel to the server together, and their answers back.

To send one statement and wait for its answer costs both sides a hundred microseconds of CPU, most
of it for falling asleep and waking up; of twenty that travel together, each costs a tenth of it.
psycopg's own pipeline spends much of that in Python again, so this speaks to libpq by psycopg's
wrapper. Statements are prepared once; values and answers travel in binary.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import count

import psycopg
from msgspec import Struct
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from posthouse.store.postgres.database import Statement, storable
from posthouse.store.sql.database import Row, Value

PREPARED_MAX = 1_000  # statements, each once for the types of values that it is given

ANY, TRUTH, BYTES, INTEGER, NUMBER = 0, 16, 17, 20, 701  # how PostgreSQL numbers its types
_integer = struct.Struct("!q").pack
_number = struct.Struct("!d").pack


class Answer(Struct, frozen=True):
    """What a statement brought."""

    rows: list[Row]
    count: int  # of rows that it touched


class Sent(Struct, frozen=True):
    """What the next answer is about."""

    asker: object = None  # who wants it
    prepared: tuple[str, tuple[int, ...]] | None = None  # it says whether this was prepared


class Pipeline:
    """One connection, used by one thread and by nobody else.

    Args:
        connection: on which every statement is a transaction of its own unless one is begun; here
            those that travel together are one.
    """

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._libpq.enter_pipeline_mode()
        self._transformer = Transformer(connection)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()
        self._sent: list[Sent] = []

    def send(self, wanted: Statement, values: Mapping[str, Value], asker: object = None) -> None:
        """Let a statement travel with the next ``answers``, and its own answer go to ``asker``."""
        encoded = [_encoded(storable(values[name])) for name in wanted.names]
        types = tuple(each[0] for each in encoded)
        name = self._prepared.get((wanted.text, types)) or self._prepare(wanted.text, types)
        self._libpq.send_query_prepared(
            name, [each[1] for each in encoded], [each[2] for each in encoded], Format.BINARY
        )
        self._sent.append(Sent(asker))

    def answers(self) -> list[tuple[object, Answer]]:
        """Wait for the answers to everything that was sent; returns those that somebody wants.

        Raises:
            psycopg.Error: a statement failed, and those behind it were not executed.
        """
        sent, self._sent = self._sent, []
        self._libpq.pipeline_sync()
        results = self.connection.wait(self._travel())
        problem = next((each for each in results if each.status == ExecStatus.FATAL_ERROR), None)
        if problem is not None:
            for each, result in zip(sent, results, strict=False):
                if each.prepared and result.status != ExecStatus.COMMAND_OK:
                    del self._prepared[each.prepared]
            raise errors.error_from_result(problem)
        return [
            (each.asker, self._answer(result))
            for each, result in zip(sent, results, strict=True)
            if each.asker is not None
        ]

    def _prepare(self, text: str, types: tuple[int, ...]) -> bytes:
        is_kept = len(self._prepared) < PREPARED_MAX
        name = b"s%d" % next(self._numbers) if is_kept else b""  # for this once
        self._libpq.send_prepare(name, text.encode(), types)
        if is_kept:
            self._prepared[text, types] = name
        self._sent.append(Sent(prepared=(text, types) if is_kept else None))
        return name

    def _travel(self) -> PQGen[list[PGresult]]:
        """Send what is left to be sent and read what comes, until the end is marked."""
        libpq = self._libpq
        results: list[PGresult] = []
        while libpq.flush():  # the server takes no more before its answers are read
            if (yield Wait.RW) & Ready.R:
                libpq.consume_input()
        while True:
            while libpq.is_busy():
                yield Wait.R
                libpq.consume_input()
            result = libpq.get_result()
            if result is None:
                if libpq.status == ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return results
            else:
                results.append(result)

    def _answer(self, result: PGresult) -> Answer:
        if result.status != ExecStatus.TUPLES_OK:
            return Answer([], result.command_tuples or 0)
        self._transformer.set_pgresult(result, format=Format.BINARY)
        rows = self._transformer.load_rows(0, result.ntuples, tuple)
        return Answer(rows, len(rows))


def _encoded(value: Value) -> tuple[int, bytes | None, Format]:
    """Return a value's type, and its bytes in which format."""
    if isinstance(value, str):
        return ANY, value.encode(), Format.TEXT
    if value is None:
        return ANY, None, Format.TEXT
    if isinstance(value, bool):
        return TRUTH, b"\1" if value else b"\0", Format.BINARY
    if isinstance(value, int):
        return INTEGER, _integer(value), Format.BINARY
    if isinstance(value, float):
        return NUMBER, _number(value), Format.BINARY
    return BYTES, value, Format.BINARY
