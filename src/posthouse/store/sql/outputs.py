"""What the house wants to say, put into the book: deliveries, notices, questions."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from posthouse.model.delivery import Delivery, State
from posthouse.model.disposition import NewDelivery, NewQuestion, Notice
from posthouse.model.message import Content
from posthouse.store.queries import load
from posthouse.store.sql import lanes, rows
from posthouse.store.sql.database import Database

SQL = load("sqlite/outputs.sql")

NewKey = Callable[[], str]  # 128 random bits, hex


class Author(Struct, frozen=True):
    """Who speaks, where, and to whom."""

    chat: int
    bot: str
    person: str = ""
    is_report: bool = False


def put(
    database: Database, author: Author, deliveries: tuple[NewDelivery, ...], now: float
) -> tuple[int, ...]:
    """Queue deliveries; returns their numbers, also of those that had been put before."""
    numbers = [insert(database, author, new, fresh(author, new, now), now) for new in deliveries]
    gained = sum(
        number is not None and not new.unsaid
        for new, number in zip(deliveries, numbers, strict=True)
    )
    if gained:
        lanes.gain_send(database, author.chat, author.bot, now, gained)
    return tuple(
        _existing(database, new) if number is None else number
        for new, number in zip(deliveries, numbers, strict=True)
    )


def put_notice(
    database: Database, author: Author, notice: Notice, now: float, new_key: NewKey
) -> None:
    """Say one sentence about an episode, unless it has been said."""
    content = Content(text=notice.text, format="plain")
    new = NewDelivery(origin=notice.origin, ordinal=0, part=0, content=content, key=new_key())
    put(database, author, (new,), now)


def fresh(author: Author, new: NewDelivery, now: float) -> Delivery:
    """Make a delivery that has no number yet: queued, unless it is not to be said."""
    return Delivery(
        id=0,
        bot=author.bot,
        chat=author.chat,
        origin=new.origin,
        ordinal=new.ordinal,
        part=new.part,
        kind=new.kind,
        state=State.DROPPED if new.unsaid else State.QUEUED,
        policy=new.policy,
        key=new.key,
        body=new.body,
        target=new.target,
        queued_at=now,
        reason=new.unsaid,
    )


def insert(
    database: Database, author: Author, new: NewDelivery, delivery: Delivery, now: float
) -> int | None:
    """Insert a delivery in the state it has; None when its origin exists. The lane is not told."""
    return database.insert(
        SQL["put"],
        bot=author.bot,
        chat=author.chat,
        origin=delivery.origin,
        ordinal=delivery.ordinal,
        part=delivery.part,
        kind=delivery.kind,
        state=delivery.state,
        policy=delivery.policy,
        key=delivery.key,
        body=delivery.body,
        target=delivery.target,
        attempts=delivery.attempts,
        first_sent_at=delivery.first_sent_at,
        reason=delivery.reason,
        content=rows.json(new.content),
        now=now,
        person=author.person,
        is_report=author.is_report,
    )


def ask(database: Database, chat: int, question: NewQuestion) -> None:
    database.run(
        SQL["ask"],
        id=question.id,
        chat=chat,
        session=question.session,
        handler=question.handler,
        who=question.who,
        labels=rows.json(question.labels),
        expires_at=question.expires_at,
        state=question.state,
        takes_text=question.takes_text,
    )


def bot_of(database: Database, chat: int) -> str:
    row = database.one(SQL["bot"], chat=chat)
    if row is None:
        raise LookupError(f"chat {chat} is not in the book")
    return str(row[0])


def _existing(database: Database, new: NewDelivery) -> int:
    row = database.one(SQL["existing"], origin=new.origin, ordinal=new.ordinal, part=new.part)
    assert row is not None  # the insert was refused because of it
    return int(row[0])
