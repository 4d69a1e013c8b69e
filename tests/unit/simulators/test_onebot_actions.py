"""What bot servers ask for, and how strictly it is looked at."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.simulators.onebot.accounts import Role
from posthouse.simulators.onebot.actions import ACTIONS
from posthouse.simulators.onebot.faults import Fault, Verb
from posthouse.simulators.onebot.happenings import Requested
from posthouse.simulators.onebot.notes import Limits
from posthouse.simulators.onebot.people import happen
from tests.unit.simulators.onebot_scene import ACCOUNT, ADA, BEN, NEST, TEAM, Hall, said, script

# What the channel of any bot server may ask an implementation for.
EXPECTED = """
send_msg send_private_msg send_group_msg send_forward_msg send_private_forward_msg
send_group_forward_msg delete_msg get_msg get_group_msg_history get_friend_msg_history
get_login_info get_stranger_info get_group_info get_group_list get_group_member_info
get_group_member_list get_friend_list get_status get_version_info set_msg_emoji_like
upload_group_file upload_private_file get_image get_record get_file can_send_image
set_friend_add_request set_group_add_request
"""


def test_everything_expected_is_there() -> None:
    assert set(EXPECTED.split()) - set(ACTIONS) == set()


# ── frames ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "echo", ['"x"', "7", '{"seq": 1.0, "a": [null]}', "9007199254740993", "null", "[]", '""']
)
def test_an_echo_comes_back_as_it_was(echo: str) -> None:
    hall = Hall()
    reply = hall.desk.take(hall.account, f'{{"action":"get_status","echo":{echo}}}')
    assert not isinstance(reply, str)
    assert f'"echo":{echo}}}' in reply.text
    assert hall.complaints == []


def test_without_an_echo_there_is_none_and_a_complaint() -> None:
    hall = Hall()
    answer = hall.take('{"action":"get_login_info","params":{}}')
    assert answer == {
        "status": "ok",
        "retcode": 0,
        "data": {"user_id": 10000, "nickname": "Posty"},
        "message": "",
        "wording": "",
    }
    assert hall.complaints == ["echo is missing"]


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "7", '{"echo":1}', '{"action":7}', '{"action":"get_status","params":[]}']
)
def test_what_is_no_action_is_answered_with_1400(raw: str) -> None:
    hall = Hall()
    answer = hall.take(raw)
    assert (answer["status"], answer["retcode"]) == ("failed", 1400)
    assert [each.partition(":")[0] for each in hall.complaints] == ["no action"]
    assert hall.network.record().complaints[0].frame == raw


def test_an_unknown_action_is_answered_with_1404() -> None:
    hall = Hall()
    answer = hall.call("fly", high=True)
    assert (answer["status"], answer["retcode"], answer["echo"]) == ("failed", 1404, "e")
    assert hall.complaints == ["no action 'fly'"]


def test_a_number_as_text_is_taken_and_complained_about() -> None:
    hall = Hall()
    hall.do("send_group_msg", group_id="20001", message="hi")
    (problem,) = hall.complaints
    assert problem == "send_group_msg: Expected `int`, got `str` - at `$.group_id`"


@pytest.mark.parametrize(
    "params",
    [{"group_id": "c-1", "message": "hi"}, {"message": "hi"}, {"group_id": 20001}],
)
def test_what_cannot_be_read_is_not_done(params: dict[str, object]) -> None:
    hall = Hall()
    assert hall.call("send_group_msg", **params)["retcode"] == 1400
    assert len(hall.complaints) == 1
    assert not any(entry.is_own for entry in hall.network.record().messages)


def test_an_unknown_field_is_a_complaint() -> None:
    hall = Hall()
    hall.do("send_group_msg", group_id=20001, message="hi", auto_excape=True)
    (problem,) = hall.complaints
    assert "auto_excape" in problem


@pytest.mark.parametrize("message", ["", [], 7, [{"type": "text"}, "x"]])
def test_a_message_that_is_none_is_not_sent(message: object) -> None:
    hall = Hall()
    assert hall.call("send_group_msg", group_id=20001, message=message)["retcode"] == 1400
    assert len(hall.complaints) == 1


def test_a_segment_that_would_be_dropped_is_a_complaint() -> None:
    hall = Hall()
    hall.send([{"type": "button", "data": {}}, {"type": "text", "data": {"text": "hi"}}])
    assert hall.complaints == ["segment type 'button' cannot be sent"]


def test_a_reply_to_nothing_is_a_complaint() -> None:
    hall = Hall()
    elsewhere = hall.hear(said(chat=NEST))
    hall.send(f"[CQ:reply,id={elsewhere}]hi")
    assert hall.complaints == [f"reply to {elsewhere}, which is not in this chat"]
    hall.send(f"[CQ:reply,id={hall.hear()}]hi")
    assert len(hall.complaints) == 1


def test_only_the_newest_complaints_are_kept() -> None:
    hall = Hall(limits=Limits(complaints_max=2))
    for _ in range(3):
        hall.take("{")
    assert (len(hall.complaints), hall.network.record().forgotten) == (2, 1)


# ── sending ──────────────────────────────────────────────────────────────────────────────────


def test_messages_are_shown_where_they_were_sent() -> None:
    hall = Hall()
    hall.do("send_group_msg", group_id=20001, message="one")
    hall.do("send_private_msg", user_id=30001, message="two")
    hall.do("send_msg", message_type="group", group_id=20001, user_id=30001, message="three")
    hall.do("send_msg", message_type="private", group_id=20001, user_id=30001, message="four")
    hall.do("send_msg", group_id=20001, message="five")
    hall.do("send_msg", user_id=30001, message="six")
    own = [(entry.chat, entry.text) for entry in hall.network.record().messages if entry.is_own]
    group, private = "group:20001", "private:30001"
    assert own == [
        *((group, "one"), (private, "two"), (group, "three")),
        *((private, "four"), (group, "five"), (private, "six")),
    ]
    assert hall.complaints == []


def test_a_message_to_nowhere_is_a_complaint() -> None:
    hall = Hall()
    assert hall.call("send_msg", message="hi")["retcode"] == 1400
    assert len(hall.complaints) == 1


@pytest.mark.parametrize(
    ("action", "params"),
    [("send_group_msg", {"group_id": 1}), ("send_private_msg", {"user_id": 1})],
)
def test_strangers_cannot_be_written_to(action: str, params: dict[str, object]) -> None:
    hall = Hall()
    answer = hall.call(action, message="hi", **params)
    assert (answer["status"], answer["retcode"], answer["data"]) == ("failed", 1200, None)
    assert answer["wording"] == answer["message"] != ""
    assert hall.complaints == []


def test_auto_escape_shows_codes_as_words() -> None:
    hall = Hall()
    hall.do("send_group_msg", group_id=20001, message="[CQ:face,id=1]", auto_escape=True)
    assert hall.network.record().messages[-1].text == "[CQ:face,id=1]"


def test_what_is_too_long_fails() -> None:
    hall = Hall(limits=Limits(text_max=5))
    hall.send("12345")
    assert hall.call("send_group_msg", group_id=20001, message="123456")["retcode"] == 1200


def test_own_messages_are_reported_where_asked() -> None:
    quiet, loud = Hall(), Hall(replace(ACCOUNT, reports_self=True))
    quiet.send("hi")
    assert quiet.emitted == []
    message_id = loud.send("hi")
    loud.do("send_private_msg", user_id=30001, message="you")
    in_group, in_private = (event.body for event in loud.emitted)
    assert (in_group["post_type"], in_group["message_id"]) == ("message_sent", message_id)
    assert (in_group["user_id"], in_group["self_id"]) == (10000, 10000)
    assert in_private["target_id"] == 30001


def test_an_async_action_is_done_without_a_result() -> None:
    hall = Hall()
    answer = hall.call("send_group_msg_async", group_id=20001, message="hi")
    assert (answer["status"], answer["retcode"], answer["data"]) == ("async", 1, None)
    entry = hall.network.record().calls[-1]
    assert (entry.verb, entry.text, entry.is_clear) == (Verb.SEND, "hi", False)
    assert hall.network.record().messages[-1].text == "hi"


def test_who_was_thrown_out_sends_nothing() -> None:
    hall = Hall()
    raw = '{"action":"send_group_msg","params":{"group_id":20001,"message":"x"},"echo":1}'
    assert hall.take(raw, is_online=False)["retcode"] == 1200
    assert not any(entry.is_own for entry in hall.network.record().messages)


def test_several_messages_are_forwarded_as_one() -> None:
    hall = Hall()
    heard = hall.hear(said("heard"))
    nodes = [
        {"type": "node", "data": {"user_id": "1", "nickname": "X", "content": "one [CQ:face]"}},
        {"type": "node", "data": {"id": str(heard)}},
    ]
    data = hall.do("send_group_forward_msg", group_id=20001, messages=nodes)
    assert hall.shown(data["message_id"]).text == "one [face] ⏎ heard"
    assert hall.do("get_forward_msg", id=data["res_id"]) == {"messages": nodes}
    assert hall.do("get_forward_msg", message_id=data["message_id"]) == {"messages": nodes}
    hall.do("send_private_forward_msg", user_id=30001, messages=nodes[:1])
    hall.do("send_forward_msg", message_type="private", user_id=30001, messages=nodes[:1])
    assert hall.complaints == []
    assert hall.call("get_forward_msg", id="nothing")["retcode"] == 1200


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [{"type": "text", "data": {"text": "x"}}],
        [{"type": "node", "data": {"id": "x"}}],
        [{"type": "node", "data": {}}],
    ],
)
def test_a_forward_consists_of_nodes(nodes: list[object]) -> None:
    hall = Hall()
    answer = hall.call("send_group_forward_msg", group_id=20001, messages=nodes)
    assert (answer["retcode"], len(hall.complaints)) == (1400, 1)


# ── messages that are there ──────────────────────────────────────────────────────────────────


def test_a_recall_is_seen_and_told() -> None:
    hall = Hall()
    message_id = hall.send()
    hall.clock.advance(119)
    hall.do("delete_msg", message_id=message_id)
    assert hall.shown(message_id).recalled_at == hall.clock.now
    (event,) = hall.emitted
    assert (event.body["notice_type"], event.body["operator_id"]) == ("group_recall", 10000)
    assert hall.call("delete_msg", message_id=message_id)["retcode"] == 1200
    assert hall.call("get_msg", message_id=message_id)["retcode"] == 1200


def test_a_recall_comes_too_late_after_two_minutes() -> None:
    hall = Hall()
    message_id = hall.send()
    hall.clock.advance(121)
    assert hall.call("delete_msg", message_id=message_id)["retcode"] == 1200
    assert not hall.shown(message_id).is_recalled


def test_who_runs_the_group_may_recall_anything_at_any_time() -> None:
    member, admin = Hall(), Hall(replace(ACCOUNT, role=Role.ADMIN))
    for hall, status in ((member, "failed"), (admin, "ok")):
        heard = hall.hear()
        hall.clock.advance(1000)
        assert hall.call("delete_msg", message_id=heard)["status"] == status


def test_a_message_is_found_by_its_id() -> None:
    hall = Hall()
    heard, sent = hall.hear(said("hello", chat=NEST)), hall.send("hi")
    found = hall.do("get_msg", message_id=heard)
    assert (found["raw_message"], found["sender"]["nickname"]) == ("hello", "Ada")
    assert hall.do("get_msg", message_id=sent)["user_id"] == 10000
    assert hall.call("get_msg", message_id=1)["retcode"] == 1200


def test_histories_tell_what_was_missed() -> None:
    hall = Hall()
    hall.network.reset()
    ids = [hall.hear(said(f"m-{n}")) for n in range(5)]
    own = hall.send("answer")
    hall.do("delete_msg", message_id=own)
    sent = hall.send("another")

    def history(**params: object) -> list[int]:
        data = hall.do("get_group_msg_history", group_id=20001, **params)
        return [message["message_id"] for message in data["messages"]]

    assert history() == [*ids, sent]
    assert history(count=2) == [ids[4], sent]
    assert history(count=2, reverseOrder=True) == [sent, ids[4]]
    assert history(message_seq=ids[2], count=2) == ids[1:3]
    assert hall.call("get_group_msg_history", group_id=20001, message_seq=1)["retcode"] == 1200
    private = hall.hear(said(chat=NEST))
    (found,) = hall.do("get_friend_msg_history", user_id=30001)["messages"]
    assert found["message_id"] == private


def test_chats_are_told_by_their_last_message() -> None:
    hall = Hall()
    private = hall.hear(said(chat=NEST))
    hall.clock.advance(1)
    hall.do("delete_msg", message_id=hall.send("taken back"))
    group = hall.send("answer")
    first, second = hall.do("get_recent_contact")
    assert (first["chatType"], first["peerUin"], first["peerName"]) == (2, "20001", "Team")
    assert (first["msgId"], first["lastestMsg"]["message_id"]) == (str(group), group)
    assert (first["sendNickName"], first["msgTime"]) == ("Posty", str(int(hall.clock.now)))
    assert (second["chatType"], second["peerUin"], second["peerName"]) == (1, "30001", "Ada")
    assert second["lastestMsg"]["message_id"] == private
    assert len(hall.do("get_recent_contact", count=1)) == 1
    assert hall.complaints == []


def test_emoji_are_put_and_taken() -> None:
    hall = Hall()
    heard = hall.hear()
    hall.do("set_msg_emoji_like", message_id=heard, emoji_id="66")
    hall.do("set_msg_emoji_like", message_id=heard, emoji_id=76, set=True)
    hall.do("set_msg_emoji_like", message_id=heard, emoji_id="66", set=False)
    assert hall.shown(heard).reactions == ["76"]


# ── people, groups, requests ─────────────────────────────────────────────────────────────────


def test_people_and_groups_are_told() -> None:
    hall = Hall()
    hall.hear(said(sender=replace(BEN, role=Role.OWNER)))
    assert hall.do("get_stranger_info", user_id=30001)["nickname"] == "Ada"
    assert [each["user_id"] for each in hall.do("get_friend_list")] == [30001, 30002]
    card = {"group_id": 20001, "group_name": "Team", "member_count": 3, "max_member_count": 200}
    assert hall.do("get_group_info", group_id=20001, no_cache=True) == card
    assert hall.do("get_group_list") == [card]
    assert hall.do("get_group_member_info", group_id=20001, user_id=30002)["role"] == "owner"
    members = hall.do("get_group_member_list", group_id=20001)
    assert {each["user_id"] for each in members} == {10000, 30001, 30002}
    assert hall.call("get_group_member_info", group_id=20001, user_id=9)["retcode"] == 1200
    assert hall.complaints == []


def test_the_account_is_told() -> None:
    hall = Hall()
    assert hall.do("get_status") == {"online": True, "good": True, "stat": {}}
    assert hall.do("get_version_info")["protocol_version"] == "v11"
    assert hall.do("can_send_image") == {"yes": True}


@pytest.mark.parametrize(("group_id", "action"), [(None, "friend"), (20001, "group")])
def test_a_request_is_answered_once(group_id: int | None, action: str) -> None:
    hall = Hall()
    body = happen(hall.network, Requested(bot="a", sender=BEN, group_id=group_id)).body
    flag = str(body["flag"])
    hall.do(f"set_{action}_add_request", flag=flag, approve=False)
    assert hall.network.requests[flag] is False
    assert hall.call(f"set_{action}_add_request", flag=flag)["retcode"] == 1200
    assert hall.call(f"set_{action}_add_request", flag="other")["retcode"] == 1200


# ── files ────────────────────────────────────────────────────────────────────────────────────


def test_pictures_are_looked_at(tmp_path: Path) -> None:
    hall = Hall()
    there = tmp_path / "a b.png"
    there.write_bytes(b"12345")
    hall.network.keep_file("kept.png", b"123")
    sent = [
        "base64://" + base64.b64encode(b"1234").decode(),
        there.as_uri(),
        "http://127.0.0.1/x.png",
        "kept.png",
    ]
    message = [{"type": "image", "data": {"file": file}} for file in sent]
    shown = hall.shown(hall.send(message))
    files = shown.files
    assert shown.segments[0].data == {"file": files[0].sha256[:32], "file_size": "4"}
    assert [file.size_bytes for file in files] == [4, 5, 0, 3]
    assert files[2].url == "http://127.0.0.1/x.png"
    assert len({file.sha256 for file in files}) == 4
    assert hall.complaints == []


@pytest.mark.parametrize(
    "file", ["base64://%%%", "file:///no/such/file", "file:///a%00b", "unheard-of.png"]
)
def test_a_picture_that_is_none_is_not_sent(file: str) -> None:
    hall = Hall()
    message = [{"type": "image", "data": {"file": file}}]
    assert hall.call("send_group_msg", group_id=20001, message=message)["retcode"] == 1200


def test_files_are_uploaded_and_fetched() -> None:
    hall = Hall()
    file = "base64://" + base64.b64encode(b"12").decode()
    hall.do("upload_group_file", group_id=20001, file=file, name="x.txt")
    hall.do("upload_private_file", user_id=30001, file=file, name="y.txt")
    shown = [entry for entry in hall.network.record().messages if entry.is_own]
    assert [(entry.chat, entry.files[0].name) for entry in shown] == [
        ("group:20001", "x.txt"),
        ("private:30001", "y.txt"),
    ]
    hall.network.keep_file("z.png", b"123")
    for action in ("get_image", "get_record", "get_file"):
        assert hall.do(action, file="z.png")["file_size"] == "3"
    assert hall.call("get_image", file="no.png")["retcode"] == 1200


# ── what is written down ─────────────────────────────────────────────────────────────────────


def test_calls_are_written_down() -> None:
    hall = Hall()
    message_id = hall.send("hi")
    hall.call("delete_msg", message_id=message_id)
    hall.call("send_private_msg", user_id=9, message="lost")
    sent, recalled, failed = hall.network.record().calls
    assert (sent.chat, sent.text, sent.message_id) == ("group:20001", "hi", message_id)
    assert (sent.echo, sent.status, sent.retcode, sent.is_clear) == ('"e"', "ok", 0, True)
    assert (recalled.verb, recalled.chat) == (Verb.RECALL, "group:20001")
    assert (failed.status, failed.text, failed.is_clear) == ("failed", "lost", True)
    assert hall.shown(message_id).echo == '"e"'


@pytest.mark.parametrize(
    ("fault", "is_shown", "status", "is_clear"),
    [
        (Fault.REFUSED, False, "failed", True),
        (Fault.FAILED_AFTER, True, "failed", False),
        (Fault.ASYNC, True, "async", False),
    ],
)
def test_answers_that_say_no_or_nothing(
    fault: Fault, *, is_shown: bool, status: str, is_clear: bool
) -> None:
    hall = Hall()
    hall.faults.change(script(Verb.SEND, fault))
    answer = hall.call("send_group_msg", group_id=20001, message="hi")
    assert answer["status"] == status
    if fault is Fault.REFUSED:
        assert (answer["retcode"], answer["wording"]) == (100, "no")
    call = hall.network.record().calls[-1]
    assert (call.status, call.is_clear, call.fault) == (status, is_clear, fault)
    assert any(entry.is_own for entry in hall.network.record().messages) is is_shown


def test_the_platform_forgets_when_asked() -> None:
    hall = Hall()
    first = hall.send()
    hall.network.reset()
    record = hall.network.record()
    assert (record.messages, record.calls, record.events) == ((), (), ())
    hall.hear(said(chat=TEAM, sender=ADA))
    assert hall.send() != first
    assert json.loads(json.dumps(hall.do("get_group_list")))[0]["group_id"] == 20001
