"""What the house wrote down, read behind its back."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from posthouse.store.queries import parse
from posthouse.store.sqlite.database import Database
from posthouse.store.sqlite.file import open_reading, open_writing
from posthouse.store.sqlite.store import SqliteStore

SQL = parse(Path(__file__).with_name("book.sql").read_text("utf-8"))


class Message(Struct, frozen=True):
    """A message that was accepted."""

    bot: str
    message_id: str
    state: str
    reason: str
    turn: int | None


class Said(Struct, frozen=True):
    """A delivery."""

    bot: str
    key: str
    origin: str
    kind: str
    state: str
    may_be_duplicate: bool
    unclear_calls: int
    text: str
    chat: str = ""  # as the platform calls it

    @property
    def is_flagged(self) -> bool:
        """Whether people are told that it may be there twice, or that nobody knows."""
        return self.may_be_duplicate or self.state == "doubtful"


class Book(Struct, frozen=True):
    """Everything that the judge wants to know."""

    messages: tuple[Message, ...]
    said: tuple[Said, ...]

    def of(self, bot: str) -> Book:
        """Return what concerns one bot."""
        return Book(
            messages=tuple(each for each in self.messages if each.bot == bot),
            said=tuple(each for each in self.said if each.bot == bot),
        )


class Caught(Struct, frozen=True):
    """What a process was doing when it was killed."""

    turns: int
    sends: int


def read(database: Path) -> Book:
    """Read the book of a house, running or not."""
    with _reading(database) as reading:
        return Book(
            messages=tuple(Message(*row) for row in reading.all(SQL["messages"])),
            said=tuple(_said(*row) for row in reading.all(SQL["deliveries"])),
        )


def unrest(database: Path) -> int:
    """Count what is still to be done."""
    return _number(database, "unrest")


def undecodable(database: Path) -> int:
    """Count the payloads that were kept because nobody could read them."""
    return _number(database, "undecodable")


async def inspect(
    database: Path, folder: Path, *, is_checked: bool = True
) -> tuple[Caught, tuple[str, ...]]:
    """Look at what a killed house left, on a copy: what it was doing, and what is out of order.

    Args:
        database: the file that it left.
        folder: where the copy is made; what is there goes away.
        is_checked: whether all of it is checked, which takes time when it is large.
    """
    copied = _copy(database, folder)
    with _reading(copied) as reading:
        row = reading.one(SQL["caught"])
        assert row is not None
    if not is_checked:
        return Caught(*row), ()
    store = SqliteStore.open(copied)
    try:
        return Caught(*row), await store.upkeep.check()
    finally:
        await store.close()


def _said(*columns: Any) -> Said:  # noqa: ANN401 - as the query has them
    *names, is_flagged, unclear_calls, text, chat = columns
    bot, key, origin, kind, state = names
    return Said(bot, key, origin, kind, state, bool(is_flagged), unclear_calls, text, chat)


def _number(database: Path, name: str) -> int:
    with _reading(database) as reading:
        row = reading.one(SQL[name])
    assert row is not None
    return int(row[0])


def _copy(database: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for part in (database, database.with_name(f"{database.name}-wal")):
        if part.exists():
            shutil.copy(part, folder)
    copied = folder / database.name
    open_writing(copied).connection.close()  # recovers the log, as the next life will
    return copied


@contextlib.contextmanager
def _reading(database: Path) -> Iterator[Database]:
    reading = open_reading(database)
    with contextlib.closing(reading.connection):
        yield reading
