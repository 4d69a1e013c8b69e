"""What people do, as bot servers are told of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from posthouse.model.errors import OperatorMistake
from posthouse.simulators.onebot.accounts import ACCOUNTS_MAX, IdStyle, MessageFormat, Role
from posthouse.simulators.onebot.accounts import parse_accounts as parse
from posthouse.simulators.onebot.happenings import (
    AnyHappening,
    Chat,
    FriendAdded,
    Joined,
    Left,
    Person,
    Poked,
    Raw,
    Reacted,
    Recalled,
    Requested,
    Said,
    Uploaded,
)
from posthouse.simulators.onebot.notes import Limits
from posthouse.simulators.onebot.people import happen
from posthouse.simulators.onebot.segments import Malformed
from posthouse.simulators.onebot.state import Failed, Full
from tests.unit.simulators.onebot_scene import ACCOUNT, ADA, BEN, NEST, TEAM, Hall, said
from tests.unit.simulators.scene import NOON


def test_a_group_message() -> None:
    hall = Hall()
    what = Said(bot="a", chat=TEAM, sender=ADA, text="a [b]", mentions_bot=True, quote=7)
    body = happen(hall.network, what).body
    message_id = body["message_id"]
    assert body == {
        "time": int(NOON),
        "self_id": 10000,
        "post_type": "message",
        "message_type": "group",
        "sub_type": "normal",
        "message_id": message_id,
        "message_seq": message_id,
        "real_id": message_id,
        "user_id": 30001,
        "group_id": 20001,
        "group_name": "Team",
        "anonymous": None,
        "message": [
            {"type": "reply", "data": {"id": "7"}},
            {"type": "at", "data": {"qq": "10000"}},
            {"type": "text", "data": {"text": " a [b]"}},
        ],
        "message_format": "array",
        "raw_message": "[CQ:reply,id=7][CQ:at,qq=10000] a &#91;b&#93;",
        "font": 14,
        "sender": {
            "user_id": 30001,
            "nickname": "Ada",
            "card": "Countess",
            "sex": "unknown",
            "age": 0,
            "area": "",
            "level": "1",
            "role": "member",
            "title": "",
        },
    }


def test_a_private_message_in_the_string_form() -> None:
    hall = Hall(replace(ACCOUNT, message_format=MessageFormat.STRING))
    body = happen(hall.network, said("a [b]", chat=NEST)).body
    assert (body["message_type"], body["sub_type"], body["user_id"]) == ("private", "friend", 30001)
    assert (body["message"], body["message_format"]) == ("a &#91;b&#93;", "string")
    assert "group_id" not in body


def test_a_message_of_codes_or_segments() -> None:
    hall = Hall()
    image: dict[str, object] = {"type": "image", "data": {"file": "x.png"}}
    for message in ("[CQ:image,file=x.png]", [image]):
        what = Said(bot="a", chat=TEAM, sender=ADA, message=message)
        assert happen(hall.network, what).body["message"] == [image]
    with pytest.raises(Malformed):
        happen(hall.network, Said(bot="a", chat=TEAM, sender=ADA, message=[{"odd": 1}]))


@pytest.mark.parametrize(
    ("ids", "least", "most"),
    [
        (IdStyle.INT32, 1, 2**31 - 1),
        (IdStyle.SIGNED, -(2**31), -1),
        (IdStyle.INT64, 2**53 + 1, 2**63 - 1),
    ],
)
def test_ids_are_of_the_style_and_follow_from_the_seed(ids: IdStyle, least: int, most: int) -> None:
    one, two = (Hall(replace(ACCOUNT, ids=ids)) for _ in range(2))
    numbers = [one.hear() for _ in range(20)]
    assert numbers == [two.hear() for _ in range(20)]
    assert len(set(numbers)) == 20
    assert least <= min(numbers) <= max(numbers) <= most


HAPPENINGS: tuple[tuple[AnyHappening, dict[str, object]], ...] = (
    (
        Joined(bot="a", chat=TEAM, sender=BEN, how="invite"),
        {"notice_type": "group_increase", "sub_type": "invite", "user_id": 30002},
    ),
    (
        Left(bot="a", chat=TEAM, sender=ADA),
        {"notice_type": "group_decrease", "sub_type": "leave", "group_id": 20001},
    ),
    (
        Left(bot="a", chat=TEAM, sender=Person(10000), how="kick"),
        {"notice_type": "group_decrease", "sub_type": "kick_me", "user_id": 10000},
    ),
    (
        Poked(bot="a", chat=TEAM, sender=ADA),
        {"notice_type": "notify", "sub_type": "poke", "target_id": 10000, "group_id": 20001},
    ),
    (
        Poked(bot="a", chat=NEST, sender=ADA),
        {"notice_type": "notify", "sub_type": "poke", "user_id": 30001, "sender_id": 30001},
    ),
    (
        Uploaded(bot="a", chat=TEAM, sender=ADA, name="x.txt", size_bytes=9),
        {
            "notice_type": "group_upload",
            "file": {"id": "/x.txt", "name": "x.txt", "size": 9, "busid": 102},
        },
    ),
    (FriendAdded(bot="a", sender=BEN), {"notice_type": "friend_add", "user_id": 30002}),
    (
        Requested(bot="a", sender=BEN, comment="hi"),
        {"post_type": "request", "request_type": "friend", "comment": "hi", "user_id": 30002},
    ),
    (
        Requested(bot="a", sender=BEN, group_id=20001, how="invite"),
        {"request_type": "group", "sub_type": "invite", "group_id": 20001},
    ),
    (
        Raw(bot="a", event={"post_type": "notice", "notice_type": "odd", "time": 5}),
        {"notice_type": "odd", "time": 5, "self_id": 10000},
    ),
)


@pytest.mark.parametrize(("what", "expected"), HAPPENINGS)
def test_what_people_do_is_told(what: AnyHappening, expected: dict[str, object]) -> None:
    hall = Hall()
    event = happen(hall.network, what)
    assert expected.items() <= event.body.items()
    assert event.entry is not None
    assert event.entry == hall.network.record().events[-1]


def test_a_file_sent_in_private_is_a_message() -> None:
    hall = Hall()
    what = Uploaded(bot="a", chat=NEST, sender=ADA, name="x.txt", size_bytes=9)
    body = happen(hall.network, what).body
    assert body["post_type"] == "message"
    assert body["raw_message"] == (
        "[CQ:file,file=x.txt,file_id=/x.txt,file_size=9,url=/v1/files/x.txt]"
    )


def test_recalls_are_told_by_the_kind_of_chat() -> None:
    hall = Hall()
    in_group, in_private = hall.hear(said()), hall.hear(said(chat=NEST))
    body = happen(hall.network, Recalled(bot="a", chat=TEAM, sender=ADA, message_id=in_group)).body
    assert body["notice_type"] == "group_recall"
    assert (body["message_id"], body["user_id"], body["operator_id"]) == (in_group, 30001, 30001)
    what = Recalled(bot="a", chat=NEST, sender=ADA, message_id=in_private)
    body = happen(hall.network, what).body
    assert (body["notice_type"], body["message_id"]) == ("friend_recall", in_private)
    assert hall.shown(in_group).is_recalled


def test_only_those_who_run_a_group_recall_what_others_said() -> None:
    hall = Hall()
    message_id = hall.hear(said())
    by_ben = Recalled(bot="a", chat=TEAM, sender=BEN, message_id=message_id)
    with pytest.raises(Failed):
        happen(hall.network, by_ben)
    owner = replace(BEN, role=Role.OWNER)
    happen(hall.network, replace(by_ben, sender=owner))
    assert hall.shown(message_id).recalled_by == 30002


def test_a_private_chat_is_that_of_the_sender() -> None:
    with pytest.raises(Failed):
        Hall().hear(said(chat=NEST, sender=BEN))


def test_an_emoji_needs_its_message() -> None:
    hall = Hall()
    message_id = hall.send()
    what = Reacted(bot="a", chat=TEAM, sender=ADA, message_id=message_id, emoji_id="66")
    body = happen(hall.network, what).body
    assert body["notice_type"] == "group_msg_emoji_like"
    assert body["likes"] == [{"emoji_id": "66", "count": 1}]
    with pytest.raises(Failed):
        happen(hall.network, replace(what, message_id=1))


def test_what_is_too_much_is_refused() -> None:
    hall = Hall(limits=Limits(messages_max=3, people_max=1))
    hall.hear()
    with pytest.raises(Full):
        hall.hear()
    with pytest.raises(Full):
        hall.hear(said(sender=BEN))
    with pytest.raises(Full):
        hall.hear(said(chat=Chat(20002)))


def test_accounts_are_declared_in_a_line() -> None:
    one, two = parse("a=12345, b", ACCOUNT)
    assert (one.name, one.self_id, one.nickname) == ("a", 12345, "Posty")
    assert (two.name, two.self_id) == ("b", 10001)


@pytest.mark.parametrize(
    "text", ["", "a=1", "a=x", "1=10000", "a=10000,a=10001", "a=10000,b=10000"]
)
def test_accounts_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(OperatorMistake):
        parse(text)


def test_too_many_accounts_are_refused() -> None:
    with pytest.raises(OperatorMistake):
        parse(",".join(f"a{n}" for n in range(ACCOUNTS_MAX + 1)))
    with pytest.raises(OperatorMistake, match="no account 'z'; there is: a"):
        Hall().hear(said(bot="z"))
