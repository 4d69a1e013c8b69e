"""SQL stands in ``.sql`` files; this reads them.

A query begins with ``-- name: claim_turns``, followed by comment lines that say what it is for,
followed by one statement.
"""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


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


def load(path: str) -> dict[str, str]:
    """Read a query file, for instance ``sqlite/accept.sql``."""
    return parse(files("posthouse.store.sql").joinpath(path).read_text("utf-8"))


def _without_comments(piece: str) -> str:
    lines = (line.split("--", 1)[0].rstrip() for line in piece.splitlines())
    return "\n".join(line for line in lines if line).rstrip(";")
