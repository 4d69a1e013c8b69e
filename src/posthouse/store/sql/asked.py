"""What the assistant was asked: which answers rest on what, and what people thought of them."""

from __future__ import annotations

import hashlib

from msgspec.structs import asdict

from posthouse.store.asked import (
    Label,
    LabelOrigin,
    Question,
    Share,
    Spending,
    SpendingOn,
    Spent,
    TrialSpending,
    Verdict,
)
from posthouse.store.queries import load
from posthouse.store.sql import rows
from posthouse.store.sql.about import NOTHING, About
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading

SQL = load("sqlite/asked.sql")
STEP = "asked"  # in ``store/points.py``
LABELS: About = ("labels",)

NEWEST = 2**62
HASH_BYTES = 16  # of a passage's key or a text: long ones fit no index

_SPENT_COLUMNS = 4


class SqlAsked:
    """``Asked`` on a SQL database."""

    def __init__(self, committer: Committer, reading: Reading) -> None:
        self._commit = committer.commit
        self._reading = reading

    # --- questions ----------------------------------------------------------------------

    async def record(self, question: Question) -> None:
        await self._commit(STEP, _about(question.turn), _record, question)

    async def of_turn(self, turn: int) -> Question | None:
        row = await self._reading.one(SQL["of_turn"], turn=turn)
        return None if row is None else _question(row)

    async def count(self, since: float, bot: str, person: str, but_turn: int = 0) -> int:
        row = await self._reading.one(
            SQL["count"], since=since, bot=bot, person=person, but_turn=but_turn
        )
        return 0 if row is None else int(row[0])

    async def judge(self, turn: int, verdict: Verdict, author: str, now: float) -> None:
        await self._commit(STEP, _about(turn), _judge, turn, verdict, author, now)

    async def resolve(self, turn: int, author: str, now: float) -> None:
        await self._commit(STEP, _about(turn), _resolve, turn, author, now)

    async def open_questions(
        self, base: str = "", before: int = 0, limit: int = 50
    ) -> tuple[Question, ...]:
        return _questions(
            await self._reading.all(SQL["open"], base=base, before=before or NEWEST, limit=limit)
        )

    async def recent(
        self, base: str = "", before: int = 0, limit: int = 50
    ) -> tuple[Question, ...]:
        before = before or NEWEST
        found = (
            await self._reading.all(SQL["recent_of"], base=base, before=before, limit=limit)
            if base
            else await self._reading.all(SQL["recent"], before=before, limit=limit)
        )
        return _questions(found)

    async def told(self, passage: str, limit: int = 1000) -> tuple[Question, ...]:
        return _questions(await self._reading.all(SQL["told"], passage=_hash(passage), limit=limit))

    # --- labels -------------------------------------------------------------------------

    async def add_labels(self, base: str, labels: tuple[Label, ...]) -> None:
        await self._commit(STEP, LABELS, _add_labels, base, labels)

    async def labels(self, base: str, limit: int = 20_000) -> tuple[Label, ...]:
        return await self._reading.ask(_labels, base, limit)

    # --- spending -----------------------------------------------------------------------

    async def spend(self, spending: Spending) -> None:
        await self._commit(STEP, _about(spending.turn), _spend, spending)

    async def spent(
        self, since: float, bot: str = "", chat: int = 0, person: str = "", model: str = ""
    ) -> Spent:
        return await self._reading.ask(_spent_by, since, bot, chat, person, model)

    async def shares(self, of: SpendingOn, since: float, limit: int = 50) -> tuple[Share, ...]:
        found = await self._reading.all(SQL["shares"], of=str(of), since=since, limit=limit)
        return tuple(map(_share, found))

    async def spend_on_trial(self, spending: TrialSpending) -> None:
        await self._commit(STEP, NOTHING, _spend_on_trial, spending)

    async def spent_on_trials(self, since: float, handler: str = "") -> Spent:
        row = await self._reading.one(SQL["spent_on_trials"], since=since, handler=handler)
        assert row is not None  # a sum always has a row
        return _spent(row)

    async def trial_shares(self, since: float, limit: int = 50) -> tuple[Share, ...]:
        found = await self._reading.all(SQL["trial_shares"], since=since, limit=limit)
        return tuple(map(_trial_share, found))


def _about(turn: int) -> About:
    return (f"asked {turn}",)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).digest()


def _record(database: Database, question: Question) -> None:
    turn = question.turn
    database.run(
        SQL["record"],
        turn=turn,
        handler=question.handler,
        bot=question.bot,
        chat=question.chat,
        session=question.session,
        person=question.person,
        at=question.at,
        text=question.text,
        base=question.base,
        score=question.score,
        reason=question.reason,
        answer=question.answer,
        passages=rows.json(question.passages),
        is_addressed=question.is_addressed,
        verdict=str(question.verdict),
        resolved_at=question.resolved_at,
    )
    database.run(SQL["forget_bases"], turn=turn)
    for base in filter(None, question.base.split(",")):
        database.run(SQL["searched"], base=base, turn=turn)
    database.run(SQL["forget_passages"], turn=turn)
    for passage in question.passages:
        database.run(SQL["rests_on"], passage=_hash(passage), turn=turn)


def _judge(database: Database, turn: int, verdict: Verdict, author: str, now: float) -> None:
    database.run(SQL["judge"], turn=turn, verdict=str(verdict), author=author, now=now)


def _resolve(database: Database, turn: int, author: str, now: float) -> None:
    database.run(SQL["resolve"], turn=turn, author=author, now=now)


def _add_labels(database: Database, base: str, labels: tuple[Label, ...]) -> None:
    for label in labels:
        database.run(
            SQL["add_label"],
            base=base,
            origin=str(label.origin),
            text_hash=_hash(label.text),
            text=label.text,
            is_wanted=label.is_wanted,
            is_addressed=label.is_addressed,
            at=label.at,
        )


def _labels(database: Database, base: str, limit: int) -> tuple[Label, ...]:
    """Return the newest labels of each kind, the oldest of them first."""
    given = database.all(SQL["given"], base=base, limit=limit)
    judged = database.all(SQL["judged"], base=base, limit=limit)
    taken_back = (
        (text, False, LabelOrigin.RECALL, at, is_addressed)
        for _, text, at, is_addressed in database.all(SQL["taken_back"], base=base, limit=limit)
    )
    found = list(map(_label, (*given, *judged, *taken_back)))
    found.reverse()  # each kind came newest first; the lines of a file are of one instant
    found.sort(key=lambda label: label.at)
    return tuple(found[-limit:])


def _spend(database: Database, spending: Spending) -> None:
    database.run(SQL["spend"], **asdict(spending))


def _spend_on_trial(database: Database, spending: TrialSpending) -> None:
    database.run(SQL["spend_on_trial"], **asdict(spending))


def _spent_by(
    database: Database, since: float, bot: str, chat: int, person: str, model: str
) -> Spent:
    if chat:
        row = database.one(
            SQL["spent_in_chat"], since=since, bot=bot, chat=chat, person=person, model=model
        )
    elif person:
        row = database.one(
            SQL["spent_for_person"], since=since, bot=bot, person=person, model=model
        )
    else:
        row = database.one(SQL["spent"], since=since, bot=bot, model=model)
    assert row is not None  # a sum always has a row
    return _spent(row)


def _questions(found: list[Row]) -> tuple[Question, ...]:
    return tuple(map(_question, found))


def _question(row: Row) -> Question:
    turn, handler, bot, chat, session, person, at, text, base, score = row[:10]
    reason, answer, passages, is_addressed, verdict, resolved_at = row[10:]
    return Question(
        turn=turn,
        handler=handler,
        bot=bot,
        chat=chat,
        session=session,
        person=person,
        at=at,
        text=text,
        base=base,
        score=score,
        reason=reason,
        answer=answer,
        passages=rows.words(passages),
        is_addressed=bool(is_addressed),
        verdict=Verdict(verdict),
        resolved_at=resolved_at,
    )


def _label(row: Row) -> Label:
    text, is_wanted, origin, at, is_addressed = row
    return Label(
        text=text,
        is_wanted=bool(is_wanted),
        origin=LabelOrigin(origin),
        at=at,
        is_addressed=bool(is_addressed),
    )


def _share(row: Row) -> Share:
    bot, chat, person, model, turn = row[:-_SPENT_COLUMNS]
    spent = _spent(row[-_SPENT_COLUMNS:])
    return Share(bot=bot, chat=chat, person=person, model=model, turn=turn, spent=spent)


def _trial_share(row: Row) -> Share:
    author, bot, chat, person = row[:-_SPENT_COLUMNS]
    spent = _spent(row[-_SPENT_COLUMNS:])
    return Share(author=author, bot=bot, chat=chat, person=person, spent=spent)


def _spent(row: Row) -> Spent:
    calls, prompt_tokens, answer_tokens, cost_micro = map(int, row)
    return Spent(
        calls=calls,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        cost_micro=cost_micro,
    )
