"""``posthouse db``, ``backup`` and ``restore``: the book as a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from posthouse.api.desk import BACKUP, CHECK, REVIVE, BackUp, Nothing, Revive
from posthouse.bootstrap import database_of
from posthouse.cli.house import absolute, counter_of, require_database
from posthouse.cli.progress import at_work, progressing
from posthouse.cli.terminal import OK, PROBLEM_FOUND, Terminal
from posthouse.model.errors import OperatorMistake, PosthouseError
from posthouse.settings.data_directory import DataDirectory
from posthouse.settings.settings import Settings
from posthouse.settings.zone import zone_of

CHUNK_BYTES = 4 * 1024 * 1024


async def check(settings: Settings, *, as_json: bool) -> int:
    """Check the database file and its counters."""
    terminal = Terminal()
    with at_work(terminal, "检查数据库", "checking the database"):
        async with counter_of(settings) as house:
            problems = await house.ask(CHECK, Nothing())
    if as_json:
        terminal.json({"problems": problems})
    elif problems:
        terminal.line("\n".join(problems))
        terminal.say(
            "数据库有问题：请停止驿站并恢复备份（posthouse restore）。",
            "The database is not in order: stop the house and restore a backup.",
        )
    else:
        terminal.say("数据库完好。", "The database is in order.")
    return PROBLEM_FOUND if problems else OK


def migrate(settings: Settings) -> int:
    """Bring the schema of a house that stands still up to date; a copy is kept."""
    from posthouse.store.sqlite.file import open_writing

    if settings.store.is_shared:
        return _migrate_shared(settings)
    database = database_of(settings)
    require_database(database)
    directory = DataDirectory(settings.data)
    try:
        before = set(settings.data.iterdir())
        open_writing(database).connection.close()
        copies = sorted(path.name for path in set(settings.data.iterdir()) - before)
    finally:
        directory.release()
    terminal = Terminal()
    if copies:
        kept = ", ".join(copies)
        terminal.say(
            f"已升级；升级前的副本：{kept}", f"Brought up to date; kept from before: {kept}"
        )
    else:
        terminal.say("已是最新。", "It is up to date.")
    return OK


def _migrate_shared(settings: Settings) -> int:
    from posthouse.bootstrap import needs_postgres

    needs_postgres()
    from posthouse.store.postgres.schema import bring_up_to_date

    bring_up_to_date(settings.store.url)
    Terminal().say("已是最新。", "It is up to date.")
    return OK


async def revive(settings: Settings, turn: int) -> int:
    """Try a buried turn again."""
    terminal = Terminal()
    async with counter_of(settings) as house:
        is_revived = await house.ask(REVIVE, Revive(turn))
    if is_revived:
        terminal.say(f"第 {turn} 轮重新排队。", f"Turn {turn} waits to be done again.")
        return OK
    terminal.say(
        f"第 {turn} 轮没有被放弃；posthouse why 列出可以重试的。",
        f"Turn {turn} was not given up; `posthouse why` lists those that were.",
    )
    return PROBLEM_FOUND


async def backup(settings: Settings, target: Path, *, as_json: bool) -> int:
    """Write a consistent copy of the book, running or not."""
    terminal = Terminal()
    with at_work(terminal, "备份", "writing a copy"):
        async with counter_of(settings) as house:
            size_bytes = await house.ask(BACKUP, BackUp(absolute(target)))
    if as_json:
        terminal.json({"target": absolute(target), "bytes": size_bytes})
    else:
        terminal.say(
            f"已备份到 {target}（{size_bytes:,} 字节）。里面没有密钥；配置文件请另存。",
            f"Copied to {target} ({size_bytes:,} bytes). There are no secrets in it;"
            " keep your settings file beside it.",
        )
    return OK


def restore(settings: Settings, source: Path, copied_at: str) -> int:
    """Put a backup in place of the book; the house then starts held.

    Raises:
        OperatorMistake: the house runs, or the file is no backup.
    """
    from posthouse.store.sqlite.file import mark_restored

    if settings.store.is_shared:
        raise OperatorMistake(
            f"The book is in PostgreSQL: copy the backup into an empty database instead, with"
            f" `posthouse db copy --from sqlite:{source} --to postgresql://…`.",
            zh="数据在 PostgreSQL 里：请改用"
            f" posthouse db copy --from sqlite:{source} --to postgresql://… 复制到一个空数据库。",
        )
    snapshot_at = _when(copied_at, settings) if copied_at else None
    if not source.is_file():
        raise OperatorMistake(f"{source} does not exist.", zh=f"{source} 不存在。")
    directory = DataDirectory(settings.data)
    try:
        database = database_of(settings)
        arriving = database.with_name(f".{database.name}.restoring")
        _copy(source, arriving)
        with _removed_on_failure(arriving):
            until_at = mark_restored(arriving, snapshot_at)
            kept = _set_aside(database)
            arriving.replace(database)
    finally:
        directory.release()
    _tell(settings, until_at, kept)
    return OK


def _when(text: str, settings: Settings) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise OperatorMistake(
            f'"{text}" is no time; write it like "2025-11-20 08:00".',
            zh=f'“{text}”不是时间；请写成 "2025-11-20 08:00"。',
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=zone_of(settings.timezone))).timestamp()


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    total = source.stat().st_size
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        with progressing(Terminal(), total, "恢复", "restoring") as advance:
            while chunk := reading.read(CHUNK_BYTES):
                writing.write(chunk)
                advance(len(chunk))
        writing.flush()
        os.fsync(writing.fileno())


@contextlib.contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _set_aside(database: Path) -> Path | None:
    """Keep what was there before, whole, under another name."""
    if not database.exists():
        return None
    _fold_log_in(database)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    kept = database.with_name(f"{database.name}.before-restore-{stamp}")
    for suffix in ("-wal", "-shm"):  # left only by a damaged file; never to be mixed with the new
        log = database.with_name(database.name + suffix)
        if log.exists():
            log.replace(kept.with_name(kept.name + suffix))
    shutil.copy2(database, kept)
    return kept


def _fold_log_in(database: Path) -> None:
    """Close the old file properly, so that it is whole without its log; a damaged one stays."""
    from posthouse.store.sqlite.file import open_writing

    with contextlib.suppress(PosthouseError):
        open_writing(database).connection.close()


def _tell(settings: Settings, until_at: float, kept: Path | None) -> None:
    terminal = Terminal()
    at = datetime.fromtimestamp(until_at, zone_of(settings.timezone))
    terminal.say(
        f"已恢复到 {at:%Y-%m-%d %H:%M:%S %Z} 的备份。驿站启动后先不发送任何消息：",
        f"Restored the copy of {at:%Y-%m-%d %H:%M:%S %Z}. The house will start without sending:",
    )
    terminal.say(
        "  posthouse held list 看要发什么，再 held send / drop / sent。",
        "  `posthouse held list` shows what would be sent; then held send, drop or sent.",
    )
    if kept is not None:
        terminal.say(f"  原来的数据库：{kept.name}", f"  The database from before: {kept.name}")
