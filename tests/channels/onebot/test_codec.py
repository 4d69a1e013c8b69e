"""Frames → events, content → actions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from posthouse.channels.channel import Letter
from posthouse.channels.onebot import codec
from posthouse.channels.onebot.codec import Context, decode
from posthouse.model.address import Chat, ChatKind, Person, Place, Role
from posthouse.model.delivery import Kind
from posthouse.model.event import (
    Event,
    Internal,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
    Undecodable,
)
from posthouse.model.message import Content, File, Media, Text, plain_text
from tests.channels.onebot.stage import GROUP, PRIVATE, heartbeat, said

CONTEXT = Context("qq", 1000.0, frozenset({"77"}))


def events(frame: object) -> tuple[Event, ...]:
    return decode(json.dumps(frame), CONTEXT)


def message(frame: object) -> MessageReceived:
    [event] = events(frame)
    assert isinstance(event, MessageReceived)
    return event


def group(*segments: tuple[str, dict[str, Any]], **more: object) -> dict[str, Any]:
    return said(
        "",
        42,
        message_type="group",
        sub_type="normal",
        group_id=30001,
        group_name="Team",
        message=[{"type": kind, "data": data} for kind, data in segments],
        sender={"nickname": "Ada", "card": "Chief", "role": "admin"},
        **more,
    )


def notice(kind: str, **more: object) -> dict[str, Any]:
    frame = {"time": 5, "self_id": 10001, "post_type": "notice", "notice_type": kind}
    return frame | {"group_id": 30001, "user_id": 20001} | more


# --- messages ---------------------------------------------------------------------------------


def test_a_private_message() -> None:
    event = message(said("hi", 42, time=7))
    assert event == MessageReceived(
        key="m:private:20001:42",
        place=Place("qq", "private:20001", ChatKind.PRIVATE, "Ada"),
        sender=Person("20001", "Ada"),
        message_id="42",
        parts=(Text("hi"),),
        at=7.0,
        is_addressed=True,
    )


def test_a_group_message_is_for_the_bot_only_when_it_says_so() -> None:
    event = message(group(("text", {"text": "hi"})))
    assert event.place == Place("qq", "group:30001", ChatKind.GROUP, "Team")
    assert event.sender == Person("20001", "Chief", Role.ADMIN)
    assert not event.is_addressed


@pytest.mark.parametrize(
    ("kind", "data", "is_addressed"),
    [
        ("at", {"qq": "10001"}, True),
        ("at", {"qq": 10001}, True),
        ("at", {"qq": "20002"}, False),
        ("at", {"qq": "all"}, False),
        ("reply", {"id": "77"}, True),
        ("reply", {"id": "78"}, False),
    ],
)
def test_who_is_meant(kind: str, data: dict[str, Any], is_addressed: bool) -> None:  # noqa: FBT001
    event = message(group((kind, data), ("text", {"text": " demo echo x"})))
    assert event.is_addressed is is_addressed


def test_the_bots_own_mention_is_no_word() -> None:
    event = message(group(("at", {"qq": "10001"}), ("text", {"text": " demo echo x"})))
    assert plain_text(event.parts) == "demo echo x"


def test_a_string_of_codes_is_the_same_message() -> None:
    as_array = message(group(("at", {"qq": "10001"}), ("text", {"text": " a&b"})))
    as_string = message(group() | {"message": "[CQ:at,qq=10001] a&amp;b"})
    assert as_string == as_array


def test_a_message_without_id_is_known_by_its_bytes() -> None:
    first, again = (message(said("hi", message_id=0, time=7)) for _ in range(2))
    other = message(said("ho", message_id=0, time=7))
    assert first.key == again.key != other.key


def test_strangers_of_a_group_have_a_chat_of_their_own() -> None:
    frame = said("hi", sub_type="group", sender={"nickname": "Ada", "group_id": 30001})
    assert message(frame).place.platform_id == "temp:30001:20001"


def test_anonymous_people_are_told_apart() -> None:
    frame = group(("text", {"text": "hi"}), user_id=80000000)
    frame["anonymous"] = {"id": 3, "name": "Owl", "flag": "f"}
    assert message(frame).sender == Person("anonymous:3", "Owl")


@pytest.mark.parametrize("post_type", ["message_sent", "message"])
def test_the_bots_own_words_are_a_bots(post_type: str) -> None:
    event = message(said("hi", post_type=post_type, user_id=10001, target_id=20001))
    assert event.place.platform_id == "private:20001"
    assert event.sender.is_bot
    assert not event.is_addressed


def test_ids_may_come_as_text_and_names_as_nothing() -> None:
    frame = said("hi", self_id="10001", user_id="20001", message_id="42", sender=None)
    assert message(frame).key == "m:private:20001:42"
    assert message(said("hi", sender={"nickname": None, "card": None})).sender.name == ""


# --- notices and requests -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "more", "chat"),
    [
        ("group_recall", {"operator_id": 20009}, "group:30001"),
        ("friend_recall", {"group_id": None}, "private:20001"),
    ],
)
def test_a_recall(kind: str, more: dict[str, Any], chat: str) -> None:
    [event] = events(notice(kind, message_id=42, **more))
    assert isinstance(event, MessageRecalled)
    assert (event.key, event.message_id) == (f"r:{chat}:42", "42")
    assert event.sender.id == str(more.get("operator_id", 20001))


@pytest.mark.parametrize(
    ("kind", "sub_type", "user", "joined", "left", "is_about_me"),
    [
        ("group_increase", "approve", 20001, 1, 0, False),
        ("group_increase", "invite", 10001, 1, 0, True),
        ("group_decrease", "leave", 20001, 0, 1, False),
        ("group_decrease", "kick_me", 10001, 0, 1, True),
    ],
)
def test_people_come_and_go(
    kind: str,
    sub_type: str,
    user: int,
    joined: int,
    left: int,
    is_about_me: bool,  # noqa: FBT001
) -> None:
    [event] = events(notice(kind, sub_type=sub_type, user_id=user, operator_id=20009))
    assert isinstance(event, MembersChanged)
    assert (len(event.joined), len(event.left)) == (joined, left)
    assert event.is_about_me is is_about_me
    assert event.sender.id == "20009"


def test_reactions_of_both_families() -> None:
    likes = [{"emoji_id": "128077", "count": 1}, {"emoji_id": "76", "count": 1}]
    napcat = events(notice("group_msg_emoji_like", message_id=42, likes=likes))
    code = {"operator_id": 20009, "code": "76", "sub_type": "remove"}
    lagrange = events(notice("reaction", message_id=42, **code))
    assert [(e.emoji, e.is_added) for e in napcat if isinstance(e, ReactionChanged)] == [
        ("👍", True),
        ("76", True),
    ]
    assert len({event.key for event in napcat}) == 2
    assert [(e.emoji, e.is_added) for e in lagrange if isinstance(e, ReactionChanged)] == [
        ("76", False)
    ]


@pytest.mark.parametrize(
    ("kind", "is_addressed"), [("group_upload", False), ("offline_file", True)]
)
def test_an_upload_is_a_message(kind: str, is_addressed: bool) -> None:  # noqa: FBT001
    where = {} if kind == "group_upload" else {"group_id": None}
    event = message(notice(kind, file={"id": "/1", "name": "a.pdf", "size": 9}, **where))
    [part] = event.parts
    assert isinstance(part, File)
    assert (part.media.name, part.media.size_bytes) == ("a.pdf", 9)
    assert event.is_addressed is is_addressed


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (notice("notify", sub_type="poke", target_id=10001), "onebot.notice.poke"),
        (notice("group_ban", sub_type="ban", duration=60), "onebot.notice.group_ban"),
        (notice("brand_new"), "onebot.notice.brand_new"),
        (notice("group_recall", user_id=10001, message_id=9), "onebot.notice.own_recalled"),
        (notice("bot_offline", group_id=0, user_id=0), "onebot.notice.bot_offline"),
        (
            {"post_type": "request", "request_type": "friend", "user_id": 1, "flag": "f"},
            "onebot.request.friend",
        ),
    ],
)
def test_the_rest_is_written_down(frame: dict[str, Any], kind: str) -> None:
    [event] = events(frame)
    assert isinstance(event, Internal)
    assert event.kind == kind
    assert json.loads(event.payload) == frame


@pytest.mark.parametrize(
    "frame",
    [
        heartbeat(5000),
        {"post_type": "meta_event", "meta_event_type": "lifecycle", "self_id": 1},
        {"status": "ok", "retcode": 0, "data": None, "echo": "1"},
        notice("notify", sub_type="input_status"),
    ],
)
def test_what_is_no_event(frame: object) -> None:
    assert events(frame) == ()


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"post_type": "message"}',
        '{"post_type": "brand_new", "self_id": 1}',
        json.dumps(said("x") | {"message": 5}),
        json.dumps(said("x") | {"user_id": {}}),
        json.dumps(notice("group_recall")),
        json.dumps(notice("group_upload")),
    ],
)
def test_what_cannot_be_read_is_kept(payload: str) -> None:
    [event] = decode(payload, CONTEXT)
    assert isinstance(event, Undecodable)
    assert event.raw == payload
    assert decode(payload, CONTEXT)[0].key == event.key


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (heartbeat(1), True),
        (heartbeat(1, is_online=False), False),
        (heartbeat(1) | {"status": {}}, None),
        (heartbeat(1) | {"status": "odd"}, None),
        (notice("bot_offline"), False),
        (said("x"), None),
    ],
)
def test_whether_qq_is_there(frame: dict[str, Any], expected: object) -> None:
    assert codec.is_online(codec.read(json.dumps(frame))) is expected


# --- out ------------------------------------------------------------------------------------------


def encoded(content: Content, chat: Chat = PRIVATE, **letter: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(codec.encode(content, Letter(chat=chat, **letter)))


def test_words_for_one_person() -> None:
    assert encoded(Content("hi")) == {
        "action": "send_private_msg",
        "params": {"user_id": 20001, "message": [{"type": "text", "data": {"text": "hi"}}]},
    }


def test_words_for_a_group_with_a_quote_and_mentions() -> None:
    content = Content("hi", mentions=(Person("20001", "Ada"),))
    call = encoded(content, GROUP, quote_message_id="42")
    assert call["action"] == "send_group_msg"
    assert call["params"]["group_id"] == 30001
    assert call["params"]["message"] == [
        {"type": "reply", "data": {"id": "42"}},
        {"type": "at", "data": {"qq": "20001"}},
        {"type": "text", "data": {"text": " hi"}},
    ]


def test_codes_in_words_stay_words() -> None:
    call = encoded(Content("[CQ:at,qq=all]"))
    assert call["params"]["message"] == [{"type": "text", "data": {"text": "[CQ:at,qq=all]"}}]


def test_a_stranger_is_reached_through_the_group() -> None:
    call = encoded(Content("hi"), Chat(3, "qq", "temp:30001:20001", ChatKind.PRIVATE))
    assert (call["params"]["user_id"], call["params"]["group_id"]) == (20001, 30001)


def test_a_reaction() -> None:
    call = encoded(Content("👍"), GROUP, quote_message_id="42", kind=Kind.REACT)
    assert call["action"] == "set_msg_emoji_like"
    assert call["params"] == {"message_id": 42, "emoji_id": "128077"}


@pytest.mark.parametrize(
    ("mime", "action"),
    [("image/png", "send_group_msg"), ("application/pdf", "upload_group_file")],
)
def test_a_file_is_put_in_when_it_is_sent(mime: str, action: str) -> None:
    body = codec.encode(Content(media=Media("sha256:x", "a.x", mime)), Letter(chat=GROUP))
    call = codec.decode_call(body)
    assert call.media is not None
    sent = json.loads(codec.with_media(call, call.media, "base64://eA=="))
    assert sent["action"] == action
    if action == "upload_group_file":
        assert sent["params"] == {"group_id": 30001, "name": "a.x", "file": "base64://eA=="}
    else:
        image = {"type": "image", "data": {"file": "base64://eA=="}}
        assert sent["params"] == {"group_id": 30001, "message": [image]}


def test_an_echo_joins_an_action() -> None:
    body = codec.encode_call("get_status", {})
    assert json.loads(codec.with_echo(body, "7")) == {
        "action": "get_status",
        "params": {},
        "echo": "7",
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [("7", 7), ("-7", -7), ("", ""), ("x", "x"), ("１", "１"), ("9" * 30, "9" * 30)],
)
def test_ids_are_numbers_where_they_can_be(text: str, written: object) -> None:
    assert codec.number(text) == written


@pytest.mark.parametrize(
    ("more", "friends", "groups", "action"),
    [
        ({"request_type": "friend"}, True, False, "set_friend_add_request"),
        ({"request_type": "friend"}, False, True, None),
        ({"request_type": "group", "sub_type": "invite"}, False, True, "set_group_add_request"),
        ({"request_type": "group", "sub_type": "invite"}, True, False, None),
        ({"request_type": "group", "sub_type": "add"}, True, True, None),
    ],
)
def test_requests_are_approved_only_where_the_operator_said_so(
    more: dict[str, Any],
    friends: bool,  # noqa: FBT001
    groups: bool,  # noqa: FBT001
    action: str | None,
) -> None:
    frame = codec.read(json.dumps({"post_type": "request", "flag": "f", "user_id": 1} | more))
    approval = codec.approval_of(frame, friends=friends, groups=groups)
    assert (json.loads(approval)["action"] if approval else None) == action
