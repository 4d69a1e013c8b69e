"""Every body of the dossier becomes an event, and no bytes break the reader."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posthouse.channels.feishu.codec import Identity, decode
from posthouse.model.address import ChatKind, Person
from posthouse.model.event import (
    ButtonPressed,
    Event,
    Internal,
    MembersChanged,
    MessageRecalled,
    MessageReceived,
    ReactionChanged,
    Undecodable,
    message_key,
)
from posthouse.model.message import (
    Audio,
    File,
    Image,
    Media,
    Mention,
    Part,
    Quote,
    Text,
    Unsupported,
    Video,
)

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
BODIES = {
    f"{kind}/{name}": body
    for kind, bodies in VECTORS["events"].items()
    for name, body in bodies.items()
}
NOW = 1_750_000_000.0
ME = Identity(
    bot="duty", app_id="cli_0123456789abcdef", open_id="ou_b07b07b07b07b07b07b07b07b07b07b0"
)
ANN = "ou_84aad35d084aa403a838cf73ee18467"
MENTION = Mention(ME.open_id, "TestBot", is_me=True)


def body_of(name: str) -> dict[str, Any]:
    return deepcopy(BODIES[name])


def event_of(name: str, **message: object) -> Event | None:
    body = body_of(name)
    if message:
        body["event"]["message"].update(message)
    return decode(json.dumps(body).encode(), ME, NOW)


def said(name: str, **message: object) -> MessageReceived:
    event = event_of(f"im.message.receive_v1/{name}", **message)
    assert isinstance(event, MessageReceived)
    return event


def test_every_body_of_the_dossier_is_read() -> None:
    assert len(BODIES) == 44
    unread = [name for name in BODIES if isinstance(event_of(name), Undecodable)]
    assert unread == []


def test_a_private_message_is_addressed() -> None:
    message = said("text_p2p")
    assert (message.parts, message.is_addressed) == ((Text("hello"),), True)
    assert message.place.kind is ChatKind.PRIVATE
    assert message.sender == Person(ANN)
    assert message.at == 1609073151.345
    assert message.key == message_key(message.place.platform_id, message.message_id)


def test_a_mention_of_the_bot_addresses_it() -> None:
    message = said("text_group_mention")
    assert message.parts == (MENTION, Text(" 你好"))
    assert (message.is_addressed, message.place.kind) == (True, ChatKind.GROUP)


def test_a_mention_of_everybody_or_of_another_does_not() -> None:
    everybody = said("text_group_at_all")
    assert everybody.parts == (Mention("all", "all"), Text(" 大家好"))
    assert not everybody.is_addressed
    ben = [{"key": "@_user_1", "id": {"open_id": "ou_ben"}, "name": "TestBot"}]
    other = said("text_group_mention", mentions=ben)
    assert other.parts[0] == Mention("ou_ben", "TestBot")
    assert not other.is_addressed


def test_a_mention_without_an_id_is_nobody() -> None:
    me = Identity(bot="duty", app_id="a", open_id="")
    body = body_of("im.message.receive_v1/text_group_mention")
    body["event"]["message"]["mentions"][0]["id"] = {}
    event = decode(json.dumps(body).encode(), me, NOW)
    assert isinstance(event, MessageReceived)
    assert not event.is_addressed


def test_a_reply_quotes_and_a_thread_is_named() -> None:
    reply = said("text_reply_in_group")
    assert reply.parts == (Quote("om_00000000000000000000000000000001"), Text("回复"))
    threaded = said("text_in_thread")
    assert (threaded.thread, threaded.parts) == ("omt_d4be107c616", (Text("话题内"),))


def test_other_bots_are_known_as_bots() -> None:
    assert said("text_from_bot").sender.is_bot
    assert not said("text_p2p").sender.is_bot


def _files(name: str) -> str:
    return f"om_000000000000000000000000000000{name}"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("image", Image(Media(f"{_files('08')}/image/img_4adb3cc3-902b-4187-b0f1-842f67fd017g"))),
        (
            "file",
            File(
                Media(f"{_files('09')}/file/75235e0c-4f92-430a-a99b-8446610223cg", name="test.txt")
            ),
        ),
        ("audio", Audio(Media(f"{_files('0b')}/file/75235e0c"))),
        ("media", Video(Media(f"{_files('0c')}/file/75235e0c", name="测试视频.mp4"))),
        ("location", Text("xx省xx市")),
    ],
)
def test_files_are_kept_as_references(name: str, part: Part) -> None:
    assert said(name).parts[0] == part


def test_a_post_reads_like_a_letter() -> None:
    parts = said("post").parts
    assert parts[0] == Text("我是一个标题\n第一行 :[超链接](http://www.feishu.cn)")
    assert parts[1] == MENTION
    kinds = [type(part) for part in parts]
    assert kinds == [Text, Mention, Image, Video, Text]
    assert parts[-1] == Text("\n[SMILE]\n---\n```go\nfunc main() {}\n```")


@pytest.mark.parametrize(
    "name", ["folder", "sticker", "share_chat", "share_user", "merge_forward", "system"]
)
def test_what_has_no_words_is_kept_as_it_came(name: str) -> None:
    content = body_of(f"im.message.receive_v1/{name}")["event"]["message"]["content"]
    assert said(name).parts == (Unsupported(name, content),)


@pytest.mark.parametrize(
    ("name", "words"),
    [("vote", "投票测试\n选项1\n选项2"), ("todo", "todo"), ("interactive", "卡片标题\nhi")],
)
def test_what_people_can_read_is_read(name: str, words: str) -> None:
    assert said(name).parts[0] == Text(words)


@pytest.mark.parametrize("content", ["", "Merged and Forwarded Message", "[]", '{"text": 5}', "{"])
def test_content_that_is_not_as_documented_is_kept(content: str) -> None:
    assert said("text_p2p", content=content).parts == (Unsupported("text", content),)


def test_an_unknown_type_is_kept() -> None:
    message = said("text_p2p", message_type="hologram", content='{"x":1}')
    assert message.parts == (Unsupported("hologram", '{"x":1}'),)


def test_a_recall_names_its_message() -> None:
    event = event_of("im.message.recalled_v1/doc")
    assert isinstance(event, MessageRecalled)
    assert event.message_id == "om_dc13264520392913993dd051dba21dcf"
    assert (event.place.platform_id, event.at) == ("oc_5ad11d72b830411d72b836c20", 1615380573.411)


@pytest.mark.parametrize(("kind", "is_added"), [("created", True), ("deleted", False)])
def test_reactions(kind: str, is_added: bool) -> None:  # noqa: FBT001 - parametrized
    event = event_of(f"im.message.reaction.{kind}_v1/by_user")
    assert isinstance(event, ReactionChanged)
    assert (event.emoji, event.is_added, event.sender.id) == ("🙂", is_added, ANN)


@pytest.mark.parametrize(
    ("name", "joined", "left", "is_about_me"),
    [
        ("im.chat.member.bot.added_v1", [ME.open_id], [], True),
        ("im.chat.member.bot.deleted_v1", [], [ME.open_id], True),
        ("im.chat.disbanded_v1", [], [ME.open_id], True),
        ("im.chat.member.user.added_v1", [ANN], [], False),
        ("im.chat.member.user.deleted_v1", [], [ANN], False),
        ("im.chat.member.user.withdrawn_v1", [], [ANN], False),
    ],
)
def test_who_came_and_who_left(
    name: str,
    joined: list[str],
    left: list[str],
    is_about_me: bool,  # noqa: FBT001 - parametrized
) -> None:
    event = event_of(f"{name}/doc")
    assert isinstance(event, MembersChanged)
    assert [person.id for person in event.joined] == joined
    assert [person.id for person in event.left] == left
    assert (event.is_about_me, event.place.title) == (is_about_me, "群名称测试")


@pytest.mark.parametrize(
    "name", ["im.chat.access_event.bot_p2p_chat_entered_v1/doc", "v1_p2p_chat_create/doc"]
)
def test_a_first_visit_is_noted(name: str) -> None:
    event = event_of(name)
    assert isinstance(event, Internal)
    assert (event.kind, event.place.kind) == ("entered", ChatKind.PRIVATE)
    assert event.sender.id.startswith("ou_")


def test_the_menu_is_typed_for_the_person() -> None:
    event = event_of("application.bot.menu_v6/doc")
    assert isinstance(event, MessageReceived)
    assert (event.parts, event.is_addressed) == ((Text("menu_1"),), True)
    assert (event.place.platform_id, event.sender.name) == (ANN, "张三")


def test_a_read_receipt_is_ignored() -> None:
    assert event_of("im.message.message_read_v1/doc") is None


def test_our_button_brings_its_token_back() -> None:
    body = body_of("card.action.trigger/button")
    body["event"]["action"]["value"] = {"t": "abc"}
    event = decode(json.dumps(body).encode(), ME, NOW)
    assert isinstance(event, ButtonPressed)
    assert (event.token, event.message_id) == ("abc", "om_574d639e4a44e4dd646eaf628e200000")
    assert event.at == 1603977298.0  # microseconds here


@pytest.mark.parametrize("name", ["button", "form", "select", "input", "checker"])
def test_a_foreign_button_brings_none(name: str) -> None:
    event = event_of(f"card.action.trigger/{name}")
    assert isinstance(event, ButtonPressed)
    assert event.token == ""


def test_a_redelivery_has_the_same_key() -> None:
    body = body_of("im.message.receive_v1/text_p2p")
    first = decode(json.dumps(body).encode(), ME, NOW)
    body["header"]["event_id"] = "another"
    again = decode(json.dumps(body).encode(), ME, NOW + 21_600)
    assert first is not None
    assert again is not None
    assert first.key == again.key


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"header":5}',
        b'{"header":{"event_type":"new.kind_v9"},"event":{}}',
        b'{"header":{"event_type":"im.message.receive_v1"}}',
        b'{"header":{"event_type":"im.message.receive_v1"},"event":{"message":{"message_id":1}}}',
        b'{"a":' * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_is_kept(payload: bytes) -> None:
    event = decode(payload, ME, NOW)
    assert isinstance(event, Undecodable)
    assert event.key == decode(payload, ME, NOW + 5).key  # type: ignore[union-attr]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(payload: bytes) -> None:
    assert isinstance(decode(payload, ME, NOW), Undecodable)


FIELDS = st.none() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=2)
ELEMENT = st.fixed_dictionaries(
    {"tag": st.sampled_from(["text", "a", "at", "img", "media", "hr", "code_block", "new", ""])},
    optional={"text": FIELDS, "href": FIELDS, "user_id": FIELDS, "image_key": FIELDS},
)
ROWS = st.lists(st.lists(ELEMENT | FIELDS, max_size=3) | FIELDS, max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow])  # slow means a busy machine here
@given(
    kind=st.sampled_from(["text", "post", "image", "interactive", "todo", "vote", "location"]),
    content=st.dictionaries(
        st.sampled_from(["text", "title", "content", "elements", "summary", "options", "topic"]),
        FIELDS | ROWS | st.fixed_dictionaries({"title": FIELDS, "content": ROWS}),
        max_size=4,
    ),
)
def test_no_content_breaks_the_reader(kind: str, content: dict[str, object]) -> None:
    message = said("text_p2p", message_type=kind, content=json.dumps(content))
    assert message.parts
