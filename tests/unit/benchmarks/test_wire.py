"""The benchmark's own OneBot: what it pushes, and how it reads what bots of any make send."""

import json

import pytest

from benchmarks.peers import wire
from benchmarks.peers.implementation import Account
from benchmarks.peers.wire import Said


def action(message: object, name: str = "send_msg", echo: object = "1") -> wire.Action:
    params = {"user_id": 1, "message": message}
    return wire.decode(json.dumps({"action": name, "params": params, "echo": echo}))


def test_a_private_message_is_a_command_of_the_scene() -> None:
    event = json.loads(wire.event(Said("m-1", person=100), message_id=7))
    assert event["message_type"] == "private"
    assert (event["user_id"], event["message_id"]) == (100, 7)
    assert event["message"] == [{"type": "text", "data": {"text": "demo echo m-1"}}]


def test_a_message_in_a_group_mentions_the_bot() -> None:
    event = json.loads(wire.event(Said("m-1", person=100, group=777), message_id=7))
    mention, text = event["message"]
    assert (event["message_type"], event["group_id"]) == ("group", 777)
    assert mention == {"type": "at", "data": {"qq": str(wire.SELF_ID)}}
    assert text["data"]["text"].strip() == "demo echo m-1"


def test_the_first_event_introduces_the_implementation() -> None:
    event = json.loads(wire.connected())
    assert (event["post_type"], event["sub_type"]) == ("meta_event", "connect")
    assert event["self_id"] == wire.SELF_ID


@pytest.mark.parametrize(
    "message",
    [
        "m-1",
        [{"type": "text", "data": {"text": "m-1"}}],
        {"type": "text", "data": {"text": "m-1"}},
        [
            {"type": "reply", "data": {"id": "7"}},
            {"type": "at", "data": {"qq": "100"}},
            {"type": "text", "data": {"text": " m-1"}},
        ],
    ],
    ids=["string", "array", "segment", "with reply and mention"],
)
def test_the_text_is_found_in_every_form_of_a_message(message: object) -> None:
    assert wire.shown(action(message)).text == "m-1"


def test_where_it_is_shown_may_be_a_number_or_a_string() -> None:
    params = {"user_id": "100", "group_id": 777, "message": "m-1"}
    found = wire.shown(wire.decode(json.dumps({"action": "send_msg", "params": params})))
    assert (found.person, found.group) == (100, 777)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send_msg", True),
        ("send_private_msg", True),
        ("send_group_msg_async", True),
        ("get_login_info", False),
        ("delete_msg", False),
    ],
)
def test_only_sending_actions_show_something(name: str, *, expected: bool) -> None:
    assert wire.is_send(action("m-1", name)) is expected


@pytest.mark.parametrize("echo", ["1", 17, {"n": 1}, None])
def test_an_answer_carries_the_mark_unchanged(echo: object) -> None:
    answer = json.loads(wire.sent(action("m-1", echo=echo), message_id=9))
    assert answer == {"status": "ok", "retcode": 0, "data": {"message_id": 9}, "echo": echo}


def test_a_bot_that_was_away_can_ask_for_what_it_missed() -> None:
    account = Account()
    for token in ("m-1", "m-2", "m-3"):
        account.receive(Said(token, person=100))
    account.receive(Said("m-4", person=101))
    account.receive(Said("m-5", person=100, group=777))
    params = {"user_id": "100", "count": 2}
    asked = {"action": "get_friend_msg_history", "params": params, "echo": "1"}
    action = wire.decode(json.dumps(asked))
    answer = json.loads(wire.history(action, account.newest(wire.wanted(action))))
    texts = [event["raw_message"] for event in answer["data"]["messages"]]
    assert wire.is_look_back(action)
    assert texts == ["demo echo m-2", "demo echo m-3"]


def test_a_bot_that_was_away_can_ask_where_something_was_said() -> None:
    account = Account()
    for said in (Said("m-1", person=100), Said("m-2", person=100), Said("m-3", 100, group=777)):
        account.receive(said)
    action = wire.decode(json.dumps({"action": "get_recent_contact", "echo": "1"}))
    private, group = json.loads(wire.recent(action, account.recent()))["data"]
    assert (private["peerUin"], private["chatType"]) == ("100", 1)
    assert private["lastestMsg"]["raw_message"] == "demo echo m-2"
    assert (group["peerUin"], group["chatType"]) == ("777", 2)


def test_who_the_bot_is_can_be_asked() -> None:
    answer = json.loads(wire.answered(action("", "get_login_info")))
    assert (answer["status"], answer["data"]["user_id"]) == ("ok", wire.SELF_ID)


def test_an_unknown_action_is_refused_as_the_standard_says() -> None:
    answer = json.loads(wire.answered(action("", "set_group_dance")))
    assert (answer["status"], answer["retcode"], answer["echo"]) == ("failed", 1404, "1")
