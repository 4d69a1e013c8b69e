"""The probe's envelopes and ours: every kind of event, and keys that recognise a repeat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.channels.channel import Letter, Part, Verb
from posthouse.model.address import ChatKind, Person, Place, Role
from posthouse.model.event import (
    ButtonPressed,
    Event,
    MembersChanged,
    MessageEdited,
    MessageRecalled,
    MessageReceived,
    Undecodable,
)
from posthouse.model.message import Audio, Choice, Content, File, Image, Media, Quote, Text, Video
from posthouse.testing.probe import codec
from tests.channels.probe.stage import CHAT

NOW = 1_700_000_100.0
ADA = Person("u-1", "Ada", Role.ADMIN)
TEAM = Place("a", "c-1", ChatKind.GROUP, "Team")


def envelope(**changed: Any) -> bytes:  # noqa: ANN401 - any JSON
    fields = {
        "event_id": "e-1",
        "type": "message",
        "chat": {"id": "c-1", "kind": "group", "title": "Team"},
        "sender": {"id": "u-1", "name": "Ada", "role": "admin", "is_bot": False},
        "message_id": "p-1",
        "text": "hello",
        "mentions_bot": False,
        "thread": None,
        "quote": None,
        "media": None,
        "token": None,
        "stamp": None,
        "at": 1700000000.25,
        "a_new_field": [1],
    }
    return json.dumps(fields | changed).encode()


def read(**changed: Any) -> Event:  # noqa: ANN401 - any JSON
    return codec.decode(envelope(**changed), "a", "bot-a", NOW)


def test_a_message() -> None:
    assert read(thread="t-1") == MessageReceived(
        key="m:c-1:p-1",
        place=TEAM,
        sender=ADA,
        message_id="p-1",
        parts=(Text("hello"),),
        at=1700000000.25,
        thread="t-1",
    )


def test_an_edit_and_a_recall() -> None:
    edited = read(type="edited", text="better", stamp="2")
    assert isinstance(edited, MessageEdited)
    assert (edited.key, edited.parts) == ("e:c-1:p-1:2", (Text("better"),))
    recalled = read(type="recalled", text="")
    assert isinstance(recalled, MessageRecalled)
    assert recalled.key == "r:c-1:p-1"


def test_a_press() -> None:
    pressed = read(type="pressed", token="q:0", text="")
    assert isinstance(pressed, ButtonPressed)
    assert (pressed.key, pressed.token) == ("p:c-1:e-1", "q:0")


@pytest.mark.parametrize(("who", "is_about_me"), [("u-1", False), ("bot-a", True)])
def test_somebody_joins(who: str, is_about_me: bool) -> None:  # noqa: FBT001 - a row
    sender = {"id": who, "name": "", "role": "member", "is_bot": False}
    joined = read(type="joined", sender=sender, message_id=None, text="")
    assert isinstance(joined, MembersChanged)
    assert (joined.key, joined.is_about_me, joined.joined[0].id) == ("x:e-1", is_about_me, who)


@pytest.mark.parametrize(
    ("kind", "mentions", "addressed"),
    [("private", False, True), ("group", True, True), ("group", False, False)],
)
def test_who_is_addressed(kind: str, mentions: bool, addressed: bool) -> None:  # noqa: FBT001 - a row
    said = read(chat={"id": "c-1", "kind": kind, "title": ""}, mentions_bot=mentions)
    assert isinstance(said, MessageReceived)
    assert said.is_addressed is addressed


@pytest.mark.parametrize(
    ("mime", "part"),
    [
        ("image/png", Image),
        ("audio/ogg", Audio),
        ("video/mp4", Video),
        ("text/csv", File),
        ("", File),
    ],
)
def test_files_stay_references(mime: str, part: type) -> None:
    media = {"ref": "f-1", "name": "a", "mime": mime, "size_bytes": 3}
    said = read(media=media, quote="p-0", text="")
    assert isinstance(said, MessageReceived)
    assert said.parts == (Quote("p-0"), part(Media("f-1", "a", mime, 3)))


@pytest.mark.parametrize(
    "changed",
    [{}, {"type": "edited", "stamp": "2"}, {"type": "recalled"}],
    ids=["message", "edited", "recalled"],
)
def test_a_redelivery_under_a_new_event_id_is_the_same(changed: dict[str, str]) -> None:
    assert read(**changed).key == read(event_id="e-2", **changed).key


def test_two_edits_and_two_presses_are_two() -> None:
    assert read(type="edited", stamp="1").key != read(type="edited", stamp="2").key
    first, second = read(type="pressed", token="t"), read(type="pressed", token="t", event_id="e-2")
    assert first.key != second.key


def test_an_event_of_another_kind_is_kept_under_its_own_id() -> None:
    found = read(type="unknown-thing")
    assert isinstance(found, Undecodable)
    assert (found.key, found.place) == ("x:e-1", TEAM)
    assert json.loads(found.raw)["type"] == "unknown-thing"


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": None},
        {"type": "pressed", "token": None},
        {"chat": None},
        {"at": "noon"},
        {"text": 5},
        {"sender": {"id": "u-1"}},
    ],
    ids=str,
)
def test_what_breaks_the_page_is_kept_with_the_problem(changed: dict[str, Any]) -> None:
    found = read(**changed)
    assert isinstance(found, Undecodable)
    assert found.problem
    assert found.raw == envelope(**changed).decode()
    assert found.at == NOW


def test_bytes_that_are_no_text_are_kept_readable() -> None:
    found = codec.decode(b"\xff{", "a", "bot-a", NOW)
    assert isinstance(found, Undecodable)
    assert found.raw == "\\xff{"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_any_json_can_be_decoded(value: object) -> None:
    """For every field, any value: an event comes out."""
    for field in json.loads(envelope()):
        assert read(**{field: value}).key


# --- out ----------------------------------------------------------------------------------


def test_a_key_is_added_at_the_call_and_the_stored_bytes_stay() -> None:
    body = codec.encode(Content("hi", choices=(Choice("x" * 99, "t"),)), Letter(chat=CHAT))
    assert b'"key"' not in body
    part = Part(verb=Verb.SEND, body=body, key="k" * 99)
    call = codec.to_call(part, "c-1", chooses_id=False)
    assert isinstance(call.body, codec.Sending)
    assert (call.body.key, call.body.message_id) == ("k" * 64, None)
    assert len(call.body.choices[0].label) == 64


def test_a_house_that_chooses_ids_chooses_the_key() -> None:
    body = codec.encode(Content("hi"), Letter(chat=CHAT))
    part = Part(verb=Verb.SEND, body=body, key="0af1")
    call = codec.to_call(part, "c-1", chooses_id=True)
    assert isinstance(call.body, codec.Sending)
    assert call.body.message_id == "0af1"


def test_a_slot_needs_words() -> None:
    assert codec.encode_slot(Content("hi")) == b'{"text":"hi"}'
    assert codec.encode_slot(Content(media=Media("f-1"))) is None
