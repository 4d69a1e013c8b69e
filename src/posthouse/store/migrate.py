"""Numbered migrations: which there are, and which a database still needs."""

from __future__ import annotations

import re
from importlib.resources import files

from msgspec import Struct

from posthouse.model.errors import OperatorMistake

_FILE = re.compile(r"^(\d{4})_(\w+)\.sql$")


class Migration(Struct, frozen=True):
    """One step of the schema; its number becomes the version of the database."""

    number: int
    name: str
    sql: str


def migrations(folder: str) -> tuple[Migration, ...]:
    """Read the migrations of a database product, for instance ``sqlite``, in order.

    Raises:
        ValueError: a number is missing or stands twice.
    """
    found = sorted(
        (
            Migration(int(match[1]), match[2], file.read_text("utf-8"))
            for file in files("posthouse.store.sql").joinpath(folder).iterdir()
            if (match := _FILE.match(file.name))
        ),
        key=lambda migration: migration.number,
    )
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations of {folder} must be numbered 1, 2, 3 …")
    return tuple(found)


def pending(version: int, known: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """Return what a database of ``version`` still needs.

    Raises:
        OperatorMistake: the database was written by a newer Posthouse.
    """
    if version > len(known):
        raise OperatorMistake(
            f"the database has schema {version}, this Posthouse knows schemas up to {len(known)}: "
            "start the newer Posthouse that wrote it, or restore a backup made by this one",
            zh=f"数据库的结构版本是 {version}，这个驿站只认识到 {len(known)}："
            "请启动写它的新版驿站，或恢复由本版做的备份",
        )
    return known[version:]
