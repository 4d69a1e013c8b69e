"""What every store must do with web rooms: a page comes back by one number, and misses nothing.

Each check gets fresh, empty ``Rooms``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.address import ChatKind, Person, Role
from posthouse.model.errors import Refused
from posthouse.model.message import Choice, Media
from posthouse.store.rooms import (
    BOT,
    Changes,
    ErrandKind,
    Message,
    NewMessage,
    Press,
    Room,
    Rooms,
    Said,
    Upload,
)
from posthouse.testing.conformance.checks import holds, raises, same

NOW = 1_750_000_000.0
FILE = Media(ref=f"sha256:{'a' * 64}", name="a.txt", mime="text/plain", size_bytes=5)
CHOICES = (Choice("yes", "q:0"), Choice("no", "q:1"))


async def _open(rooms: Rooms, *people: str, room: str = "r1", bot: str = "web") -> Room:
    """Open a room whose first person is its owner."""
    for person in people:
        await rooms.name_person(bot, person, person.title(), NOW)
    new = Room(id=room, bot=bot, kind=ChatKind.GROUP, title="Team", created_at=NOW)
    made = await rooms.create(new, people[0], NOW)
    for person in people[1:]:
        await rooms.join(room, person, NOW, 100)
    return made


async def _say(  # noqa: PLR0913 - a message and what is special about it
    rooms: Rooms,
    sender: str,
    text: str,
    key: str = "",
    *,
    room: str = "r1",
    quote: int | None = None,
    is_draft: bool = False,
    said: Said | None = None,
) -> Message:
    new = NewMessage(
        room=room,
        sender=sender,
        key=key or f"key of {text}",
        said=said or Said(text),
        quote=quote,
        is_draft=is_draft,
    )
    return (await rooms.post(new, NOW))[0]


async def _catch_up(rooms: Rooms, after: int, room: str = "r1", limit: int = 100) -> Changes:
    return await rooms.changes(room, after, limit)


async def _drain(rooms: Rooms, bot: str = "web") -> list[ErrandKind]:
    errands = await rooms.errands(bot, None, 1000)
    await rooms.done([errand.id for errand in errands])
    return [errand.kind for errand in errands]


# --- people and rooms -----------------------------------------------------------------------


async def a_stranger_has_no_name(rooms: Rooms) -> None:
    same(await rooms.person_name("web", "ann"), None, "the name of a stranger")
    await rooms.name_person("web", "ann", "Ann", NOW)
    same(await rooms.person_name("web", "ann"), "Ann", "the name")
    same(await rooms.person_name("other", "ann"), None, "the name with another bot")


async def a_new_name_shows_everywhere(rooms: Rooms) -> None:
    room = await _open(rooms, "ann", "ben")
    said = await _say(rooms, "ann", "hello")
    shown_in = await rooms.name_person("web", "ann", "Anna", NOW)
    same(shown_in, ("r1",), "the rooms that show it")
    same([member.name for member in await rooms.members("r1")], ["Anna", "Ben"], "the members")
    found = await rooms.message("r1", said.number)
    same(found and found.sender_name, "Anna", "the sender of an earlier message")
    holds((await _catch_up(rooms, room.version)).has_people_changed, "pages are told")


async def whoever_opens_a_room_owns_it(rooms: Rooms) -> None:
    room = await _open(rooms, "ann")
    same(await rooms.room("web", "r1"), room, "the room")
    same(await rooms.room("other", "r1"), None, "the room with another bot")
    owner = await rooms.member("r1", "ann")
    same(owner and owner.role, Role.OWNER, "who opened it")
    same(await rooms.member("r1", "ben"), None, "somebody who is not in it")
    same(await _drain(rooms), [ErrandKind.CREATED], "what the road is told")


async def joining_twice_is_joining_once(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    before = await _catch_up(rooms, 0)
    holds(await rooms.join("r1", "ben", NOW, 100), "who is in may come in")
    same((await _catch_up(rooms, 0)).version, before.version, "the version")
    same(await _drain(rooms), [ErrandKind.CREATED, ErrandKind.JOINED], "what the road is told")


async def a_full_room_stays_as_it_is(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    await rooms.name_person("web", "cem", "Cem", NOW)
    holds(not await rooms.join("r1", "cem", NOW, 2), "the third one stays outside")
    same(await rooms.member("r1", "cem"), None, "the third one")
    holds(await rooms.join("r1", "ben", NOW, 2), "who is in a full room is in")


async def when_the_owner_leaves_the_oldest_inherits(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben", "cem")
    holds(await rooms.leave("r1", "ann", NOW), "she was in")
    holds(not await rooms.leave("r1", "ann", NOW), "she cannot leave twice")
    roles = {member.id: member.role for member in await rooms.members("r1")}
    same(roles, {"ben": Role.OWNER, "cem": Role.MEMBER}, "who is left")
    same((await _drain(rooms))[-1], ErrandKind.LEFT, "what the road is told")


async def an_empty_room_belongs_to_whoever_comes(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await rooms.leave("r1", "ann", NOW)
    await rooms.join("r1", "ann", NOW, 100)
    back = await rooms.member("r1", "ann")
    same(back and back.role, Role.OWNER, "the only one")


async def a_new_title_is_told(rooms: Rooms) -> None:
    room = await _open(rooms, "ann")
    await rooms.retitle("r1", "Crew")
    renamed = await rooms.room("web", "r1")
    same(renamed and renamed.title, "Crew", "the title")
    holds((await _catch_up(rooms, room.version)).has_people_changed, "pages are told")


# --- messages -------------------------------------------------------------------------------


async def what_was_said_is_there(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = Said("hi @Ann", "plain", (FILE,), CHOICES, (Person(id="ann", name="Ann"),))
    message = await _say(rooms, "ann", "", "k", said=said)
    same(await rooms.message("r1", message.number), message, "the message")
    same((message.said, message.sender, message.sender_name), (said, "ann", "Ann"), "what was said")
    same((message.at, message.key), (NOW, "k"), "when, and under which key")
    same(await rooms.message("r1", message.number + 1), None, "a number that is not there")


async def the_same_key_is_the_same_message(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    new = NewMessage(room="r1", sender="ann", key="k", said=Said("once"))
    first, is_new = await rooms.post(new, NOW)
    again, is_new_again = await rooms.post(replace(new, said=Said("other words")), NOW + 9)
    same((is_new, is_new_again), (True, False), "whether it is new")
    same(again, first, "the message")
    other, is_new = await rooms.post(replace(new, sender="ben"), NOW)
    holds(is_new and other.number != first.number, "somebody else's key is another one")


async def a_room_that_is_not_there_takes_nothing(rooms: Rooms) -> None:
    new = NewMessage(room="nowhere", sender=BOT, key="k", said=Said("x"))
    await raises(Refused, rooms.post(new, NOW), "a message to nowhere")


async def pages_go_back_in_order(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    numbers = [(await _say(rooms, "ann", str(at))).number for at in range(5)]
    newest = await rooms.before("r1", None, 3)
    same([message.number for message in newest], numbers[2:], "the newest three, oldest first")
    earlier = await rooms.before("r1", newest[0].number, 3)
    same([message.number for message in earlier], numbers[:2], "those before them")


async def a_page_that_comes_back_gets_each_change_once(rooms: Rooms) -> None:
    room = await _open(rooms, "ann")
    first = await _say(rooms, "ann", "one")
    second = await _say(rooms, "ann", "two")
    await rooms.edit("r1", first.number, "ann", Said("one, mended"), NOW)
    changes = await _catch_up(rooms, room.version)
    told = [(message.number, message.said.text) for message in changes.messages]
    same(told, [(second.number, "two"), (first.number, "one, mended")], "in order of change")
    nothing = await _catch_up(rooms, changes.version)
    same((nothing.messages, nothing.version), ((), changes.version), "what is new after that")
    holds(not nothing.has_people_changed, "nobody came")


async def many_changes_come_in_pieces(rooms: Rooms) -> None:
    room = await _open(rooms, "ann")
    numbers = [(await _say(rooms, "ann", str(at))).number for at in range(5)]
    told: list[int] = []
    after, is_more = room.version, True
    while is_more:
        changes = await _catch_up(rooms, after, limit=2)
        told += [message.number for message in changes.messages]
        after, is_more = changes.version, changes.is_more
    same(told, numbers, "what a page was told")


async def rooms_do_not_hear_each_other(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await _open(rooms, "ann", room="r2")
    await _say(rooms, "ann", "here")
    same((await _catch_up(rooms, 0, "r2")).messages, (), "what the other room has")


async def a_quote_shows_what_it_answers_as_it_is_now(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    question = await _say(rooms, "ann", "why?")
    answer = await _say(rooms, "ben", "because", quote=question.number)
    quoted = answer.quoted
    holds(quoted and (quoted.number, quoted.sender, quoted.text) == (2 + 1, "ann", "why?"), "quote")
    await rooms.recall("r1", question.number, "ann", NOW)
    again = await rooms.message("r1", answer.number)
    gone = again and again.quoted
    holds(gone and gone.is_recalled and gone.text == "", "a recalled message is quoted no more")


async def only_ones_own_words_can_be_changed(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    said = await _say(rooms, "ann", "mine")
    holds(not await rooms.edit("r1", said.number, "ben", Said("his"), NOW), "a no for editing hers")
    holds(not await rooms.recall("r1", said.number, "ben", NOW), "a no for recalling hers")
    holds(not await rooms.edit("r1", 999, "ann", Said("x"), NOW), "a no for editing nothing")
    same(await rooms.message("r1", said.number), said, "the message")


async def an_edit_is_told_once(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = await _say(rooms, "ann", "tpyo")
    await _drain(rooms)
    holds(await rooms.edit("r1", said.number, "ann", Said("typo"), NOW + 5), "she may")
    holds(await rooms.edit("r1", said.number, "ann", Said("typo"), NOW + 9), "again is fine")
    now = await rooms.message("r1", said.number)
    same(now and (now.said.text, now.edited_at), ("typo", NOW + 5), "the message")
    same(await _drain(rooms), [ErrandKind.EDITED], "what the road is told")


async def a_recalled_message_says_nothing(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = await _say(rooms, "ann", "secret", said=Said("secret", media=(FILE,)))
    await _drain(rooms)
    holds(await rooms.recall("r1", said.number, "ann", NOW), "she may")
    holds(await rooms.recall("r1", said.number, "ann", NOW), "again is fine")
    gone = await rooms.message("r1", said.number)
    same(gone and (gone.said, gone.is_recalled), (Said(), True), "what is left")
    holds(not await rooms.edit("r1", said.number, "ann", Said("x"), NOW), "a no for editing it")
    same(await _drain(rooms), [ErrandKind.RECALLED], "what the road is told")


# --- the bot --------------------------------------------------------------------------------


async def the_bots_words_are_no_errand(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await _drain(rooms)
    said = await _say(rooms, BOT, "answer")
    await rooms.rewrite("r1", said.number, Said("better"), NOW, is_draft=False)
    await rooms.withdraw("r1", said.number, NOW)
    same(await _drain(rooms), [], "what the road is told")


async def a_draft_that_is_finished_was_not_edited(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    draft = await _say(rooms, BOT, "Let me", is_draft=True)
    holds(draft.is_draft, "more is being written")
    final = Said("Let me see.")
    holds(await rooms.rewrite("r1", draft.number, final, NOW + 3, is_draft=False), "it is settled")
    done = await rooms.message("r1", draft.number)
    same(done and (done.said, done.is_draft, done.edited_at), (final, False, None), "the message")
    await rooms.rewrite("r1", draft.number, Said("Look."), NOW + 9, is_draft=False)
    edited = await rooms.message("r1", draft.number)
    same(edited and edited.edited_at, NOW + 9, "when it was edited")


async def the_same_words_again_change_nothing(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = await _say(rooms, BOT, "answer")
    holds(await rooms.rewrite("r1", said.number, Said("answer"), NOW + 9, is_draft=False), "fine")
    same(await rooms.message("r1", said.number), said, "the message")


async def the_bot_takes_back_only_its_own(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    hers, its = await _say(rooms, "ann", "hers"), await _say(rooms, BOT, "its")
    holds(not await rooms.withdraw("r1", hers.number, NOW), "a no for a person's message")
    holds(not await rooms.withdraw("r1", 999, NOW), "a no for what was never there")
    for _ in range(2):
        holds(await rooms.withdraw("r1", its.number, NOW), "its own, as often as it likes")
    gone = await rooms.message("r1", its.number)
    holds(gone and gone.is_recalled, "it is gone")
    other = Said("again")
    holds(
        not await rooms.rewrite("r1", its.number, other, NOW, is_draft=False),
        "a no for rewriting it",
    )


async def other_buttons_may_be_pressed_again(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = {name: Said(text="?", choices=(Choice(name, name),)) for name in ("stop:1", "good:1")}
    new = NewMessage(room="r1", sender=BOT, key="k", said=said["stop:1"], is_draft=True)
    asked, _ = await rooms.post(new, NOW)
    await rooms.press("r1", asked.number, "ann", "stop:1", NOW)
    await rooms.rewrite("r1", asked.number, said["stop:1"], NOW, is_draft=False)
    now = await rooms.message("r1", asked.number)
    same(now and now.presses, (Press("ann", "Ann", "stop:1"),), "presses of what is still there")
    await rooms.rewrite("r1", asked.number, said["good:1"], NOW, is_draft=False)
    holds(await rooms.press("r1", asked.number, "ann", "good:1", NOW), "the new one is pressed")
    now = await rooms.message("r1", asked.number)
    same(now and now.presses, (Press("ann", "Ann", "good:1"),), "presses of what is there now")


async def everybody_presses_once(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    asked = await _say(rooms, BOT, "?", said=Said("?", choices=CHOICES))
    await _drain(rooms)
    presses = [("ann", "q:0", True), ("ann", "q:1", True), ("ben", "q:1", True)]
    for person, token, is_taken in (*presses, ("ben", "q:9", False), ("cem", "q:0", False)):
        taken = await rooms.press("r1", asked.number, person, token, NOW)
        same(taken, is_taken, f"{person} presses {token}")
    now = await rooms.message("r1", asked.number)
    same(now and now.presses, (Press("ann", "Ann", "q:0"), Press("ben", "Ben", "q:1")), "presses")
    errands = await rooms.errands("web", "r1", 10)
    told = [(errand.kind, errand.person.id, errand.token) for errand in errands]
    expected = [(ErrandKind.PRESSED, "ann", "q:0"), (ErrandKind.PRESSED, "ben", "q:1")]
    same(told, expected, "what the road is told")
    await rooms.press_in_vain("r1", asked.number, "ben")
    await rooms.press_in_vain("r1", asked.number, "cem")
    late = await rooms.message("r1", asked.number)
    assert now is not None
    assert late is not None
    same([press.is_vain for press in late.presses], [False, True], "presses in vain")
    same(late.version > now.version, True, "a page learns of it")  # noqa: FBT003 - what is expected
    same(len(await rooms.errands("web", "r1", 10)), 2, "the road is told nothing of it")


# --- reading --------------------------------------------------------------------------------


async def unread_counts_what_others_said(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    await _say(rooms, "ann", "one")
    two = await _say(rooms, "ben", "two")
    gone = await _say(rooms, "ann", "gone")
    await rooms.recall("r1", gone.number, "ann", NOW)
    last = await _say(rooms, BOT, "three")
    unread = {person: await _unread(rooms, person) for person in ("ann", "ben")}
    same(unread, {"ann": 1, "ben": 1}, "whoever speaks has read what stands above")
    await rooms.mark_read("r1", "ann", last.number)
    await rooms.mark_read("r1", "ann", two.number)
    same(await _unread(rooms, "ann"), 0, "reading never goes back")


async def _unread(rooms: Rooms, person: str) -> int:
    (line,) = await rooms.rooms_of("web", person, 10)
    return line.unread


async def a_newcomer_has_nothing_unread(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await _say(rooms, "ann", "old news")
    await rooms.name_person("web", "ben", "Ben", NOW)
    await rooms.join("r1", "ben", NOW, 100)
    same(await _unread(rooms, "ben"), 0, "what was said before")


async def the_list_begins_with_the_newest_message(rooms: Rooms) -> None:
    for room in ("r1", "r2", "r3"):
        await _open(rooms, "ann", room=room)
    await rooms.post(NewMessage(room="r2", sender="ann", key="a", said=Said("x")), NOW + 1)
    await rooms.post(NewMessage(room="r1", sender="ann", key="b", said=Said("y")), NOW + 2)
    lines = await rooms.rooms_of("web", "ann", 2)
    same([line.room.id for line in lines], ["r1", "r2"], "the list")
    last = lines[0].last
    same(last and last.said.text, "y", "the newest message")
    same(await rooms.rooms_of("other", "ann", 10), (), "her rooms with another bot")
    same(await rooms.rooms_of("web", "ben", 10), (), "the rooms of somebody else")


# --- files ----------------------------------------------------------------------------------


async def an_upload_is_its_persons_and_its_rooms(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    upload = Upload(room="r1", person="ann", media=FILE)
    await rooms.keep_upload(upload, NOW)
    same(await rooms.upload("r1", "ann", FILE.ref), upload, "her upload")
    same(await rooms.upload("r1", "ben", FILE.ref), None, "for somebody else")
    same(await rooms.upload("r2", "ann", FILE.ref), None, "in another room")


async def a_file_is_forgotten_when_nothing_uses_it(rooms: Rooms) -> None:
    await _open(rooms, "ann", "ben")
    for person in ("ann", "ben"):
        await rooms.keep_upload(Upload(room="r1", person=person, media=FILE), NOW)
    said = await _say(rooms, "ann", "file", said=Said(media=(FILE,)))
    same(await rooms.forget_uploads(NOW, 10), (), "what is not old enough")
    same(await rooms.forget_uploads(NOW + 1, 10), (), "a message still carries it")
    same(await rooms.upload("r1", "ann", FILE.ref), None, "the upload")
    await rooms.recall("r1", said.number, "ann", NOW + 5)
    same(await rooms.forget_uploads(NOW + 5, 10), (), "right after the recall")
    same(await rooms.forget_uploads(NOW + 6, 10), (FILE.ref,), "what nothing uses any more")


# --- the road -------------------------------------------------------------------------------


async def errands_wait_in_order_until_they_are_done(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    said = await _say(rooms, "ann", "one")
    await rooms.edit("r1", said.number, "ann", Said("two"), NOW + 1)
    await rooms.recall("r1", said.number, "ann", NOW + 2)
    errands = await rooms.errands("web", "r1", 10)
    kinds = [errand.kind for errand in errands]
    expected = [
        ErrandKind.CREATED,
        ErrandKind.POSTED,
        ErrandKind.EDITED,
        ErrandKind.RECALLED,
    ]
    same(kinds, expected, "what the road is told, in order")
    same(errands[1].person, Person(id="ann", name="Ann", role=Role.OWNER), "by whom")
    same((errands[1].number, errands[1].at), (said.number, NOW), "about what, and when")
    same(len({errand.version for errand in errands}), 4, "each has a version of its own")
    await rooms.done([errands[0].id, errands[1].id])
    same(await rooms.errands("web", None, 10), errands[2:], "what is left")
    same(await rooms.errands("web", "r2", 10), (), "of another room")
    same(await rooms.errands("other", None, 10), (), "of another bot")


async def a_repeated_post_is_no_second_errand(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await _say(rooms, "ann", "one", "k")
    await _say(rooms, "ann", "one", "k")
    same(await _drain(rooms), [ErrandKind.CREATED, ErrandKind.POSTED], "what the road is told")


async def an_errand_that_is_done_takes_no_other_with_it(rooms: Rooms) -> None:
    await _open(rooms, "ann")
    await _say(rooms, "ann", "one")
    old = [errand.id for errand in await rooms.errands("web", None, 10)]
    await rooms.done(old)
    await _say(rooms, "ann", "two")
    await rooms.done(old)
    same(len(await rooms.errands("web", None, 10)), 1, "what is left to be told")
