"""The book of permissions: one indexed read for each ruling, no cache of rulings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from posthouse.model.errors import Refused
from posthouse.model.permission import Effect, Field, Grant, Ruling, Subject, SubjectKind, Wish
from posthouse.store.grants import (
    PEOPLE_MAX,
    STRANGERS_KEPT_S,
    ChatOperator,
    NewGrant,
    PeopleGroup,
    Stranger,
)
from posthouse.store.queries import load
from posthouse.store.sql.about import DESK
from posthouse.store.sql.access import write_audit
from posthouse.store.sql.committer import Committer
from posthouse.store.sql.database import Database, Row
from posthouse.store.sql.reading import Reading
from posthouse.store.sql.rows import words

SQL = load("sqlite/grants.sql")
STEP = "grant"  # in ``store/points.py``

NOT_GRANTED = Ruling(is_allowed=False, reason="not_granted")

P = ParamSpec("P")
T = TypeVar("T")


class SqlGrants:
    """``Grants`` on a SQL database.

    Where nobody else writes, it is remembered while the book is blank, since every message asks:
    each write goes through this object and forgets it.
    """

    def __init__(self, committer: Committer, reading: Reading, *, is_alone: bool) -> None:
        self._committer = committer
        self._reading = reading
        self._is_alone = is_alone
        self._is_blank: bool | None = None  # None: look

    async def _has_lines(self) -> bool:
        if not self._is_alone:
            return True
        if self._is_blank is None:
            self._is_blank = await self._reading.one(SQL["is_written"]) is None
        return not self._is_blank

    async def _commit(
        self,
        operation: Callable[Concatenate[Database, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            return await self._committer.commit(STEP, DESK, operation, *args, **kwargs)
        finally:
            self._is_blank = None

    # --- rulings ------------------------------------------------------------------------

    async def rule(self, wish: Wish, now: float) -> Ruling:
        if not await self._has_lines():
            return NOT_GRANTED
        row = await self._reading.one(
            SQL["rule"],
            person=wish.person,
            chat=wish.chat,
            bot=wish.bot,
            handler=wish.handler,
            scene=wish.scene,
            command=wish.command,
            now=now,
        )
        return NOT_GRANTED if row is None else _ruling(row, now)

    # --- lines --------------------------------------------------------------------------

    async def grant(self, new: NewGrant, author: str, now: float) -> Grant:
        return await self._commit(_grant, new, author, now)

    async def revoke(self, grant: int, author: str, now: float, *, bot: str | None = None) -> bool:
        return await self._commit(_revoke, grant, author, now, bot)

    async def list(
        self, subject: Subject | None = None, field: Field | None = None, limit: int = 1000
    ) -> tuple[Grant, ...]:
        field = field or Field()
        rows = await self._reading.all(
            SQL["list" if subject is None else "list_of"],
            subject=None if subject is None else str(subject),
            bot=field.bot,
            handler=field.handler,
            scene=field.scene,
            command=field.command,
            limit=limit,
        )
        return tuple(map(_line, rows))

    # --- groups of people ---------------------------------------------------------------

    async def set_people(self, group: PeopleGroup, author: str, now: float) -> None:
        if len(group.members) > PEOPLE_MAX:
            raise Refused(
                f"A group of people has at most {PEOPLE_MAX} members; make two of it.",
                zh=f"一个人员组最多 {PEOPLE_MAX} 人；请分成两个组。",
            )
        await self._commit(_set_people, group, author, now)

    async def people(self, limit: int = 1000) -> tuple[PeopleGroup, ...]:
        return tuple(
            PeopleGroup(name=name, bot=bot, members=words(members))
            for name, bot, members in await self._reading.all(SQL["people"], limit=limit)
        )

    async def groups_of(self, bot: str, person: str) -> tuple[str, ...]:
        if not await self._has_lines():
            return ()
        return tuple(
            row[0] for row in await self._reading.all(SQL["groups_of"], bot=bot, person=person)
        )

    # --- operators in chats -------------------------------------------------------------

    async def make_operator(self, operator: ChatOperator, author: str, now: float) -> None:
        await self._commit(_make_operator, operator, author, now)

    async def reach_operator(self, bot: str, person: str, chat: int) -> None:
        await self._commit(_reach_operator, bot, person, chat)

    async def drop_operator(self, bot: str, person: str, author: str, now: float) -> bool:
        return await self._commit(_drop_operator, bot, person, author, now)

    async def operators(self, bot: str | None = None) -> tuple[ChatOperator, ...]:
        return tuple(
            ChatOperator(bot=of, person=person, name=name, chat=chat)
            for of, person, name, chat in await self._reading.all(SQL["operators"], bot=bot)
        )

    async def is_operator(self, bot: str, person: str) -> bool:
        return await self._reading.one(SQL["is_operator"], bot=bot, person=person) is not None

    # --- strangers ----------------------------------------------------------------------

    async def meet(self, stranger: Stranger) -> bool:
        return await self._commit(_meet, stranger)

    async def strangers(self, limit: int = 100) -> tuple[Stranger, ...]:
        return tuple(map(_stranger, await self._reading.all(SQL["strangers"], limit=limit)))


def _ruling(row: Row, now: float) -> Ruling:
    number, effect, from_at, until_at = row
    if effect == Effect.BLOCK:
        return Ruling(is_allowed=False, reason="blocked", grant=number)
    if until_at is not None and until_at <= now:
        reason = f"grant_expired {_last_day(until_at)}"
        return Ruling(is_allowed=False, reason=reason, grant=number)
    if from_at is not None and from_at > now:
        return Ruling(is_allowed=False, reason=f"grant_not_yet {_day(from_at)}", grant=number)
    return Ruling(is_allowed=True, reason="granted", grant=number)


def _day(at: float) -> str:
    """Show a day, in the house's time zone (the process runs in it)."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def _last_day(until_at: float) -> str:
    """Show the last day on which something was in force: at midnight, that is the day before."""
    return _day(until_at - 0.001)


def _grant(database: Database, new: NewGrant, author: str, now: float) -> Grant:
    row = database.one(
        SQL["grant"],
        effect=new.effect,
        subject=str(new.subject),
        bot=new.field.bot,
        handler=new.field.handler,
        scene=new.field.scene,
        command=new.field.command,
        from_at=new.from_at,
        until_at=new.until_at,
        author=author,
        now=now,
        note=new.note,
    )
    assert row is not None  # it is there now, written or replaced
    made = _line(row)
    write_audit(database, author, "grant", str(made.subject), _details(made), now)
    return made


def _revoke(database: Database, grant: int, author: str, now: float, bot: str | None) -> bool:
    row = database.one(SQL["get"], grant=grant)
    if row is None:
        return False
    struck = _line(row)
    if bot is not None and struck.field.bot != bot:
        return False
    database.run(SQL["revoke"], grant=grant)
    write_audit(database, author, "revoke", str(struck.subject), _details(struck), now)
    return True


def _details(grant: Grant) -> dict[str, object]:
    return {
        "grant": grant.id,
        "effect": grant.effect,
        "field": grant.field,
        "from_at": grant.from_at,
        "until_at": grant.until_at,
        "note": grant.note,
    }


def _set_people(database: Database, group: PeopleGroup, author: str, now: float) -> None:
    database.run(SQL["disband"], bot=group.bot, name=group.name)
    for person in group.members:
        database.run(SQL["join"], bot=group.bot, person=person, name=group.name)
    details = {"bot": group.bot, "members": group.members}
    write_audit(database, author, "people", f"people:{group.name}", details, now)


def _make_operator(database: Database, operator: ChatOperator, author: str, now: float) -> None:
    database.run(
        SQL["make_operator"],
        bot=operator.bot,
        person=operator.person,
        name=operator.name,
        chat=operator.chat,
        now=now,
    )
    details = {"bot": operator.bot, "name": operator.name}
    write_audit(database, author, "chat_operator.add", f"person:{operator.person}", details, now)


def _reach_operator(database: Database, bot: str, person: str, chat: int) -> None:
    database.run(SQL["reach_operator"], bot=bot, person=person, chat=chat)


def _drop_operator(database: Database, bot: str, person: str, author: str, now: float) -> bool:
    if not database.count(SQL["drop_operator"], bot=bot, person=person):
        return False
    write_audit(database, author, "chat_operator.drop", f"person:{person}", {"bot": bot}, now)
    return True


def _meet(database: Database, stranger: Stranger) -> bool:
    database.run(SQL["forget_strangers"], before=stranger.at - STRANGERS_KEPT_S)
    return bool(
        database.count(
            SQL["meet"],
            bot=stranger.bot,
            person=stranger.person,
            handler=stranger.handler,
            reason=stranger.reason,
            name=stranger.name,
            chat=stranger.chat,
            at=stranger.at,
        )
    )


def _stranger(row: Row) -> Stranger:
    bot, person, name, chat, handler, reason, at = row
    return Stranger(
        bot=bot, person=person, name=name, chat=chat, handler=handler, reason=reason, at=at
    )


def _line(row: Row) -> Grant:
    number, effect, subject, bot, handler, scene, command, from_at, until_at, author, at, note = row
    kind, _, name = subject.partition(":")
    return Grant(
        id=number,
        effect=Effect(effect),
        subject=Subject(SubjectKind(kind), name),
        field=Field(bot=bot, handler=handler, scene=scene, command=command),
        from_at=from_at,
        until_at=until_at,
        author=author,
        created_at=at,
        note=note,
    )
