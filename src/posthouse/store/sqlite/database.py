"""A connection that is asked with named values and answers with rows."""

from __future__ import annotations

import apsw

from posthouse.store.sql.database import Row


class Database:
    """One apsw connection; operations get the writing one, reads the other."""

    __slots__ = ("_execute", "connection")

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._execute = connection.cursor().execute  # one cursor: rows are fetched at once

    def run(self, sql: str, **values: apsw.SQLiteValue) -> None:
        """Execute a statement whose rows nobody wants."""
        self._execute(sql, values).fetchall()

    def one(self, sql: str, **values: apsw.SQLiteValue) -> Row | None:
        """Return the first row."""
        rows = self._execute(sql, values).fetchall()
        return rows[0] if rows else None

    def all(self, sql: str, **values: apsw.SQLiteValue) -> list[Row]:
        """Return every row; the query has a limit."""
        return self._execute(sql, values).fetchall()

    def insert(self, sql: str, **values: apsw.SQLiteValue) -> int | None:
        """Insert one row and return its number; None when it conflicts and nothing was done.

        Cheaper than ``RETURNING``, which goes through a table of its own.
        """
        self._execute(sql, values).fetchall()
        return self.connection.last_insert_rowid() if self.connection.changes() else None

    def count(self, sql: str, **values: apsw.SQLiteValue) -> int:
        """Execute a change and return how many rows it touched."""
        self._execute(sql, values).fetchall()
        return self.connection.changes()
