"""Killed while the assistant's books are written: all of a change is there, or nothing of it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from posthouse.store.asked import Question
from posthouse.store.conduct import Rule, Scope
from posthouse.store.documents import NewDocument, SourceKind
from posthouse.store.points import MOMENTS
from posthouse.store.sql.store import SqlStore
from posthouse.store.sqlite.store import SqliteStore

NOW = 1_750_000_000.0
BEFORE, AFTER = MOMENTS

Doing = Callable[[SqlStore], Awaitable[object]]


async def knowledge_before(store: SqlStore) -> None:
    await store.documents.add_base("help", NOW)
    await store.documents.add_source("help", SourceKind.FOLDER, "/docs", "{}", NOW)


async def put_documents(store: SqlStore) -> None:
    (source,) = await store.documents.sources()
    documents = tuple(
        NewDocument(
            base="help", source=source.id, path=path, title="", hash="", format="md", size_bytes=1
        )
        for path in ("a.md", "b.md")
    )
    await store.documents.put(documents, NOW)


async def documents_there(store: SqlStore) -> tuple[int, int]:
    base = await store.documents.base("help")
    assert base is not None
    return base.revision, len(await store.documents.changes("help", 0))


QUESTION = Question(
    turn=1,
    handler="assistant",
    bot="b",
    chat=7,
    session="7:m:ann",
    person="ann",
    at=NOW,
    text="how?",
    base="help",
    answer="thus",
    passages=("help:a.md#1",),
)
SCOPE = Scope(handler="assistant", chat=7)


async def nothing_before(_: SqlStore) -> None:
    """Begin with an empty book."""


async def record_a_question(store: SqlStore) -> None:
    await store.asked.record(QUESTION)


async def questions_there(store: SqlStore) -> tuple[int, int, int]:
    asked = store.asked
    found = await asked.recent(), await asked.recent("help"), await asked.told("help:a.md#1")
    one, of_base, told = map(len, found)
    return one, of_base, told


async def set_a_rule(store: SqlStore) -> None:
    await store.conduct.set_rule(SCOPE, Rule(tone="dry"), "cli", NOW)


async def rules_there(store: SqlStore) -> tuple[int, int]:
    rules = await store.conduct.rules("assistant")
    return len(rules), len(await store.access.audit_lines())


# By step: what is there before, what is cut, what is looked at, and how it looks before and after.
BOOKS: dict[str, tuple[Doing, Doing, Doing, object, object]] = {
    "knowledge": (knowledge_before, put_documents, documents_there, (0, 0), (2, 2)),
    "asked": (nothing_before, record_a_question, questions_there, (0, 0, 0), (1, 1, 1)),
    "conduct": (nothing_before, set_a_rule, rules_there, (0, 0), (1, 1)),
}


async def die(path: Path, step: str, moment: str) -> None:
    """Be killed at a moment of a step."""
    armed: list[str] = []

    def at(point: str) -> None:
        if point in armed:
            os.kill(os.getpid(), signal.SIGKILL)

    before, cut, *_ = BOOKS[step]
    store = SqliteStore.open(path, at=at)
    await before(store)
    armed.append(f"{step}:{moment}")
    await cut(store)


def be_killed(*arguments: object) -> None:
    command = [sys.executable, "-m", __name__, *map(str, arguments)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.mark.crash
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", BOOKS)
async def test_a_change_is_whole_or_nothing(tmp_path: Path, step: str, moment: str) -> None:
    path = tmp_path / "book.db"
    be_killed(path, step, moment)
    _, _, look, nothing, whole = BOOKS[step]
    store = SqliteStore.open(path)
    assert await look(store) == (whole if moment == AFTER else nothing)
    assert await store.upkeep.check() == ()
    await store.close()


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1]), *sys.argv[2:]))
