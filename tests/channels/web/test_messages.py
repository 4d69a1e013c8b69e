"""Saying, editing, recalling and pressing: told to the road once, whatever happens between."""

import asyncio
from typing import Any

import pytest

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.address import ChatKind, Entrance
from posthouse.model.errors import StorageFull, TryLater
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MembersChanged,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
)
from posthouse.model.message import Choice, Content, plain_text
from posthouse.store.rooms import NewMessage, Said
from tests.channels.web.stage import Stage


def of_kind(stage: Stage, kind: type[Event]) -> list[Any]:
    return [event for event in stage.door.events if isinstance(event, kind)]


async def bot_says(stage: Stage, room: str, content: Content, key: str = "1" * 32) -> str:
    chat = stage.chat(room)
    part = Part(verb=Verb.SEND, body=stage.channel.encode(content, Letter(chat=chat)), key=key)
    outcome = await stage.channel.perform(part, chat)
    return outcome.ids[0]  # type: ignore[union-attr]  # a room takes everything


async def test_a_message_is_in_the_book_before_it_is_acknowledged(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    answer = await ann.say(room, "hello @Ben")
    assert answer.status == 200
    (event,) = of_kind(stage, MessageReceived)
    assert (event.place.platform_id, event.place.kind) == (room, ChatKind.GROUP)
    assert (event.sender.id, event.sender.name) == (ann.id, "Ann")
    assert plain_text(event.parts) == "hello @Ben"
    assert event.message_id == f"{room}-{answer.json['number']}"
    assert event.key == f"m:{room}:{event.message_id}"
    assert not event.is_addressed
    assert stage.door.attempts[-1][1] is Entrance.WEBHOOK
    seen = (await ben.browser.get(f"/chat/api/rooms/{room}")).json["messages"]
    assert [message["text"] for message in seen] == ["hello @Ben"]


@pytest.mark.parametrize("text", ["@驿站 help", "please @bot", "@BOT?", "你好@驿站帮我看看"])
async def test_a_mention_addresses_the_bot(stage: Stage, text: str) -> None:
    room, (ann,) = await stage.team("Ann")
    await ann.say(room, text)
    assert of_kind(stage, MessageReceived)[0].is_addressed


@pytest.mark.parametrize("text", ["驿站", "mail me@bot.example", "@bots", "@botany"])
async def test_what_only_looks_like_a_mention_does_not(stage: Stage, text: str) -> None:
    room, (ann,) = await stage.team("Ann")
    await ann.say(room, text)
    assert not of_kind(stage, MessageReceived)[0].is_addressed


async def test_in_private_everything_is_addressed(stage: Stage) -> None:
    ann = await stage.person("Ann")
    (line,) = (await ann.browser.get("/chat/api/rooms")).json
    await ann.say(line["id"], "hello")
    assert of_kind(stage, MessageReceived)[0].is_addressed


async def test_answering_the_bot_by_quoting_it_addresses_it(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    number = int((await bot_says(stage, room, Content("42"))).rpartition("-")[2])
    await ann.say(room, "why?", quote=number)
    (event,) = of_kind(stage, MessageReceived)
    assert event.is_addressed
    assert (event.parts[0].text, event.parts[0].is_mine) == ("42", True)


async def test_the_same_key_is_said_and_told_once(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    first = await ann.say(room, "once", key="the-same-key")
    again = await ann.say(room, "once", key="the-same-key")
    assert first.json["number"] == again.json["number"]
    assert len(of_kind(stage, MessageReceived)) == 1


@pytest.mark.parametrize(
    ("refusal", "code"), [(TryLater(), "try_later"), (StorageFull(), "storage_full")]
)
async def test_what_the_road_cannot_take_is_asked_for_again(
    stage: Stage, refusal: TryLater, code: str
) -> None:
    room, (ann,) = await stage.team("Ann")
    stage.door.refusal = refusal
    answer = await ann.say(room, "later", key="the-same-key")
    assert (answer.status, answer.code) == (503, code)
    assert int(answer.headers["retry-after"]) >= 1
    stage.door.refusal = None
    assert (await ann.say(room, "later", key="the-same-key")).status == 200
    assert len(of_kind(stage, MessageReceived)) == 1


async def test_a_crash_between_room_and_road_loses_nothing(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    new = NewMessage(room=room, sender=ann.id, key="before-the-crash", said=Said("hello"))
    message, _ = await stage.rooms.post(new, stage.clock())
    await stage.rooms.edit(room, message.number, ann.id, Said("hello, mended"), stage.clock())
    running = asyncio.ensure_future(stage.again().run(stage.door))
    await asyncio.wait_for(stage.door.until_accepted(3), 5)
    running.cancel()
    told = [type(event).__name__ for event in stage.door.events]
    assert told[-2:] == ["MessageReceived", "MessageEdited"]
    assert plain_text(of_kind(stage, MessageReceived)[0].parts) == "hello, mended"
    assert await stage.rooms.errands("web", None, 10) == ()


async def test_what_was_told_but_not_noted_is_told_again_under_the_same_key(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    new = NewMessage(room=room, sender=ann.id, key="before-the-crash", said=Said("hello"))
    await stage.rooms.post(new, stage.clock())
    waiting = await stage.rooms.errands("web", room, 10)
    errands = stage.channel._chat.errands
    for _ in range(2):  # the crash came after the road had it, before the errand was removed
        await errands._tell(waiting)
    attempts = [event.key for event, _ in stage.door.attempts if event.place.platform_id == room]
    assert attempts[-1] == attempts[-2]
    assert len(of_kind(stage, MessageReceived)) == 1


async def test_a_message_recalled_before_it_was_told_is_never_told(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    stage.door.refusal = TryLater()
    await ann.say(room, "secret")
    (waiting,) = (await ann.browser.get(f"/chat/api/rooms/{room}")).json["messages"]
    await ann.browser.delete(f"/chat/api/rooms/{room}/messages/{waiting['number']}")
    stage.door.refusal = None
    await ann.say(room, "next")
    assert [plain_text(event.parts) for event in of_kind(stage, MessageReceived)] == ["next"]
    assert len(of_kind(stage, MessageRecalled)) == 1


async def test_messages_reach_the_road_in_the_order_of_the_room(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    texts = [f"message {number}" for number in range(10)]
    await asyncio.gather(*((ann, ben)[at % 2].say(room, text) for at, text in enumerate(texts)))
    shown = (await ann.browser.get(f"/chat/api/rooms/{room}")).json["messages"]
    told = [plain_text(event.parts) for event in of_kind(stage, MessageReceived)]
    assert told == [message["text"] for message in shown]


async def test_an_edit_and_a_recall_are_told(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    number = (await ann.say(room, "@bot tpyo")).json["number"]
    path = f"/chat/api/rooms/{room}/messages/{number}"
    stage.clock.advance(5)
    edited = await ann.browser.patch(path, {"text": "@bot typo"})
    assert (edited.json["text"], edited.json["edited_at"]) == ("@bot typo", stage.clock())
    (edit,) = of_kind(stage, MessageEdited)
    assert edit.is_addressed
    assert edit.message_id == f"{room}-{number}"
    gone = await ann.browser.delete(path)
    assert gone.json["is_recalled"]
    assert "text" not in gone.json
    (recall,) = of_kind(stage, MessageRecalled)
    assert recall.message_id == f"{room}-{number}"
    assert (await ann.browser.delete(path)).status == 200
    assert len(of_kind(stage, MessageRecalled)) == 1
    assert (await ann.browser.patch(path, {"text": "again"})).code == "message_not_found"


async def test_nobody_changes_what_others_said(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    number = (await ann.say(room, "mine")).json["number"]
    path = f"/chat/api/rooms/{room}/messages/{number}"
    assert (await ben.browser.patch(path, {"text": "his"})).code == "not_yours"
    assert (await ben.browser.delete(path)).code == "not_yours"
    bots = int((await bot_says(stage, room, Content("its"))).rpartition("-")[2])
    answer = await ann.browser.delete(f"/chat/api/rooms/{room}/messages/{bots}")
    assert answer.code == "not_yours"


async def test_a_button_is_pressed_once_by_each(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    content = Content("Go on?", choices=(Choice("Yes", "q:0"), Choice("No", "q:1")))
    number = int((await bot_says(stage, room, content)).rpartition("-")[2])
    path = f"/chat/api/rooms/{room}/messages/{number}/press"
    await ann.browser.post(path, {"token": "q:0"})
    await ann.browser.post(path, {"token": "q:1"})
    seen = await ben.browser.post(path, {"token": "q:1"})
    assert [(press["name"], press["token"]) for press in seen.json["presses"]] == [
        ("Ann", "q:0"),
        ("Ben", "q:1"),
    ]
    pressed = [(event.sender.id, event.token) for event in of_kind(stage, ButtonPressed)]
    assert pressed == [(ann.id, "q:0"), (ben.id, "q:1")]
    assert (await ben.browser.post(path, {"token": "made up"})).code == "message_not_found"


async def test_who_presses_in_vain_is_told_so_alone(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    content = Content("Go on?", choices=(Choice("Yes", "q:0"),))
    number = int((await bot_says(stage, room, content)).rpartition("-")[2])
    path = f"/chat/api/rooms/{room}/messages/{number}/press"
    stage.door.answers += [b"Not yours.", None]
    told = await ann.browser.post(path, {"token": "q:0"})
    assert told.json["toast"] == "Not yours."
    assert [press["is_vain"] for press in told.json["presses"]] == [True]
    assert "toast" not in (await ann.browser.post(path, {"token": "q:0"})).json
    seen = await ben.browser.post(path, {"token": "q:0"})
    assert "toast" not in seen.json
    assert [(press["name"], press["is_vain"]) for press in seen.json["presses"]] == [("Ben", False)]
    assert stage.door.waits_s == [0.0, 0.0]


async def test_presses_and_words_are_told_in_their_order(stage: Stage) -> None:
    """However many of them the road could not take at once."""
    room, (ann,) = await stage.team("Ann")
    content = Content("Go on?", choices=(Choice("Yes", "q:0"),))
    number = int((await bot_says(stage, room, content)).rpartition("-")[2])
    stage.door.refusal = TryLater()
    await ann.say(room, "before")
    await ann.browser.post(f"/chat/api/rooms/{room}/messages/{number}/press", {"token": "q:0"})
    await ann.say(room, "between")
    await ann.say(room, "after")
    stage.door.refusal = None
    await ann.say(room, "last")
    kinds = [type(event) for event in stage.door.events]
    said, pressed = MessageReceived, ButtonPressed
    assert kinds[-5:] == [said, pressed, said, said, said]


async def test_coming_and_going_is_told(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    await ben.browser.post(f"/chat/api/rooms/{room}/leave")
    changes = of_kind(stage, MembersChanged)
    about_me, joined, left = changes
    assert (about_me.is_about_me, about_me.place.platform_id) == (True, room)
    assert [person.id for person in joined.joined] == [ben.id]
    assert [person.id for person in left.left] == [ben.id]
    assert (await ben.say(room, "still here?")).code == "room_not_found"
    assert (await ann.say(room, "bye")).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "empty"),
        ({"text": " \n\t"}, "empty"),
        ({"text": "\x00\x07"}, "empty"),
        ({"text": "x" * 20_001}, "too_long"),
        ({"text": "x", "key": "short"}, "bad_request"),
        ({"text": "x", "key": "../../../etc"}, "bad_request"),
        ({"text": 5}, "bad_request"),
        ({"text": "x", "quote": "1"}, "bad_request"),
        ({"text": "x", "quote": 10**30}, "message_not_found"),
        ({"text": "x", "quote": -1}, "message_not_found"),
        ({"text": "x", "quote": 999}, "message_not_found"),
        ({"text": "x", "files": ["sha256:" + "0" * 64]}, "file_not_found"),
        ({"text": "x", "files": ["../../etc/passwd"]}, "file_not_found"),
        ({"text": "x", "files": ["a"] * 11}, "too_many_files"),
    ],
    ids=repr,
)
async def test_what_makes_no_message(stage: Stage, body: dict[str, Any], code: str) -> None:
    room, (ann,) = await stage.team("Ann")
    answer = await ann.browser.post(
        f"/chat/api/rooms/{room}/messages", {"key": "a-good-key", **body}
    )
    assert (answer.status, answer.code) in {
        (400, code),
        (404, code),
        (422, code),
    }
    assert of_kind(stage, MessageReceived) == []


GARBAGE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"key":"12345678","text":"\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"1" * 100_000,
    b'{"key":"12345678","text":"\xc3\x28"}',
)


@pytest.mark.parametrize("raw", GARBAGE, ids=lambda raw: repr(raw[:24]))
async def test_garbage_is_a_bad_request(stage: Stage, raw: bytes) -> None:
    room, (ann,) = await stage.team("Ann")
    for method, path in (
        ("PUT", "/chat/api/me"),
        ("POST", "/chat/api/rooms"),
        ("POST", f"/chat/api/rooms/{room}/messages"),
        ("POST", f"/chat/api/rooms/{room}/read"),
    ):
        answer = await ann.browser.ask(method, path, raw=raw)
        assert answer.status in {400, 422}, (path, answer)
        assert answer.json.keys() == {"code", "zh", "en"}


async def test_a_body_is_cut_where_it_gets_too_large(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    path = f"/chat/api/rooms/{room}/messages"
    declared = await ann.browser.ask("POST", path, raw=b"{}", headers={"content-length": "9" * 12})
    assert (declared.status, declared.code) == (413, "too_large")
    endless = (b"x" * 65_536 for _ in range(1000))
    taken = await ann.browser.ask("POST", path, raw=endless)
    assert (taken.status, taken.code) == (413, "too_large")


async def test_a_flood_is_slowed_down(stage: Stage) -> None:
    room, (ann, ben) = await stage.team("Ann", "Ben")
    answers = [await ann.say(room, f"{number}") for number in range(25)]
    slowed = [answer for answer in answers if answer.status == 429]
    assert len(slowed) == 5
    assert int(slowed[0].headers["retry-after"]) >= 1
    assert (await ben.say(room, "others go on")).status == 200
    stage.clock.advance(60)
    assert (await ann.say(room, "later again")).status == 200


async def test_history_goes_back_page_by_page(stage: Stage) -> None:
    room, (ann,) = await stage.team("Ann")
    for number in range(60):
        new = NewMessage(room=room, sender=ann.id, key=f"key-{number:05}", said=Said(f"{number}"))
        await stage.rooms.post(new, stage.clock())
    page = (await ann.browser.get(f"/chat/api/rooms/{room}")).json
    assert (len(page["messages"]), page["is_more"]) == (50, True)
    first = page["messages"][0]["number"]
    earlier = (await ann.browser.get(f"/chat/api/rooms/{room}/messages?before={first}")).json
    assert [message["text"] for message in earlier["messages"]] == [str(n) for n in range(10)]
    assert not earlier["is_more"]
    for query in ("before=x", "before=-1", "limit=9e9", "before=" + "9" * 40):
        answer = await ann.browser.get(f"/chat/api/rooms/{room}/messages?{query}")
        assert answer.code == "bad_request"
