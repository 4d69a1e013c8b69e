"""A SQLite file as one end of a move."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import apsw

from posthouse.store.queries import load
from posthouse.store.sql.database import Row
from posthouse.store.sql.tables import TABLES
from posthouse.store.sqlite.file import open_reading, open_writing

SQL = load("sqlite/tables.sql")


class SqliteTables:
    """``Source`` and ``Target`` on one connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def reading(cls, path: Path) -> Iterator[SqliteTables]:
        """Read a file as it is now."""
        database = open_reading(path)
        with contextlib.closing(database.connection) as connection:
            database.run(SQL["begin"])
            yield cls(connection)

    @classmethod
    @contextlib.contextmanager
    def writing(cls, path: Path) -> Iterator[SqliteTables]:
        """Make a file; it is whole when nothing was raised."""
        database = open_writing(path)
        with contextlib.closing(database.connection) as connection:
            database.run(SQL["begin"])
            database.run(SQL["forget_house"])
            yield cls(connection)
            database.run(SQL["commit"])

    def is_empty(self) -> bool:
        return not any(self.count(table) for table in TABLES)

    def count(self, table: str) -> int:
        ((count,),) = self._connection.execute(SQL["count"].format(table=table))
        return int(str(count))

    def rows(self, table: str) -> Iterable[Row]:
        return self._connection.execute(SQL["rows"].format(table=table, order=TABLES[table]))

    def last_numbers(self) -> dict[str, int]:
        found = self._connection.execute(SQL["last_numbers"])
        return {str(table): int(str(number)) for table, number in found}

    def put(self, table: str, rows: Iterable[Row]) -> None:
        for row in rows:
            places = ", ".join("?" * len(row))
            self._connection.execute(SQL["put"].format(table=table, places=places), row)

    def go_on_after(self, table: str, number: int) -> None:
        values = {"table": table, "number": max(number, self.last_numbers().get(table, 0))}
        if values["number"]:
            self._connection.execute(SQL["forget_numbers"], values)
            self._connection.execute(SQL["go_on_after"], values)
