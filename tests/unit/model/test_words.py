"""Keys, plain words, sessions and modes: the small rules that everything else leans on."""

import pytest

from posthouse.model.address import (
    Chat,
    ChatKind,
    ChatMode,
    Person,
    Place,
    SessionKind,
    session_key,
)
from posthouse.model.event import (
    MessageReceived,
    edit_key,
    message_key,
    other_key,
    press_key,
    recall_key,
)
from posthouse.model.message import Audio, File, Image, Media, Mention, Part, Text, plain_text
from posthouse.model.turn import StoredEvent, Turn

FILE = Media(ref="sha256:00")


def test_keys_name_what_happened_to_which_message() -> None:
    assert message_key("oc_1", "om_1") == "m:oc_1:om_1"
    assert edit_key("oc_1", "om_1", "1700") == "e:oc_1:om_1:1700"
    assert recall_key("oc_1", "om_1") == "r:oc_1:om_1"
    assert press_key("oc_1", "p_1") == "p:oc_1:p_1"
    assert other_key("ev_1") == "x:ev_1"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), ""),
        ((Text("  hello "),), "hello"),
        ((Mention("b", "Bot", is_me=True), Text(" what is new?")), "what is new?"),
        ((Text("ask"), Mention("u2", "Ann"), Text("please")), "ask @Ann please"),
        ((Image(FILE), Text("look"), File(FILE)), "look"),
        ((Audio(FILE, text="spoken"),), "spoken"),
        ((Audio(FILE),), ""),
        ((Text(" "), Text("\n")), ""),
        ((Text("two\nlines"),), "two\nlines"),
    ],
)
def test_plain_text(parts: tuple[Part, ...], words: str) -> None:
    assert plain_text(parts) == words


@pytest.mark.parametrize(
    ("kind", "thread", "session"),
    [
        (SessionKind.MEMBER, "", "5:m:ann"),
        (SessionKind.MEMBER, "t1", "5:m:ann"),
        (SessionKind.CHAT, "t1", "5:c"),
        (SessionKind.THREAD, "t1", "5:t:t1"),
        (SessionKind.THREAD, "", "5:c"),
    ],
)
def test_whose_conversation_it_is(kind: SessionKind, thread: str, session: str) -> None:
    assert session_key(5, kind, "ann", thread) == session


CHAT = Chat(1, "b", "oc_1", ChatKind.GROUP)


@pytest.mark.parametrize(
    ("mode", "until_at", "in_force"),
    [
        (ChatMode.LISTEN, None, ChatMode.LISTEN),
        (ChatMode.PAUSED, None, ChatMode.PAUSED),
        (ChatMode.PAUSED, 100.1, ChatMode.PAUSED),
        (ChatMode.PAUSED, 100.0, ChatMode.MENTION),
        (ChatMode.PAUSED, 99.0, ChatMode.MENTION),
    ],
)
def test_a_pause_ends_by_itself(mode: ChatMode, until_at: float | None, in_force: ChatMode) -> None:
    chat = Chat(1, "b", "oc_1", ChatKind.GROUP, mode=mode, mode_until_at=until_at)
    assert chat.mode_at(100.0) is in_force


def said(number: int, *parts: Part) -> StoredEvent:

    event = MessageReceived(
        key=f"m:oc_1:{number}",
        place=Place("b", "oc_1"),
        sender=Person("ann"),
        message_id=f"om_{number}",
        parts=parts,
        at=100.0,
    )
    return StoredEvent(number, event, accepted_at=100.0)


def test_a_turn_reads_all_its_messages_in_order() -> None:
    events = (said(1, Image(FILE)), said(2, Text("what is this?")), said(3, Text("quick")))
    turn = Turn(
        id=1, chat=CHAT, session="1:c", handler="demo", person=events[0].event.sender, events=events
    )
    assert turn.text == "what is this?\nquick"
    assert turn.parts == (Image(FILE), Text("what is this?"), Text("quick"))
    assert turn.last_message_id == "om_3"
