"""设置 · 人员: grants, groups of people, and who steers from inside chats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from msgspec import Struct
from starlette.responses import Response

from posthouse.console.asking import Ask, Entry
from posthouse.console.house import Surroundings
from posthouse.console.pages import Pages, go
from posthouse.console.problems import Declined
from posthouse.gateway.grant_words import is_bot, is_name, is_never, read_subject
from posthouse.model.permission import (
    ANY,
    DOOR,
    Effect,
    Field,
    OperatorRole,
    Subject,
    SubjectKind,
)
from posthouse.model.reasons import explain
from posthouse.settings.language import Said
from posthouse.store.grants import NewGrant, PeopleGroup, Stranger

NAME_CHARS_MAX = 128
NOTE_CHARS_MAX = 200
MEMBERS_MAX = 500
STRANGERS_READ, NEWCOMERS_SHOWN = 200, 20
FIRST_YEAR, LAST_YEAR = 1971, 2999
WRONG_DAY = Said(
    f"日期写作 YYYY-MM-DD，从 {FIRST_YEAR}-01-01 到 {LAST_YEAR}-12-31。",
    f"A day is written YYYY-MM-DD, from {FIRST_YEAR}-01-01 to {LAST_YEAR}-12-31.",
)
WRONG_SUBJECT = Said("会话要写编号，例如 7。", "A chat is named by its number, such as 7.")
NEVER = Said(
    "到期时间要在将来，也要在开始之后。", "The end lies in the future, and behind the beginning."
)
NO_BOT = Said("没有这个机器人。", "There is no such bot.")
OPERATOR = OperatorRole.OPERATOR


class Newcomer(Struct, frozen=True):
    """One person who came without a grant, and what they wanted, the newest first."""

    name: str
    person: str
    bot: str
    wanted: list[Stranger]


class People:
    """The book of permissions."""

    def __init__(self, around: Surroundings, pages: Pages) -> None:
        self._around = around
        self._grants = around.books.grants
        self._pages = pages

    def table(self) -> Sequence[Entry]:
        """Return what it answers, and to whom."""
        return (
            Entry("GET", "/settings/people", self._show),
            Entry("POST", "/settings/grants", self._grant, OPERATOR),
            Entry("POST", "/settings/grants/{grant}/revoke", self._revoke, OPERATOR),
            Entry("POST", "/settings/groups", self._group, OPERATOR),
        )

    async def _show(self, ask: Ask) -> Response:
        newcomers = together(await self._grants.strangers(STRANGERS_READ))
        return self._pages.show(
            ask,
            "settings_people.html",
            tab="people",
            grants=await self._grants.list(),
            groups=await self._grants.people(),
            operators=await self._grants.operators(),
            newcomers=newcomers[:NEWCOMERS_SHOWN],
            explain=explain,
            now=self._around.clock(),
            bots=list(self._around.bots),
            handlers=self._around.arranged().handlers,
            can_act=ask.visitor.may(OPERATOR),
        )

    async def _grant(self, ask: Ask) -> Response:
        form = ask.form
        try:
            new = NewGrant(
                effect=Effect(form.get("effect", "")),
                subject=_subject(form),
                field=Field(
                    bot=_word(form, "bot", ANY),
                    handler=_name(form, "handler"),
                    scene=DOOR if form.get("door") else _name(form, "scene"),
                    command=_name(form, "command"),
                ),
                from_at=begins_at(form.get("from", ""), self._around.zone),
                until_at=ends_at(form.get("until", ""), self._around.zone),
                note=form.get("note", "")[:NOTE_CHARS_MAX].strip(),
            )
        except ValueError:
            raise Declined("not_understood") from None
        now = self._around.clock()
        if is_never(new.from_at, new.until_at, now):
            raise Declined("not_understood", NEVER)
        if not is_bot(new.field.bot, self._around.bots):
            raise Declined("not_understood", NO_BOT)
        await self._grants.grant(new, ask.visitor.author, now)
        return go("people?done=granted")

    async def _revoke(self, ask: Ask) -> Response:
        grant = ask.number("grant")
        if not await self._grants.revoke(grant, ask.visitor.author, self._around.clock()):
            raise Declined("changed_meanwhile")
        return go("../../people?done=revoked")

    async def _group(self, ask: Ask) -> Response:
        members = tuple(dict.fromkeys(ask.form.get("members", "").split()))[:MEMBERS_MAX]
        try:
            group = PeopleGroup(
                name=_word(ask.form, "name"), bot=_word(ask.form, "bot"), members=members
            )
        except ValueError:
            raise Declined("not_understood") from None
        await self._grants.set_people(group, ask.visitor.author, self._around.clock())
        return go("people?done=saved")


def together(strangers: Sequence[Stranger]) -> list[Newcomer]:
    """Put what one person wanted together, whoever came last first."""
    found: dict[tuple[str, str], Newcomer] = {}
    for one in strangers:
        new = Newcomer(one.name or one.person, one.person, one.bot, [])
        found.setdefault((one.bot, one.person), new).wanted.append(one)
    return list(found.values())


def _subject(form: dict[str, str]) -> Subject:
    """Return of whom a grant speaks, read as the command line and chats read it.

    Raises:
        ValueError: no such kind, or the name is not one word.
        Declined: a chat is not named by its number.
    """
    subject = read_subject(f"{SubjectKind(form.get('kind', ''))}:{_word(form, 'name')}")
    if subject is None:
        raise Declined("not_understood", WRONG_SUBJECT)
    return subject


def _word(form: dict[str, str], name: str, default: str = "") -> str:
    """Return a field that is one word.

    Raises:
        ValueError: it is empty, or too long, or several words.
    """
    word = form.get(name, "").strip() or default
    if not word or len(word) > NAME_CHARS_MAX or word.split() != [word]:
        raise ValueError(name)
    return word


def _name(form: dict[str, str], name: str) -> str:
    """Return the name of a handler, scene or command; any, where none is written.

    Raises:
        ValueError: it is no name.
    """
    word = _word(form, name, ANY)
    if not is_name(word):
        raise ValueError(name)
    return word


def begins_at(written: str, zone: tzinfo) -> float | None:
    """Return when a day begins; None for no day.

    Raises:
        Declined: it is no day, or one that no calendar of ours reaches.
    """
    return _day(written).replace(tzinfo=zone).timestamp() if written else None


def ends_at(written: str, zone: tzinfo) -> float | None:
    """Return when a day is over; None for no day.

    Raises:
        Declined: it is no day, or one that no calendar of ours reaches.
    """
    return (_day(written) + timedelta(days=1)).replace(tzinfo=zone).timestamp() if written else None


def _day(written: str) -> datetime:
    try:
        day = datetime.combine(date.fromisoformat(written), time())
    except ValueError:
        raise Declined("not_understood", WRONG_DAY) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:  # days around it must be days as well
        raise Declined("not_understood", WRONG_DAY)
    return day
