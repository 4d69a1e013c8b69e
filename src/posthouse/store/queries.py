"""SQL stands in ``.sql`` files; this reads them.

A query begins with ``-- name: claim_turns``, followed by comment lines that say what it is for,
followed by one statement.
"""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Query(str):
    """A statement that knows its name, by which another product may have its own words for it."""

    __slots__ = ("name",)

    name: str  # "accept.look"

    @classmethod
    def named(cls, name: str, statement: str) -> Query:
        query = cls(statement)
        query.name = name
        return query


def parse(text: str) -> dict[str, str]:
    """Split the text of a query file into statements by name.

    Raises:
        ValueError: a name stands twice, or has no statement.
    """
    _, *pieces = _NAME.split(text)
    queries: dict[str, str] = {}
    for name, piece in zip(pieces[::2], pieces[1::2], strict=True):
        statement = _without_comments(piece)
        if name in queries or not statement:
            raise ValueError(f"query {name} stands twice or is empty")
        queries[name] = statement
    return queries


def load(path: str) -> dict[str, Query]:
    """Read a query file, for instance ``sqlite/accept.sql``."""
    file = files("posthouse.store.sql").joinpath(path)
    stem = file.name.removesuffix(".sql")
    statements = parse(file.read_text("utf-8"))
    return {name: Query.named(f"{stem}.{name}", text) for name, text in statements.items()}


def _without_comments(piece: str) -> str:
    lines = (line.split("--", 1)[0].rstrip() for line in piece.splitlines())
    return "\n".join(line for line in lines if line).rstrip(";")
