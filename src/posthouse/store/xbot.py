"""XBot's ``local.db``: who might use which command there, until when."""

from __future__ import annotations

from pathlib import Path

import apsw
from msgspec import Struct

from posthouse.model.errors import OperatorMistake
from posthouse.store.queries import load

SQL = load("xbot/permissions.sql")
ROWS_MAX = 10_000


class XBotRow(Struct, frozen=True):
    """A line of its table."""

    id: int
    username: str
    cmd: str  # the scene, or ``*``
    subcmd: str  # the command, or ``*``
    valid_until: object  # a number of milliseconds, or a date; XBot never looked at it


def read_permissions(path: Path) -> tuple[XBotRow, ...]:
    """Read the table; the file is not changed.

    Raises:
        OperatorMistake: there is no such file, or it is not XBot's.
    """
    if not path.is_file():
        raise OperatorMistake(f"{path} does not exist.", zh=f"{path} 不存在。")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            rows = connection.execute(SQL["permissions"], {"limit": ROWS_MAX + 1}).fetchall()
        finally:
            connection.close()
    except apsw.Error as problem:
        raise OperatorMistake(
            f"{path} has no table of permissions as XBot writes it: {problem}."
            " Give the path of its local.db.",
            zh=f"{path} 里没有 XBot 的 permissions 表：{problem}。请给出它的 local.db。",
        ) from None
    if len(rows) > ROWS_MAX:
        raise OperatorMistake(
            f"{path} has more than {ROWS_MAX} lines; split it.",
            zh=f"{path} 超过 {ROWS_MAX} 行；请拆开。",
        )
    return tuple(
        XBotRow(int(str(number)), str(name), str(cmd), str(subcmd), valid_until)
        for number, name, cmd, subcmd, valid_until in rows
    )
