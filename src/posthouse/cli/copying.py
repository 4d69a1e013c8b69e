"""``posthouse db copy``: the whole book from one database into an empty one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.bootstrap import DATABASE, needs_postgres
from posthouse.cli.house import require_database
from posthouse.cli.progress import progressing
from posthouse.cli.terminal import OK, Terminal
from posthouse.model.errors import OperatorMistake
from posthouse.settings.data_directory import DataDirectory
from posthouse.settings.store_address import is_shared, without_password

if TYPE_CHECKING:
    from posthouse.store.sql.tables import Source, Target

FILE = "sqlite:"


def copy(source: str, target: str, *, as_json: bool) -> int:
    """Copy all of it, compare it, and only then let it count.

    Raises:
        OperatorMistake: an end cannot be used, or the target is not empty.
    """
    from posthouse.store.sql.tables import move, total

    terminal = Terminal()
    with (
        _source(source) as book,
        _target(target) as copied,
        progressing(terminal, total(book), "复制", "copying") as advance,
    ):
        moved = move(book, copied, advance)
    rows = sum(table.rows for table in moved)
    if as_json:
        terminal.json(
            {"rows": rows, "tables": {t.table: {"rows": t.rows, "sha256": t.digest} for t in moved}}
        )
        return OK
    shown = without_password(target)
    terminal.say(
        f"已复制 {rows:,} 行到 {shown}，逐行核对一致。",
        f"Copied {rows:,} rows to {shown}; every one of them was compared.",
    )
    terminal.say(
        "接着把 store.url 改成新地址，再启动驿站；旧数据库请保留。",
        "Now set store.url to the new address and start the house; keep the old database.",
    )
    return OK


@contextlib.contextmanager
def _source(address: str) -> Iterator[Source]:
    if is_shared(address):
        needs_postgres()
        from posthouse.store.postgres.tables import PostgresTables

        with PostgresTables.reading(address) as shared:
            _refuse_while_written(shared.living(time.time()))
            yield shared
        return
    from posthouse.store.sqlite.tables import SqliteTables

    path = _path(address)
    require_database(path)
    with _standing_still(path), SqliteTables.reading(path) as file:
        yield file


def _refuse_while_written(gateways: list[str]) -> None:
    """Refuse to copy while somebody writes: what arrives meanwhile would stay behind."""
    if gateways:
        names = ", ".join(gateways)
        raise OperatorMistake(
            f"{names} is at work on this database: stop it first, or what arrives meanwhile stays "
            "behind. One that was killed counts until its lease (gateway.lease_s) is over.",
            zh=f"{names} 正在使用这个数据库：请先停止它，否则复制期间的新消息会留在旧库里。"
            "被强行终止的进程要等租期（gateway.lease_s）结束。",
        )


@contextlib.contextmanager
def _standing_still(path: Path) -> Iterator[None]:
    """Keep a house from writing meanwhile; a backup belongs to none."""
    if path.name != DATABASE:
        yield
        return
    directory = DataDirectory(path.parent)
    try:
        yield
    finally:
        directory.release()


@contextlib.contextmanager
def _target(address: str) -> Iterator[Target]:
    if is_shared(address):
        needs_postgres()
        from posthouse.store.postgres.tables import PostgresTables

        with PostgresTables.writing(address) as shared:
            yield shared
        return
    from posthouse.store.sqlite.file import appearing
    from posthouse.store.sqlite.tables import SqliteTables

    path = _path(address)
    if path.exists():
        raise OperatorMistake(
            f"{path} exists: name a folder without a database, so that nothing is mixed.",
            zh=f"{path} 已存在：请指定一个没有数据库的目录，以免混在一起。",
        )
    with appearing(path) as part, SqliteTables.writing(part) as file:
        yield file


def _path(address: str) -> Path:
    if not address.startswith(FILE):
        raise OperatorMistake(
            f'"{without_password(address)}" is no database: write sqlite:DIR (a data directory), '
            "sqlite:FILE or postgresql://user@host/name.",
            zh=f"“{without_password(address)}”不是数据库：请写 sqlite:数据目录、sqlite:文件"
            " 或 postgresql://用户@主机/库名。",
        )
    path = Path(address.removeprefix(FILE))
    return path / DATABASE if path.is_dir() else path
