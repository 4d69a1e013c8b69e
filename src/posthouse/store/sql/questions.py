"""The questions: read only; they are put by ``finish`` and answered by ``accept``."""

from __future__ import annotations

from posthouse.model.disposition import NewQuestion, Question
from posthouse.model.turn import TurnState
from posthouse.store.queries import load
from posthouse.store.questions import Underway
from posthouse.store.sql import rows
from posthouse.store.sql.database import Row
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/questions.sql")


class Asking:
    """The sessions that may have an open question for typed answers: most messages find none.

    A session is added when its question has been written, and forgotten when none is found; so
    this is for a book that nobody else writes.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._sessions: set[str] | None = None  # read when somebody first asks

    async def may_wait(self, session: str) -> bool:
        """Whether a session may have an open question."""
        if self._sessions is None:
            self._sessions = {row[0] for row in await self._reading.all(SQL["asking"])}
        return session in self._sessions

    def add(self, questions: tuple[NewQuestion, ...]) -> None:
        """Remember the sessions of new questions."""
        if self._sessions is not None:
            self._sessions.update(new.session for new in questions if new.takes_text)

    def discard(self, session: str) -> None:
        """Forget a session that has no open question."""
        if self._sessions is not None:
            self._sessions.discard(session)


class SqlQuestions:
    """``Questions`` on a SQL database; without ``asking``, where others write as well."""

    def __init__(self, reading: Reading, asking: Asking | None) -> None:
        self._reading = reading
        self._asking = asking

    async def find(self, question: str) -> Question | None:
        return _question(await self._reading.one(SQL["find"], question=question))

    async def open_in(self, session: str, now: float) -> Question | None:
        if self._asking and not await self._asking.may_wait(session):
            return None
        question = _question(await self._reading.one(SQL["open_in"], session=session, now=now))
        if question is None and self._asking:
            self._asking.discard(session)
        return question

    async def underway(self, turn: int) -> Underway | None:
        row = await self._reading.one(SQL["underway"], turn=turn)
        if row is None:
            return None
        chat, person, state, is_called_off = row
        return Underway(chat, person, TurnState(state), bool(is_called_off))


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
