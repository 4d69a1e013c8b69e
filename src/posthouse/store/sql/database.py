"""A connection that is asked with named values and answers with rows, whatever the product."""

from __future__ import annotations

from typing import Any, Protocol

Value = str | bytes | float | None  # with ``int`` and ``bool``, which are numbers
Row = tuple[Any, ...]  # columns as the database has them; ``rows.py`` makes them what they mean


class Database(Protocol):
    """What operations are given; they neither open nor end transactions."""

    def run(self, sql: str, **values: Value) -> None:
        """Execute a statement whose rows nobody wants."""
        ...

    def one(self, sql: str, **values: Value) -> Row | None:
        """Return the first row."""
        ...

    def all(self, sql: str, **values: Value) -> list[Row]:
        """Return every row; the query has a limit."""
        ...

    def insert(self, sql: str, **values: Value) -> int | None:
        """Insert one row and return its number; None when it conflicts and nothing was done."""
        ...

    def count(self, sql: str, **values: Value) -> int:
        """Execute a change and return how many rows it touched."""
        ...
