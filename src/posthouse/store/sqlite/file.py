"""The database file: opening it safely, bringing its schema up to date, copying it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import apsw

from posthouse.model.errors import OperatorMistake
from posthouse.store.migrate import Migration, migrations, pending
from posthouse.store.queries import load
from posthouse.store.sqlite.committer import is_storage_problem
from posthouse.store.sqlite.database import Database

SQL = load("sqlite/file.sql")

APPLICATION_ID = 0x706F7374  # "post": this file is ours
BUSY_MS = 5000
STATEMENTS_CACHED = 512  # the most that apsw keeps
CHECKPOINT_PAGES = 4000  # 16 MiB of log between two checkpoints
LOG_BYTES_KEPT = 64 * 1024 * 1024  # a longer log is cut after its checkpoint
INCREMENTAL = 2  # auto_vacuum: pages that pruning freed can be given back to the disk


def open_writing(path: Path) -> Database:
    """Open the one connection that writes; creates the file (0600) and its schema.

    Raises:
        OperatorMistake: the file cannot be used; the message says why and what to do.
    """
    with _explained(path):
        _create(path)
        connection = _connect(str(path), apsw.SQLITE_OPEN_READWRITE)
        try:
            _prepare(connection)
            _check_owner(connection, path)
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
        connection.pragma("journal_mode", "wal")
        connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        connection.pragma("journal_size_limit", LOG_BYTES_KEPT)
    return Database(connection)


def open_reading(path: Path) -> Database:
    """Open a connection that only reads; it never holds up the writer."""
    connection = _connect(str(path), apsw.SQLITE_OPEN_READONLY)
    connection.pragma("mmap_size", 0)
    return Database(connection)


def open_memory() -> Database:
    """Open a database that is gone when it is closed."""
    connection = _connect(":memory:", apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    _prepare(connection)
    for migration in migrations("sqlite"):
        _apply(connection, migration)
    return Database(connection)


def copy(source: Database, target: Path, now: float) -> None:
    """Write a compact, consistent copy that remembers when it was taken.

    ``target`` appears whole or not at all. The writer of the source is not held up.

    Raises:
        FileExistsError: ``target`` exists.
    """
    with appearing(target) as part:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        source.run(SQL["copy"], target=str(part))
        stamp(part, now)


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Give a path to write to; ``target`` appears whole when nothing was raised, or not at all.

    Raises:
        FileExistsError: ``target`` exists.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists: choose another name, or move it away")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
        os.link(part, target)  # unlike a rename, it never overwrites
    finally:
        part.unlink(missing_ok=True)


def taken_at(path: Path) -> float | None:
    """Return when a backup was taken; None for a file that is no backup."""
    with _explained(path), contextlib.closing(_existing(path)) as connection:
        row = Database(connection).one(SQL["taken_at"])
        return None if row is None else row[0]


def mark_restored(path: Path, snapshot_at: float | None = None) -> float:
    """Hold the house that will be opened on this file; returns the snapshot's time.

    Args:
        path: a file made by ``backup``, already in its place.
        snapshot_at: events up to then may have been answered; by default, when it was taken.

    Raises:
        OperatorMistake: the file is no backup, and no time was given.
    """
    with _explained(path), contextlib.closing(_existing(path)) as connection:
        _check_owner(connection, path)
        database = Database(connection)
        row = database.one(SQL["taken_at"])
        taken_at: float | None = None if row is None else row[0]
        until_at = taken_at if snapshot_at is None else snapshot_at
        if until_at is None:
            raise OperatorMistake(
                f"{path} does not say when it was taken: it was not made by `posthouse backup`; "
                "say when it was copied",
                zh=f"{path} 没有记下备份时间：它不是用 posthouse backup 做的；请说明复制的时间",
            )
        database.run(SQL["hold"], snapshot_at=until_at)
        return until_at


# --- below: opening ---------------------------------------------------------------------------


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
    path.chmod(0o600)  # the log and its index take the mode of the file


def _connect(name: str, flags: int) -> apsw.Connection:
    connection = apsw.Connection(name, flags=flags, statementcachesize=STATEMENTS_CACHED)
    connection.set_busy_timeout(BUSY_MS)
    # Else a statement is planned anew for every value that a partial index might depend on, at ten
    # times the cost of running it.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def _existing(path: Path) -> apsw.Connection:
    if not path.is_file():
        raise OperatorMistake(
            f"{path} does not exist: check the path", zh=f"{path} 不存在：请检查路径"
        )
    return _connect(str(path), apsw.SQLITE_OPEN_READWRITE)


def _prepare(connection: apsw.Connection) -> None:
    connection.pragma("mmap_size", 0)  # a failing disk is then an error, not a dead process
    connection.pragma("auto_vacuum", INCREMENTAL)  # of effect while the file is empty
    connection.pragma("synchronous", "full")
    connection.pragma("temp_store", "memory")


def _check_owner(connection: apsw.Connection, path: Path) -> None:
    owner = connection.pragma("application_id")
    if owner == APPLICATION_ID:
        return
    row = Database(connection).one(SQL["tables"])
    if row is not None and row[0]:
        raise OperatorMistake(
            f"{path} is a database of another program: choose another file in `store.url`",
            zh=f"{path} 是别的程序的数据库：请在 store.url 里换一个文件",
        )


def _migrate(connection: apsw.Connection, path: Path) -> None:
    version = int(str(connection.pragma("user_version")))
    for migration in pending(version, migrations("sqlite")):
        if version:  # an empty file is not worth a copy
            _keep_copy(connection, path, migration.number - 1)
        _apply(connection, migration)


def _keep_copy(connection: apsw.Connection, path: Path, version: int) -> None:
    """Copy the file before its schema changes; a copy left by a failed try is replaced."""
    target = path.with_name(f"{path.name}.schema-{version}")
    part = path.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    Database(connection).run(SQL["copy"], target=str(part))
    part.replace(target)


def _apply(connection: apsw.Connection, migration: Migration) -> None:
    with connection:  # all of it or nothing
        connection.execute(migration.sql)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", migration.number)


def stamp(path: Path, now: float) -> None:
    """Let a backup remember when it was taken."""
    connection = _connect(str(path), apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.pragma("synchronous", "full")
        Database(connection).run(SQL["stamp"], now=now)
    finally:
        connection.close()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.NotADBError as problem:
        raise OperatorMistake(
            f"{path} is not a database: choose another file in `store.url`, or move it away",
            zh=f"{path} 不是数据库：请在 store.url 里换一个文件，或把它移走",
        ) from problem
    except apsw.CorruptError as problem:
        raise OperatorMistake(
            f"{path} is damaged ({problem}): restore a backup with `posthouse restore`",
            zh=f"{path} 已损坏（{problem}）：请用 posthouse restore 恢复备份",
        ) from problem
    except apsw.Error as problem:
        if not is_storage_problem(problem):
            raise
        raise OperatorMistake(
            f"{path} cannot be opened ({problem}): check its disk and who may read and write it",
            zh=f"{path} 打不开（{problem}）：请检查磁盘和读写权限",
        ) from problem
    except OSError as problem:
        if isinstance(problem, FileExistsError):
            raise
        raise OperatorMistake(
            f"{path} cannot be opened ({problem.strerror}): check the path and who may write there",
            zh=f"{path} 打不开（{problem.strerror}）：请检查路径和写权限",
        ) from problem
