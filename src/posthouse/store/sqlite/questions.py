"""The questions on SQLite: read only; they are put by ``finish`` and answered by ``accept``."""

from __future__ import annotations

from posthouse.model.disposition import Question
from posthouse.store.queries import load
from posthouse.store.sqlite import rows
from posthouse.store.sqlite.database import Database, Row

SQL = load("sqlite/questions.sql")


class SqliteQuestions:
    """``Questions`` on one SQLite database."""

    def __init__(self, reading: Database) -> None:
        self._reading = reading

    async def find(self, question: str) -> Question | None:
        return _question(self._reading.one(SQL["find"], question=question))

    async def open_in(self, session: str, now: float) -> Question | None:
        return _question(self._reading.one(SQL["open_in"], session=session, now=now))


def _question(row: Row | None) -> Question | None:
    if row is None:
        return None
    number, chat, session, handler, who, labels, expires_at, state, takes_text, is_answered = row
    return Question(
        id=number,
        chat=chat,
        session=session,
        handler=handler,
        who=who,
        labels=rows.words(labels),
        expires_at=expires_at,
        state=state,
        takes_text=bool(takes_text),
        is_answered=bool(is_answered),
    )
