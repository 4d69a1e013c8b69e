"""What operators' tools ask of the book of permissions; see ``desk.py`` for how."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from posthouse.api.desk import Desk, Nothing, Task
from posthouse.model.errors import OperatorMistake, Refused
from posthouse.model.permission import Field, Grant, Subject
from posthouse.store.access import Operator
from posthouse.store.grants import ChatOperator, NewGrant, PeopleGroup, Stranger

CLI = "cli"  # what the audit calls who may read the lock file
LINES_MAX = 10_000


class Write(Struct, frozen=True):
    """Lines for the book, each audited; ``author`` says where they come from."""

    lines: tuple[NewGrant, ...]
    author: str = CLI


class Strike(Struct, frozen=True):
    """A line that is to go."""

    grant: int


class Look(Struct, frozen=True):
    """Which lines to show: of one subject, touching a field."""

    subject: Subject | None = None
    field: Field = Field()
    limit: int = 1000


class Everybody(Struct, frozen=True, kw_only=True):
    """Who steers, who may enter the console, and who waits to be allowed."""

    in_chats: tuple[ChatOperator, ...]
    of_console: tuple[Operator, ...]
    strangers: tuple[Stranger, ...]


class Someone(Struct, frozen=True):
    """A person of a bot."""

    bot: str
    person: str
    name: str = ""


class PutCode(Struct, frozen=True):
    """A one-time code; only its hash is handed over."""

    purpose: str
    code_hash: bytes
    lasts_s: float


async def write(desk: Desk, wanted: Write) -> tuple[Grant, ...]:
    """Write lines and return them."""
    if len(wanted.lines) > LINES_MAX:
        raise OperatorMistake(
            f"At most {LINES_MAX} lines at once.", zh=f"一次最多 {LINES_MAX} 条。"
        )
    grants, now = desk.grants, desk.now()
    return tuple([await grants.grant(line, wanted.author, now) for line in wanted.lines])


async def strike(desk: Desk, wanted: Strike) -> bool:
    """Strike a line out; False when there is none of that number."""
    return await desk.grants.revoke(wanted.grant, CLI, desk.now())


async def look(desk: Desk, wanted: Look) -> tuple[Grant, ...]:
    """Return lines, newest first."""
    limit = max(1, min(wanted.limit, LINES_MAX))
    return await desk.grants.list(wanted.subject, wanted.field, limit)


async def everybody(desk: Desk, _nothing: Nothing) -> Everybody:
    """Return operators, and strangers."""
    return Everybody(
        in_chats=await desk.grants.operators(),
        of_console=await desk.access.operators(),
        strangers=await desk.grants.strangers(),
    )


async def appoint(desk: Desk, wanted: Someone) -> bool:
    """Let somebody steer the house from inside chats."""
    operator = ChatOperator(bot=wanted.bot, person=wanted.person, name=wanted.name)
    await desk.grants.make_operator(operator, CLI, desk.now())
    return True


async def dismiss(desk: Desk, wanted: Someone) -> bool:
    """Take that away again; False when they were no operator."""
    return await desk.grants.drop_operator(wanted.bot, wanted.person, CLI, desk.now())


async def put_code(desk: Desk, wanted: PutCode) -> float:
    """Remember a one-time code and return when it ends."""
    now = desk.now()
    expires_at = now + wanted.lasts_s
    await desk.access.put_code(wanted.purpose, wanted.code_hash, expires_at, now)
    return expires_at


async def groups(desk: Desk, _nothing: Nothing) -> tuple[PeopleGroup, ...]:
    """Return the groups of people."""
    return await desk.grants.people()


async def gather(desk: Desk, wanted: PeopleGroup) -> bool:
    """Make or change a group of people; without members it is removed."""
    try:
        await desk.grants.set_people(wanted, CLI, desk.now())
    except Refused as refused:
        raise OperatorMistake(str(refused), zh=refused.zh) from None
    return True


WRITE = Task("write", Write, write, tuple[Grant, ...])
STRIKE = Task("strike", Strike, strike, bool)
LOOK = Task("look", Look, look, tuple[Grant, ...])
EVERYBODY = Task("everybody", Nothing, everybody, Everybody)
APPOINT = Task("appoint", Someone, appoint, bool)
DISMISS = Task("dismiss", Someone, dismiss, bool)
PUT_CODE = Task("put_code", PutCode, put_code, float)
GROUPS = Task("groups", Nothing, groups, tuple[PeopleGroup, ...])
GATHER = Task("gather", PeopleGroup, gather, bool)

PERMISSION_TASKS: Mapping[str, Task[Struct, object]] = {
    task.name: task  # type: ignore[misc]  # each task checks its own arguments
    for task in (WRITE, STRIKE, LOOK, EVERYBODY, APPOINT, DISMISS, PUT_CODE, GROUPS, GATHER)
}
