"""The data directory has one owner: who holds the lock of ``posthouse.lock``.

The file says who that is and where it can be talked to, and stays behind when the owner dies; the
lock itself goes with the process, so a left-over file means nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from posthouse.model.errors import OperatorMistake

LOCK_NAME = "posthouse.lock"
LOCK_BYTES_MAX = 4096
PATIENCE_S = 0.5  # somebody who only looks holds the lock for an instant


class Owner(Struct, frozen=True):
    """The process that has the data directory."""

    pid: int = 0
    url: str = ""  # where it answers operators' tools; empty while it is starting
    token: str = ""
    host: str = ""  # on which address it listens, which its settings may not tell


class DataDirectory:
    """A data directory that this process owns until ``release`` or its end.

    Args:
        path: the directory; made when it is missing.

    Raises:
        OperatorMistake: another process has it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.token = secrets.token_urlsafe(32)
        self._lock = _take(path)
        self.announce("")

    def announce(self, url: str, host: str = "") -> None:
        """Say where this process answers operators' tools, and on which address it listens."""
        content = msgspec.json.encode(Owner(os.getpid(), url, self.token, host))
        os.ftruncate(self._lock, 0)
        os.lseek(self._lock, 0, os.SEEK_SET)
        os.write(self._lock, content)

    def release(self) -> None:
        """Let another process have it."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
        os.close(self._lock)


def owner_of(path: Path) -> Owner | None:
    """Return who has the data directory now; None when nobody has it, or it does not exist."""
    try:
        lock = os.open(path / LOCK_NAME, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _try_lock(lock) else _read(lock)
    finally:
        os.close(lock)


def _take(path: Path) -> int:
    lock = _open(path)
    give_up_at = time.monotonic() + PATIENCE_S
    while not _try_lock(lock):
        if time.monotonic() >= give_up_at:
            owner = _read(lock)
            os.close(lock)
            raise _taken(path, owner)
        time.sleep(0.02)
    return lock


def _open(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OperatorMistake(
            f"Cannot write to the data directory {path}: {error.strerror}."
            " Give this user the right to, or choose another one with --data.",
            zh=f"数据目录 {path} 不可写：{error.strerror}。"
            "请给当前用户写权限，或用 --data 另选目录。",
        ) from None
    with contextlib.suppress(OSError, AttributeError):
        os.fchmod(lock, 0o600)  # it holds a token
    return lock


def _taken(path: Path, owner: Owner) -> OperatorMistake:
    at = f" ({owner.url})" if owner.url else ""
    return OperatorMistake(
        f"The data directory {path} belongs to process {owner.pid}{at}, which is running."
        " Stop that one first, or choose another directory with --data.",
        zh=f"数据目录 {path} 正被进程 {owner.pid}{at} 使用。请先停止它，或用 --data 另选目录。",
    )


def _read(lock: int) -> Owner:
    """Read who holds the lock; while that is being written, say that it is starting."""
    try:
        os.lseek(lock, 0, os.SEEK_SET)
        return msgspec.json.decode(os.read(lock, LOCK_BYTES_MAX), type=Owner)
    except (OSError, msgspec.MsgspecError):
        return Owner()


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # locks are mandatory there: leave the text readable

    def _try_lock(lock: int) -> bool:
        os.lseek(lock, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(lock: int) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise OperatorMistake(
                f"This file system cannot lock files ({error.strerror}), so two processes could"
                " spoil the data. Choose a local directory with --data.",
                zh=f"该文件系统不支持文件锁（{error.strerror}），两个进程可能互相破坏数据。"
                "请用 --data 选择本地目录。",
            ) from None
        return True
