"""A PostgreSQL database as one end of a move."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psycopg

from posthouse.store.postgres.connect import connect
from posthouse.store.postgres.database import Database
from posthouse.store.postgres.problems import explained
from posthouse.store.postgres.schema import bring_up_to_date
from posthouse.store.queries import load
from posthouse.store.sql.database import Row
from posthouse.store.sql.tables import ROWS_AT_ONCE, TABLES

SQL = load("postgres/tables.sql")


class PostgresTables:
    """``Source`` and ``Target`` inside one transaction."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self._database = Database(connection)

    @classmethod
    @contextlib.contextmanager
    def reading(cls, url: str) -> Iterator[PostgresTables]:
        """Read a database as it is now; nobody is held up."""
        with _connected(url) as connection:
            tables = cls(connection)
            tables._database.run(SQL["begin_reading"])
            yield tables

    @classmethod
    @contextlib.contextmanager
    def writing(cls, url: str) -> Iterator[PostgresTables]:
        """Fill a database: everything is there when nothing was raised, else nothing is.

        Raises:
            OperatorMistake: it cannot be used.
        """
        bring_up_to_date(url)
        with _connected(url) as connection:
            tables = cls(connection)
            tables._database.run(SQL["begin_writing"])
            yield tables
            tables._database.run(SQL["hold_what_was_restored"])
            tables._database.run(SQL["commit"])

    def living(self, now: float) -> list[str]:
        """Return the gateways that work here, by name."""
        return [name for (name,) in self._database.all(SQL["living"], now=now)]

    def is_empty(self) -> bool:
        is_empty = not any(self._has_rows(table) for table in TABLES if table != "house")
        if is_empty:
            self._database.run(SQL["forget_house"])
        return is_empty

    def count(self, table: str) -> int:
        row = self._database.one(SQL["count"].format(table=table))
        return 0 if row is None else int(row[0])

    def rows(self, table: str) -> Iterable[Row]:
        text = SQL["rows"].format(table=table, order=TABLES[table])
        with self._connection.cursor(name="whole_table") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(text)
            yield from cursor

    def last_numbers(self) -> dict[str, int]:
        return {table: number for table, number in self._numbered() if number}

    def put(self, table: str, rows: Iterable[Row]) -> None:
        text = SQL["put"].format(table=table)
        with self._connection.cursor().copy(text) as copying:
            for row in rows:
                copying.write_row(row)

    def go_on_after(self, table: str, number: int) -> None:
        if table in {numbered for numbered, _ in self._numbered()}:
            text = SQL["go_on_after"].format(table=table, number=TABLES[table])
            self._database.run(text, given=number)

    def _numbered(self) -> list[Row]:
        return self._database.all(SQL["numbered"])

    def _has_rows(self, table: str) -> bool:
        row = self._database.one(SQL["has_rows"].format(table=table))
        return row is not None and bool(row[0])


@contextlib.contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Row]]:
    try:
        with contextlib.closing(connect(url, is_patient=True)) as connection:
            yield connection
    except psycopg.Error as problem:
        raise explained(problem) from problem
