"""Files that operators name on the command line."""

from __future__ import annotations

from pathlib import Path

from posthouse.model.errors import OperatorMistake


def bytes_of(file: Path) -> bytes:
    """Return what is in a file.

    Raises:
        OperatorMistake: it cannot be read, and why.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise OperatorMistake(
            f"Cannot read {file}: {problem.strerror}.", zh=f"读不了 {file}：{problem.strerror}。"
        ) from problem
