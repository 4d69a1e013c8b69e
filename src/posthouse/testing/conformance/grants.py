"""What every store must do with permissions: rule by what is written, now, and audit each change.

Each check gets a fresh, empty ``Books``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from posthouse.model.errors import Refused
from posthouse.model.permission import ANY, Effect, Field, Grant, Ruling, Subject, SubjectKind, Wish
from posthouse.store.access import Access, AuditLine
from posthouse.store.grants import (
    PEOPLE_MAX,
    STRANGERS_KEPT_S,
    ChatOperator,
    Grants,
    NewGrant,
    PeopleGroup,
    Stranger,
)
from posthouse.testing.conformance.checks import holds, raises, same

NOW = 1_750_000_000.0
DAY_S = 86400.0
ANN = Subject(SubjectKind.PERSON, "ann")
EVERYBODY = Subject(SubjectKind.PERSON, ANY)
OPS = Subject(SubjectKind.PEOPLE, "ops")
ROOM = Subject(SubjectKind.CHAT, "7")
ANN_OF_B = ChatOperator(bot="b", person="ann", name="Ann")
DEPLOY = Field(bot="b", handler="commands", scene="deploy")


@dataclass(frozen=True)
class Books:
    """The two protocols that a change of permissions is written by."""

    grants: Grants
    access: Access


def _wish(person: str = "ann", **parts: str) -> Wish:
    where: dict[str, str] = {
        "bot": "b",
        "handler": "commands",
        "scene": "deploy",
        "command": "start",
        **parts,
    }
    return Wish(person=person, chat=7, **where)


async def _allow(
    books: Books,
    subject: Subject = ANN,
    field: Field = DEPLOY,
    *,
    from_at: float | None = None,
    until_at: float | None = None,
    at: float = NOW,
) -> Grant:
    new = NewGrant(
        effect=Effect.ALLOW, subject=subject, field=field, from_at=from_at, until_at=until_at
    )
    return await books.grants.grant(new, "cli", at)


async def _block(
    books: Books,
    subject: Subject = ANN,
    field: Field = DEPLOY,
    *,
    from_at: float | None = None,
    until_at: float | None = None,
) -> Grant:
    new = NewGrant(
        effect=Effect.BLOCK, subject=subject, field=field, from_at=from_at, until_at=until_at
    )
    return await books.grants.grant(new, "cli", NOW)


async def _is_allowed(books: Books, wish: Wish, now: float = NOW) -> bool:
    return (await books.grants.rule(wish, now)).is_allowed


async def _reason(books: Books, wish: Wish, now: float = NOW) -> str:
    return (await books.grants.rule(wish, now)).reason


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))


async def _last_line(books: Books) -> AuditLine:
    lines = await books.access.audit_lines(limit=1)
    holds(lines, "every change writes a line of the audit")
    return lines[0]


# --- rulings ---------------------------------------------------------------------------------


async def nobody_is_allowed_by_default(books: Books) -> None:
    same(
        await books.grants.rule(_wish(), NOW),
        Ruling(is_allowed=False, reason="not_granted"),
        "the ruling of an empty book",
    )


async def a_line_allows_what_it_names(books: Books) -> None:
    made = await _allow(books)
    same(
        await books.grants.rule(_wish(), NOW),
        Ruling(is_allowed=True, reason="granted", grant=made.id),
        "the ruling",
    )


async def a_line_allows_nothing_else(books: Books) -> None:
    await _allow(books, field=Field(bot="b", handler="commands", scene="deploy", command="start"))
    holds(await _is_allowed(books, _wish()), "what the line names is allowed")
    for wish in (
        _wish("bob"),
        _wish(bot="other"),
        _wish(handler="demo"),
        _wish(scene="billing"),
        _wish(command="stop"),
    ):
        same(await _reason(books, wish), "not_granted", f"the ruling about {wish}")


async def a_star_in_any_part_means_any(books: Books) -> None:
    await _allow(books, field=Field())
    holds(await _is_allowed(books, _wish()), "four stars allow everything")
    holds(await _is_allowed(books, _wish(bot="x", handler="y", scene="z")), "four stars")
    holds(not await _is_allowed(books, _wish("bob")), "a star in a field is no star for people")


async def a_line_may_speak_of_everybody(books: Books) -> None:
    await _allow(books, EVERYBODY)
    holds(await _is_allowed(books, _wish("bob")), "person:* is everybody")


async def a_line_may_speak_of_a_chat(books: Books) -> None:
    await _allow(books, ROOM)
    holds(await _is_allowed(books, _wish("bob")), "everybody in the chat is allowed")
    elsewhere = Wish(person="bob", chat=8, bot="b", handler="commands", scene="deploy")
    holds(not await _is_allowed(books, elsewhere), "nobody in another chat is")


async def a_line_may_speak_of_a_group_of_people(books: Books) -> None:
    await _allow(books, OPS)
    holds(not await _is_allowed(books, _wish()), "who is in no group is not allowed")
    await books.grants.set_people(PeopleGroup(name="ops", bot="b", members=("ann",)), "cli", NOW)
    holds(await _is_allowed(books, _wish()), "a member is allowed")
    holds(not await _is_allowed(books, _wish(bot="c")), "the group is of one bot")
    await books.grants.set_people(PeopleGroup(name="ops", bot="b", members=("bob",)), "cli", NOW)
    holds(not await _is_allowed(books, _wish()), "who has left the group is not allowed")


async def a_person_is_no_chat_and_no_group(books: Books) -> None:
    await _allow(books, Subject(SubjectKind.PERSON, "7"))
    await _allow(books, Subject(SubjectKind.CHAT, "ann"))
    await _allow(books, Subject(SubjectKind.PEOPLE, "ann"))
    holds(not await _is_allowed(books, _wish()), "equal names of different kinds are different")


async def ids_are_taken_letter_by_letter(books: Books) -> None:
    await _allow(books, Subject(SubjectKind.PERSON, "a%:_:b"))
    holds(await _is_allowed(books, _wish("a%:_:b")), "colons and signs belong to the id")
    for other in ("a%:_", "A%:_:B", "ax:x:b", "a%"):
        holds(not await _is_allowed(books, _wish(other)), f"{other} is somebody else")


async def a_block_beats_every_allowance(books: Books) -> None:
    await _allow(books, field=DEPLOY)
    await _allow(books, EVERYBODY, Field())
    made = await _block(books, EVERYBODY, Field(scene="deploy"))
    same(
        await books.grants.rule(_wish(), NOW),
        Ruling(is_allowed=False, reason="blocked", grant=made.id),
        "the ruling",
    )
    holds(await _is_allowed(books, _wish(scene="billing")), "what is not blocked stays allowed")


async def a_block_counts_inside_its_time_only(books: Books) -> None:
    await _allow(books)
    await _block(books, from_at=NOW + 10, until_at=NOW + 20)
    answers = [await _is_allowed(books, _wish(), NOW + after) for after in (9.9, 10, 19.9, 20)]
    same(answers, [True, False, False, True], "allowed before, at its start, in it, at its end")


async def an_allowance_ends_by_the_clock(books: Books) -> None:
    made = await _allow(books, until_at=NOW + DAY_S)
    holds(await _is_allowed(books, _wish(), NOW + DAY_S - 0.001), "until the last moment")
    same(
        await books.grants.rule(_wish(), NOW + DAY_S),
        Ruling(
            is_allowed=False,
            reason=f"grant_expired {_day(NOW + DAY_S - 0.001)}",
            grant=made.id,
        ),
        "the ruling at its end",
    )


async def an_allowance_begins_by_the_clock(books: Books) -> None:
    await _allow(books, from_at=NOW + DAY_S)
    same(await _reason(books, _wish()), f"grant_not_yet {_day(NOW + DAY_S)}", "the reason before")
    holds(await _is_allowed(books, _wish(), NOW + DAY_S), "from its first moment on")


async def one_allowance_in_force_is_enough(books: Books) -> None:
    good = await _allow(books, EVERYBODY)
    await _allow(books, until_at=NOW - 1)
    await _allow(books, ROOM, from_at=NOW + 1)
    same((await books.grants.rule(_wish(), NOW)).grant, good.id, "the line that decides")


async def the_newest_dead_allowance_gives_the_reason(books: Books) -> None:
    await _allow(books, until_at=NOW - 5 * DAY_S, at=NOW - 9 * DAY_S)
    await _allow(books, EVERYBODY, until_at=NOW - DAY_S, at=NOW - 8 * DAY_S)
    same(await _reason(books, _wish()), f"grant_expired {_day(NOW - DAY_S - 1)}", "the reason")


async def an_expired_block_gives_no_reason(books: Books) -> None:
    await _block(books, until_at=NOW - 1)
    same(await _reason(books, _wish()), "not_granted", "the reason")


async def the_door_is_open_to_who_may_use_something_inside(books: Books) -> None:
    await _allow(books, field=Field(bot="b", handler="commands", scene="deploy", command="start"))
    holds(await _is_allowed(books, _wish(scene="", command="")), "the handler's door")
    holds(await _is_allowed(books, _wish(command="")), "the scene's door")
    holds(not await _is_allowed(books, _wish(scene="billing", command="")), "another scene's door")
    holds(not await _is_allowed(books, _wish(handler="demo", scene="", command="")), "another door")


async def a_block_inside_does_not_close_the_door(books: Books) -> None:
    await _allow(books, field=Field())
    await _block(books, field=DEPLOY)
    holds(await _is_allowed(books, _wish(scene="", command="")), "the door stays open")
    holds(not await _is_allowed(books, _wish()), "the scene is blocked")
    await _block(books, field=Field(handler="commands"))
    same(await _reason(books, _wish(scene="", command="")), "blocked", "once all is blocked")


# --- lines -----------------------------------------------------------------------------------


async def the_same_line_again_replaces_its_times(books: Books) -> None:
    first = await _allow(books, until_at=NOW + 1)
    again = await _allow(books, until_at=NOW + DAY_S, at=NOW + 10)
    same(again.id, first.id, "the line's number")
    same(await books.grants.list(), (again,), "what is written")
    holds(await _is_allowed(books, _wish(), NOW + 20), "the newer end counts")
    forever = await _allow(books, at=NOW + 30)
    same((forever.from_at, forever.until_at), (None, None), "the times, without an end")


async def allowance_and_block_of_one_thing_are_two_lines(books: Books) -> None:
    await _allow(books)
    await _block(books)
    same(len(await books.grants.list()), 2, "how many lines there are")


async def a_line_comes_back_as_it_was_written(books: Books) -> None:
    new = NewGrant(
        effect=Effect.ALLOW,
        subject=Subject(SubjectKind.PERSON, "web:p:1"),
        field=DEPLOY,
        from_at=NOW - 1,
        until_at=NOW + 1,
        note="while Bob is away",
    )
    made = await books.grants.grant(new, "operator:ann", NOW)
    same(
        made,
        Grant(
            id=made.id,
            effect=Effect.ALLOW,
            subject=new.subject,
            field=DEPLOY,
            from_at=NOW - 1,
            until_at=NOW + 1,
            author="operator:ann",
            created_at=NOW,
            note="while Bob is away",
        ),
        "the line",
    )
    same(await books.grants.list(), (made,), "the list")


async def a_revoked_line_is_gone_at_once(books: Books) -> None:
    made = await _allow(books)
    holds(await books.grants.revoke(made.id, "cli", NOW), "revoking a line succeeds")
    same(await _reason(books, _wish()), "not_granted", "the ruling afterwards")
    holds(not await books.grants.revoke(made.id, "cli", NOW), "revoking it again does nothing")
    same(await books.grants.list(), (), "the list")


async def a_line_of_another_bot_stays_for_who_speaks_for_one(books: Books) -> None:
    ours = await _allow(books, field=Field(bot="b"))
    theirs = await _allow(books, field=Field(bot="other"))
    everywhere = await _allow(books, field=Field())
    for line in (ours, theirs, everywhere):
        await books.grants.revoke(line.id, "person:b:ann", NOW, bot="b")
    same(
        {line.id for line in await books.grants.list()}, {theirs.id, everywhere.id}, "what is left"
    )


async def a_number_is_never_used_twice(books: Books) -> None:
    made = await _allow(books)
    await books.grants.revoke(made.id, "cli", NOW)
    again = await _allow(books)
    holds(again.id > made.id, "revoking by an old number strikes no new line")


async def the_list_is_newest_first_and_of_what_is_asked(books: Books) -> None:
    one = await _allow(books)
    two = await _allow(books, OPS, Field(scene="billing"), at=NOW + 1)
    three = await _block(books, EVERYBODY, Field(bot="other"))
    everything = await books.grants.list()
    same({line.id for line in everything}, {one.id, two.id, three.id}, "all lines")
    same(everything[0], two, "the newest line comes first")
    same(await books.grants.list(OPS), (two,), "the lines of one subject")
    same(await books.grants.list(field=DEPLOY), (one,), "the lines that touch a field")
    same(len(await books.grants.list(limit=2)), 2, "at most so many")


async def every_change_is_audited_with_its_author(books: Books) -> None:
    made = await _allow(books)
    line = await _last_line(books)
    same((line.author, line.action, line.subject), ("cli", "grant", "person:ann"), "who and what")
    holds('"scene":"deploy"' in line.details, "the details name the field")
    await books.grants.revoke(made.id, "operator:bob", NOW + 1)
    line = await _last_line(books)
    same((line.author, line.action, line.at), ("operator:bob", "revoke", NOW + 1), "the revoking")
    holds('"scene":"deploy"' in line.details, "it says what was struck out")
    await books.grants.make_operator(ANN_OF_B, "claim", NOW)
    same((await _last_line(books)).action, "chat_operator.add", "the audit of an operator")
    await books.grants.drop_operator("b", "ann", "cli", NOW)
    same((await _last_line(books)).action, "chat_operator.drop", "and of their going")
    await books.grants.set_people(PeopleGroup(name="ops", bot="b", members=("ann",)), "cli", NOW)
    line = await _last_line(books)
    same((line.action, line.subject), ("people", "people:ops"), "the audit of a group")


async def what_changed_nothing_is_not_audited(books: Books) -> None:
    await books.grants.revoke(99, "cli", NOW)
    await books.grants.drop_operator("b", "nobody", "cli", NOW)
    same(await books.access.audit_lines(), (), "the audit")


# --- people and operators --------------------------------------------------------------------


async def a_group_of_people_is_kept_whole(books: Books) -> None:
    ops = PeopleGroup(name="ops", bot="b", members=("ann", "bob"))
    dev = PeopleGroup(name="dev", bot="b", members=("ann",))
    for group in (ops, dev):
        await books.grants.set_people(group, "cli", NOW)
    same(await books.grants.people(), (dev, ops), "the groups, by name")
    same(await books.grants.groups_of("b", "ann"), ("dev", "ops"), "the groups of somebody")
    same(await books.grants.groups_of("c", "ann"), (), "on another bot")
    await books.grants.set_people(PeopleGroup(name="ops", bot="b", members=()), "cli", NOW)
    same(await books.grants.people(), (dev,), "the groups, once one is empty")


async def a_group_of_people_has_a_limit(books: Books) -> None:
    members = tuple(map(str, range(PEOPLE_MAX + 1)))
    crowd = PeopleGroup(name="all", bot="b", members=members)
    await raises(Refused, books.grants.set_people(crowd, "cli", NOW), "too large a group")
    same(await books.grants.people(), (), "the groups")


async def an_operator_steers_one_bot(books: Books) -> None:
    carl = ChatOperator(bot="c", person="carl", name="Carl", chat=9)
    holds(not await books.grants.is_operator("b", "ann"), "nobody steers at first")
    await books.grants.make_operator(ANN_OF_B, "claim", NOW)
    holds(await books.grants.is_operator("b", "ann"), "who was made an operator steers")
    holds(not await books.grants.is_operator("c", "ann"), "and no other bot")
    await books.grants.make_operator(carl, "cli", NOW)
    same(await books.grants.operators(), (ANN_OF_B, carl), "everybody")
    same(await books.grants.operators("c"), (carl,), "of one bot")
    holds(await books.grants.drop_operator("b", "ann", "cli", NOW), "dropping one succeeds")
    holds(not await books.grants.is_operator("b", "ann"), "who was dropped steers no more")


async def an_operator_is_reached_in_their_private_chat(books: Books) -> None:
    await books.grants.make_operator(ANN_OF_B, "cli", NOW)
    await books.grants.reach_operator("b", "ann", 12)
    await books.grants.reach_operator("b", "stranger", 13)
    same([one.chat for one in await books.grants.operators()], [12], "the chat")
    await books.grants.make_operator(ANN_OF_B, "cli", NOW)
    same([one.chat for one in await books.grants.operators()], [12], "made one again: the chat")


# --- strangers -------------------------------------------------------------------------------


def _stranger(at: float = NOW, reason: str = "not_granted") -> Stranger:
    return Stranger(bot="b", person="ann", handler="demo", reason=reason, at=at, name="Ann", chat=7)


async def somebody_is_told_once(books: Books) -> None:
    told = [await books.grants.meet(_stranger(NOW + after)) for after in (0, 1, 1000)]
    same(told, [True, False, False], "whether they were told")
    expired = _stranger(reason="grant_expired 2026-11-03")
    holds(await books.grants.meet(expired), "telling of another reason succeeds")


async def after_a_long_time_somebody_is_told_again(books: Books) -> None:
    await books.grants.meet(_stranger())
    again = NOW + STRANGERS_KEPT_S
    holds(
        not await books.grants.meet(_stranger(again)),
        "telling just before it is forgotten does nothing",
    )
    holds(await books.grants.meet(_stranger(again + 1)), "telling afterwards succeeds")


async def strangers_are_listed_until_somebody_decides(books: Books) -> None:
    await books.grants.meet(_stranger())
    same(await books.grants.strangers(), (_stranger(),), "the list")
    await _block(books)
    same(await books.grants.strangers(), (), "the list, once a line speaks of them")
